package io.calico4j.core.net;

import java.math.BigInteger;
import java.util.Optional;

/**
 * A canonical network: the address has no bits set below the prefix. Ordered by address, then by
 * prefix length (shorter first).
 *
 * @param address the network address
 * @param prefix the prefix length, 0 to 32 or 0 to 128
 */
public record Cidr(IpAddress address, int prefix) implements Comparable<Cidr> {
  /** Masks the address to the prefix. */
  public Cidr {
    if (prefix < 0 || prefix > address.family().bits()) {
      throw new IllegalArgumentException(
          "prefix length " + prefix + " is not within 0 to " + address.family().bits());
    }
    int hostBits = address.family().bits() - prefix;
    address =
        new IpAddress(address.family(), address.value().shiftRight(hostBits).shiftLeft(hostBits));
  }

  /** Parses {@code address/prefix} or a bare address (a full-length prefix); host bits are cut. */
  public static Cidr parse(String text) {
    return tryParse(text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "\"" + text + "\" is not a CIDR such as 10.65.0.0/16 or fd00::/64"));
  }

  /** Parses like {@link #parse}, but refuses text whose address has bits below the prefix. */
  public static Cidr strict(String text) {
    Cidr cidr = parse(text);
    int slash = text.indexOf('/');
    IpAddress given = IpAddress.parse(slash < 0 ? text : text.substring(0, slash));
    if (!given.equals(cidr.address)) {
      throw new IllegalArgumentException("\"" + text + "\" is not canonical: write it as " + cidr);
    }
    return cidr;
  }

  /** Parses a CIDR, empty when the text is not one. */
  public static Optional<Cidr> tryParse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      return IpAddress.tryParse(text).map(IpAddress::toCidr);
    }
    int prefix = IpAddress.decimal(text, slash + 1, text.length());
    if (prefix < 0) {
      return Optional.empty();
    }
    return IpAddress.tryParse(text.substring(0, slash))
        .filter(address -> prefix <= address.family().bits())
        .map(address -> new Cidr(address, prefix));
  }

  /** Returns the address family. */
  public IpFamily family() {
    return address.family();
  }

  /** Tells whether the address lies inside; always false for the other family. */
  public boolean contains(IpAddress other) {
    if (other.family() != family()) {
      return false;
    }
    int hostBits = family().bits() - prefix;
    if (other.isV4()) {
      // A shift by all 32 bits would be none at all.
      return prefix == 0
          || (other.value().intValue() ^ address.value().intValue()) >>> hostBits == 0;
    }
    return other.value().shiftRight(hostBits).equals(address.value().shiftRight(hostBits));
  }

  /** Tells whether the whole of the other network lies inside this one. */
  public boolean contains(Cidr other) {
    return other.prefix >= prefix && contains(other.address);
  }

  /** Tells whether the two networks share an address. */
  public boolean overlaps(Cidr other) {
    return contains(other) || other.contains(this);
  }

  /** Returns the number of addresses: 2 to the power of the host bits. */
  public BigInteger size() {
    return BigInteger.ONE.shiftLeft(family().bits() - prefix);
  }

  /** Returns the last address. */
  public IpAddress last() {
    return new IpAddress(family(), address.value().add(size()).subtract(BigInteger.ONE));
  }

  /** Tells whether this is a single address. */
  public boolean isSingle() {
    return prefix == family().bits();
  }

  @Override
  public int compareTo(Cidr other) {
    int byAddress = address.compareTo(other.address);
    return byAddress != 0 ? byAddress : Integer.compare(prefix, other.prefix);
  }

  @Override
  public String toString() {
    return address + "/" + prefix;
  }
}
