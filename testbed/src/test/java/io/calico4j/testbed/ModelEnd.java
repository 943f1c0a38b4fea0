package io.calico4j.testbed;

import java.util.List;
import java.util.stream.Stream;

/**
 * An end of a packet in {@link KernelModel}: a workload, what is reached by an interface of the
 * host, or the host itself.
 */
enum ModelEnd {
  WORKLOAD0("cali0", List.of("10.65.0.0"), List.of("fd00::1")),
  WORKLOAD1("cali1", List.of("10.65.0.1"), List.of("fd00::2")),
  WORKLOAD2("cali2", List.of("10.65.0.2"), List.of("fd00::3")),
  WORKLOAD3("cali3", List.of("10.65.0.3"), List.of("fd00::4")),
  WORKLOAD4("cali4", List.of("10.65.0.4"), List.of("fd00::5")),
  /** By the default route. */
  OUTSIDE(
      "out0",
      List.of("10.9.9.9", "192.0.2.9", "10.1.1.1", "10.1.2.1", "10.65.1.0", "10.65.1.1"),
      List.of("2001:db8::1", "fd00::9", "fd00::1:0")),
  FIRST("eth0", List.of("10.1.1.2", "192.0.2.0"), List.of("2001:db8::2", "fd00::2:1")),
  SECOND("eth1", List.of("10.2.1.1", "10.65.1.2"), List.of("fd00::1:1")),
  HOST("", List.of("192.0.2.1", "192.0.2.2"), List.of("fd00::e1", "fd00::e2"));

  private final String interfaceName;
  private final List<String> addresses;
  private final List<String> addresses6;

  ModelEnd(String interfaceName, List<String> addresses, List<String> addresses6) {
    this.interfaceName = interfaceName;
    this.addresses = addresses;
    this.addresses6 = addresses6;
  }

  static ModelEnd workload(int number) {
    return values()[number];
  }

  /** Returns the workloads. */
  static List<ModelEnd> workloads() {
    return Stream.of(values()).filter(ModelEnd::isWorkload).toList();
  }

  /** Returns those that are reached by an interface of the host. */
  static List<ModelEnd> linked() {
    return Stream.of(values()).filter(end -> end != HOST).toList();
  }

  boolean isWorkload() {
    return interfaceName.startsWith("cali");
  }

  /** Returns the host's interface. */
  String interfaceName() {
    return interfaceName;
  }

  /** Returns what the prober calls it: the other end of the host's interface. */
  String link() {
    return this == HOST ? "host" : "w" + interfaceName;
  }

  /** Returns the address of the host's interface. */
  String routerMac() {
    return "02:00:00:00:01:0" + ordinal();
  }

  /** Returns the address of the other end. */
  String peerMac() {
    return "02:00:00:00:02:0" + ordinal();
  }

  List<String> addresses(boolean v6) {
    return v6 ? addresses6 : addresses;
  }
}
