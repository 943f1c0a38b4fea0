package io.calico4j.node;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.net.InetAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;

/**
 * What calico-node reads from its environment, with upstream's names.
 *
 * @param node NODENAME, else the host's name in lower case
 * @param address IP: address with prefix length; detected when absent or {@code autodetect}
 * @param asNumber AS; empty inherits the cluster's
 * @param bird whether CALICO_NETWORKING_BACKEND is bird (the default)
 * @param poolCidr CALICO_IPV4POOL_CIDR; empty for 192.168.0.0/16
 * @param defaultPools whether NO_DEFAULT_POOLS is not true
 * @param runDirectory CALICO_RUN_DIR, /run/calico
 * @param libDirectory CALICO_LIB_DIR, /var/lib/calico
 * @param embeddedEtcd whether ETCD_ENDPOINTS is empty
 * @param healthHost FELIX_HEALTHHOST, localhost
 * @param healthPort FELIX_HEALTHPORT, 9099
 * @param blockReleaseSeconds CALICO_BLOCK_RELEASE_SECONDS, 300: how often empty blocks are looked
 *     for; 0 is never
 * @param janitorSeconds CALICO_JANITOR_SECONDS, 60: how often endpoints without container are
 *     looked for; 0 is never
 * @param rktDirectory CALICO_RKT_DIR, /var/lib/rkt: where rkt keeps its pods
 */
record NodeSettings(
    String node,
    String address,
    String asNumber,
    boolean bird,
    String poolCidr,
    boolean defaultPools,
    Path runDirectory,
    Path libDirectory,
    boolean embeddedEtcd,
    String healthHost,
    int healthPort,
    int blockReleaseSeconds,
    int janitorSeconds,
    Path rktDirectory) {

  static NodeSettings of(Map<String, String> environment) throws SocketException {
    String node = environment.getOrDefault("NODENAME", "");
    if (node.isEmpty()) {
      node = hostName();
    }
    if (!node.matches("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")) {
      throw new IllegalArgumentException(
          "NODENAME \"" + node + "\" must be lower-case letters, digits, dots and dashes");
    }
    String address = environment.getOrDefault("IP", "autodetect");
    if (address.isEmpty() || address.equals("autodetect")) {
      address = detect();
    } else if (Cidr.tryParse(address).isEmpty()) {
      throw new IllegalArgumentException(
          "IP \"" + address + "\" must be an address with prefix length such as 192.0.2.11/24");
    }
    return new NodeSettings(
        node,
        address,
        environment.getOrDefault("AS", ""),
        environment.getOrDefault("CALICO_NETWORKING_BACKEND", "bird").equals("bird"),
        environment.getOrDefault("CALICO_IPV4POOL_CIDR", "192.168.0.0/16"),
        !environment.getOrDefault("NO_DEFAULT_POOLS", "false").equals("true"),
        Path.of(environment.getOrDefault("CALICO_RUN_DIR", "/run/calico")),
        Path.of(environment.getOrDefault("CALICO_LIB_DIR", "/var/lib/calico")),
        environment.getOrDefault("ETCD_ENDPOINTS", "").isEmpty(),
        environment.getOrDefault("FELIX_HEALTHHOST", "localhost"),
        port(environment.getOrDefault("FELIX_HEALTHPORT", "9099")),
        number(
            environment, "CALICO_BLOCK_RELEASE_SECONDS", "300", "a number of seconds, 0 for never"),
        number(environment, "CALICO_JANITOR_SECONDS", "60", "a number of seconds, 0 for never"),
        Path.of(environment.getOrDefault("CALICO_RKT_DIR", "/var/lib/rkt")));
  }

  private static int number(
      Map<String, String> environment, String name, String absent, String wanted) {
    String text = environment.getOrDefault(name, absent);
    if (!text.matches("[0-9]{1,6}")) {
      throw new IllegalArgumentException(name + " \"" + text + "\" must be " + wanted);
    }
    return Integer.parseInt(text);
  }

  private static int port(String text) {
    if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > 65535) {
      throw new IllegalArgumentException("FELIX_HEALTHPORT \"" + text + "\" is no port");
    }
    return Integer.parseInt(text);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName().toLowerCase(Locale.ROOT);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("the host has no name: set NODENAME", e);
    }
  }

  /** Takes the first IPv4 address of an interface that is up and made by no container engine. */
  private static String detect() throws SocketException {
    for (NetworkInterface link : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      if (!link.isUp()
          || link.isLoopback()
          || link.getName().matches("(docker|cbr|virbr|lxcbr|veth|cali|tunl|flannel).*")) {
        continue;
      }
      for (InterfaceAddress address : link.getInterfaceAddresses()) {
        IpAddress candidate = IpAddress.ofBytes(address.getAddress().getAddress());
        if (candidate.isV4()) {
          return candidate + "/" + address.getNetworkPrefixLength();
        }
      }
    }
    throw new IllegalArgumentException("no IPv4 address was found: set IP, such as 192.0.2.11/24");
  }

  /** Returns the address without its prefix length. */
  IpAddress ipAddress() {
    int slash = address.indexOf('/');
    return IpAddress.parse(slash < 0 ? address : address.substring(0, slash));
  }
}
