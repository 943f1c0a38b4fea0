package io.calico4j.core.net;

/** The two address families, with the names Calico's etcd keys use for them. */
public enum IpFamily {
  /** IPv4: 32 bits. */
  IPV4(32, "ipv4"),
  /** IPv6: 128 bits. */
  IPV6(128, "ipv6");

  private final int bits;
  private final String keyName;

  IpFamily(int bits, String keyName) {
    this.bits = bits;
    this.keyName = keyName;
  }

  /** Returns the number of bits of an address. */
  public int bits() {
    return bits;
  }

  /** Returns {@code ipv4} or {@code ipv6}, as in the IPAM keys of Calico's etcd layout. */
  public String keyName() {
    return keyName;
  }
}
