package io.calico4j.node.check;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.Nft;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Looks at what calico-node needs of a host: capabilities, nftables with the features that the
 * rules use, connection tracking, sysctls, programs, and etcd. It changes nothing: rules are shown
 * to the kernel without being committed.
 */
public final class SystemCheck {
  /** Bits of CapEff, {@code linux/capability.h}, that the agent needs. */
  private static final Map<Integer, String> CAPABILITIES =
      Map.of(12, "CAP_NET_ADMIN", 13, "CAP_NET_RAW", 21, "CAP_SYS_ADMIN");

  private static final String TABLE = "add table inet calico-check\n";
  private static final String CHAIN = "add chain inet calico-check c ";
  private static final String RULE = "add rule inet calico-check c ";

  /** A feature of nftables, what shows that the kernel has it, and the kernel's option. */
  private record Feature(String name, String rules, String option) {}

  private static final List<Feature> FEATURES =
      List.of(
          new Feature("nftables, table inet", TABLE, "CONFIG_NF_TABLES_INET"),
          new Feature(
              "nftables, verdict maps",
              TABLE + "add map inet calico-check m { type ifname : verdict; }\n",
              "CONFIG_NF_TABLES"),
          new Feature(
              "nftables, sets of intervals",
              TABLE
                  + "add set inet calico-check s { type ipv4_addr . nf_proto; flags interval; }\n"
                  + "add element inet calico-check s { 10.0.0.0/8 . ipv4 }\n",
              "CONFIG_NF_TABLES (5.6 or newer)"),
          new Feature(
              "nftables, connection tracking",
              TABLE
                  + CHAIN
                  + "{ type filter hook forward priority 0; }\n"
                  + RULE
                  + "ct state established accept\n",
              "CONFIG_NFT_CT"),
          new Feature(
              "nftables, fib",
              TABLE
                  + CHAIN
                  + "{ type filter hook prerouting priority -300; }\n"
                  + RULE
                  + "fib saddr . iif oif 0 drop\n",
              "CONFIG_NFT_FIB_INET"),
          new Feature(
              "nftables, nat",
              TABLE
                  + CHAIN
                  + "{ type nat hook postrouting priority 100; }\n"
                  + RULE
                  + "masquerade\n",
              "CONFIG_NFT_NAT, CONFIG_NFT_MASQ"),
          new Feature(
              "nftables, log to a group",
              TABLE + CHAIN + "\n" + RULE + "log prefix \"x\" group 145 snaplen 128\n",
              "CONFIG_NFT_LOG, CONFIG_NETFILTER_NETLINK_LOG"),
          new Feature(
              "nftables, limit",
              TABLE + CHAIN + "\n" + RULE + "limit rate 10/second accept\n",
              "CONFIG_NFT_LIMIT"));

  private final Kernel kernel;

  /** Makes a check of the host of this process. */
  public SystemCheck(Kernel kernel) {
    this.kernel = kernel;
  }

  /**
   * Looks at everything.
   *
   * @param etcd how etcd is reached; empty where calico-node runs its own
   * @param bird whether bird is needed
   */
  public List<CheckResult> run(Optional<EtcdConfig> etcd, boolean bird) {
    List<CheckResult> results = new ArrayList<>();
    results.add(capabilities());
    results.addAll(nftables());
    results.add(conntrack());
    results.add(sysctl("net/ipv4/ip_forward", "1", "IPForwarding of FelixConfiguration sets it"));
    results.add(
        sysctl(
            "net/ipv6/conf/all/forwarding",
            "1",
            "calico-node sets it once a pool or an endpoint has IPv6 addresses"));
    results.add(conntrackSize());
    if (bird) {
      results.add(program("bird", "install bird2, or set CALICO_NETWORKING_BACKEND=none"));
    }
    if (etcd.isPresent()) {
      results.add(datastore(etcd.get()));
    } else {
      results.add(program("etcd", "install etcd-server, or set ETCD_ENDPOINTS"));
    }
    return results;
  }

