package io.calico4j.testbed;

/** An address that a service of the host listens on, and where a workload sends to. */
enum HostAddress {
  NODE_ADDRESS(SecurityIT.HOST, SecurityIT.HOST, true),
  NODE_ADDRESS_V6(SecurityIT.HOST_V6, SecurityIT.HOST_V6, true),
  LOOPBACK("127.0.0.1", "127.0.0.1", false),
  LOOPBACK_NETWORK("127.0.0.53", "127.0.0.53", false),
  LOOPBACK_V6("::1", "::1", false),
  MAPPED_LOOPBACK("::", SecurityIT.MAPPED_LOOPBACK, false),
  OTHER_ADDRESS_OF_LO(SecurityIT.HOST_LOOPBACK, SecurityIT.HOST_LOOPBACK, false),
  OTHER_ADDRESS_OF_LO_V6(SecurityIT.HOST_LOOPBACK_V6, SecurityIT.HOST_LOOPBACK_V6, false),
  NETWORK_OF_LO(SecurityIT.IN_NETWORK_ON_LO, SecurityIT.IN_NETWORK_ON_LO, false);

  final String listen;
  final String to;
  final boolean reachable;

  HostAddress(String listen, String to, boolean reachable) {
    this.listen = listen;
    this.to = to;
    this.reachable = reachable;
  }
}