  private static CheckResult capabilities() {
    String subject = "capabilities";
    try {
      String effective =
          Files.readString(Path.of("/proc/self/status"))
              .replaceAll("(?s).*\nCapEff:\\s*([0-9a-f]+).*", "$1");
      BigInteger bits = new BigInteger(effective.strip(), 16);
      List<String> absent =
          CAPABILITIES.entrySet().stream()
              .filter(each -> !bits.testBit(each.getKey()))
              .map(Map.Entry::getValue)
              .sorted()
              .toList();
      return absent.isEmpty()
          ? CheckResult.ok(subject, "CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN")
          : CheckResult.missing(
              subject, "without " + String.join(", ", absent), "run it as root, or grant them");
    } catch (IOException | NumberFormatException e) {
      return CheckResult.warning(subject, "not known: " + e.getMessage(), "mount /proc");
    }
  }

  private static List<CheckResult> nftables() {
    List<CheckResult> results = new ArrayList<>();
    try (Nft nft = new LibNftables()) {
      for (Feature feature : FEATURES) {
        results.add(feature(nft, feature));
      }
    } catch (UnsatisfiedLinkError e) {
      results.add(
          CheckResult.missing(
              "libnftables.so.1", "it is not found", "install libnftables1 (nftables)"));
    }
    return results;
  }

  private static CheckResult feature(Nft nft, Feature feature) {
    try {
      nft.check(feature.rules());
      return CheckResult.ok(feature.name(), "the kernel takes it");
    } catch (NftException e) {
      return CheckResult.missing(
          feature.name(),
          String.valueOf(e.getMessage()).lines().findFirst().orElse("refused"),
          "use a kernel with " + feature.option() + ", or load the module");
    }
  }

  private CheckResult conntrack() {
    String subject = "conntrack by netlink";
    try (Conntrack conntrack = kernel.conntrack()) {
      if (conntrack.isSupported()) {
        return CheckResult.ok(subject, "connections of a removed endpoint are forgotten at once");
      }
    } catch (KernelException e) {
      // As if it were not there.
    }
    return CheckResult.warning(
        subject,
        "connections of a removed endpoint are known until they time out",
        "use a kernel with CONFIG_NF_CT_NETLINK");
  }

  private CheckResult sysctl(String path, String wanted, String words) {
    try {
      Optional<String> value = kernel.sysctl(path);
      if (value.isEmpty()) {
        return CheckResult.warning(path, "the kernel does not have it", words);
      }
      return value.get().equals(wanted)
          ? CheckResult.ok(path, value.get())
          : CheckResult.warning(path, value.get() + " instead of " + wanted, words);
    } catch (KernelException e) {
      return CheckResult.warning(path, String.valueOf(e.getMessage()), words);
    }
  }

  private CheckResult conntrackSize() {
    String path = "net/netfilter/nf_conntrack_max";
    try {
      return kernel
          .sysctl(path)
          .map(value -> CheckResult.ok(path, value + " connections"))
          .orElseGet(
              () ->
                  CheckResult.ok(
                      path, "known once connection tracking is in use, or to the host alone"));
    } catch (KernelException e) {
      return CheckResult.warning(path, String.valueOf(e.getMessage()), "mount /proc/sys");
    }
  }

  private static CheckResult program(String name, String remedy) {
    try {
      Process process = new ProcessBuilder(name, "--version").redirectErrorStream(true).start();
      process.getOutputStream().close();
      String words = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      boolean ended = process.waitFor(5, TimeUnit.SECONDS);
      return ended && process.exitValue() == 0
          ? CheckResult.ok(name, words.lines().findFirst().orElse("").strip())
          : CheckResult.missing(name, words.strip(), remedy);
    } catch (IOException e) {
      return CheckResult.missing(name, "it is not found", remedy);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return CheckResult.missing(name, "interrupted", remedy);
    }
  }

  private static CheckResult datastore(EtcdConfig config) {
    String subject = "etcd";
    String words = String.join(", ", config.endpoints());
    try (Datastore datastore = EtcdDatastore.connect(config)) {
      boolean known =
          datastore
              .get(ResourceKey.of(ResourceKind.CLUSTER_INFORMATION, "default").path())
              .isPresent();
      return CheckResult.ok(
          subject, words + (known ? " has a cluster's data" : " answers, and is empty"));
    } catch (DatastoreException e) {
      return CheckResult.missing(
          subject, words + ": " + e.getMessage(), "start etcd, or correct the ETCD_ variables");
    }
  }
}
