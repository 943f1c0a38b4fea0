package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Sessions with routers that are not ours: FRR (with a password), GoBGP (IPv4 and IPv6) and ExaBGP,
 * each in a namespace of its own on the hosts' segment.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BgpPeersIT {
  private static final String OWN_ADDRESS = "192.0.2.3";
  private static final String HOST6 = "fd00:2::11";
  private static final String FRR = "192.0.2.61";
  private static final String GOBGP = "192.0.2.62";
  private static final String GOBGP6 = "fd00:2::62";
  private static final String EXABGP = "192.0.2.63";
  private static final String FRR_NETWORK = "198.51.100.0/24";
  private static final String EXABGP_NETWORK = "203.0.113.0/24";
  private static final int BLOCKS = 1000;
  private static final int SECONDS = 60;

  private final Path state = Installed.freshState(getClass());
  private final List<Process> routers = new ArrayList<>();
  private Testbed testbed;
  private Datastore datastore;
  private TestHost host;
  private Namespace frr;
  private Frr frrouting;
  private Namespace gobgp;
  private Path secret;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    EtcdProcess etcd = testbed.startEtcd();
    testbed.joinSegment(OWN_ADDRESS);
    datastore = EtcdDatastore.connect(EtcdConfig.of(List.of(etcd.url())));
    host = testbed.addHost("leaf", 11, "64512");
    addV6(host.namespace(), HOST6);
    secret = Files.createDirectories(state.resolve("secrets/rack")).resolve("frr");
    Files.writeString(secret, "between-us\n");
    host.set("CALICO_BGP_SECRETS_DIR", state.resolve("secrets").toString());
    host.set("IP6", HOST6);
    host.startAgent();
    startFrr();
    startGobgp();
    startExabgp();
    apply(
        """
        {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: frr},
         spec: {peerIP: 192.0.2.61, asNumber: 65001,
                password: {secretKeyRef: {name: rack, key: frr}}}}
        ---
        {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: gobgp},
         spec: {peerIP: 192.0.2.62, asNumber: 65002}}
        ---
        {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: gobgp6},
         spec: {peerIP: 'fd00:2::62', asNumber: 65002}}
        ---
        {apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: exabgp},
         spec: {peerIP: 192.0.2.63, asNumber: 65003}}
        ---
        {apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: six},
         spec: {cidr: 'fd00:65::/48'}}
        """);
    announce("ipv4", "10.65.200.0-26");
    announce("ipv6", "fd00:65::40-122");
  }

  @AfterAll
  void stop() throws Exception {
    for (Process router : routers) {
      Await.killed(router);
    }
    frrouting.close();
    datastore.close();
    testbed.close();
  }

  private void apply(String documents) throws IOException {
    Command.Outcome outcome = host.calicoctl(documents, "apply", "-f", "-");
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
  }

  private static void addV6(Namespace namespace, String address) throws IOException {
    namespace.command("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0").mustRun();
    namespace.ip("-6", "address", "add", address + "/64", "dev", "eth0", "nodad");
  }

  private void announce(String family, String block) throws Exception {
    long unused =
        datastore.commit(Transaction.builder().put(affinity(family, block), affinity()).build());
  }

  private static String affinity(String family, String block) {
    return "/calico/ipam/v2/host/leaf/" + family + "/block/" + block;
  }

  private static String affinity() {
    return "{\"state\":\"confirmed\",\"deleted\":\"false\"}";
  }

  private Namespace router(String name, int number) throws IOException {
    return testbed.addHost(name, number, "65000").namespace();
  }

  private void run(Namespace in, String name, List<String> command) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(in.enter(command))
            .redirectErrorStream(true)
            .redirectOutput(state.resolve(name + ".log").toFile());
    builder.environment().put("exabgp.daemon.user", "root");
    builder.environment().put("exabgp.api.cli", "false");
    routers.add(builder.start());
  }

  private void startFrr() throws IOException {
    frr = router("frr", 61);
    frrouting =
        Frr.start(
            frr,
            state.resolve("frr"),
            """
            router bgp 65001
             bgp router-id 192.0.2.61
             no bgp ebgp-requires-policy
             no bgp network import-check
             bgp graceful-restart
             neighbor 192.0.2.11 remote-as 64512
             neighbor 192.0.2.11 password between-us
             neighbor 192.0.2.11 timers connect 1
             address-family ipv4 unicast
              network 198.51.100.0/24
             exit-address-family
            """);
  }

  private String vtysh(String... commands) throws IOException {
    return frrouting.vtysh(commands);
  }

  private void startGobgp() throws IOException {
    gobgp = router("gobgp", 62);
    addV6(gobgp, GOBGP6);
    Path file =
        Files.writeString(
            state.resolve("gobgp.toml"),
            """
            [global.config]
              as = 65002
              router-id = "192.0.2.62"
            [[neighbors]]
              [neighbors.config]
                neighbor-address = "192.0.2.11"
                peer-as = 64512
              [neighbors.timers.config]
                connect-retry = 1
            [[neighbors]]
              [neighbors.config]
                neighbor-address = "fd00:2::11"
                peer-as = 64512
              [neighbors.timers.config]
                connect-retry = 1
              [[neighbors.afi-safis]]
                [neighbors.afi-safis.config]
                  afi-safi-name = "ipv6-unicast"
            """);
    run(gobgp, "gobgp", List.of("gobgpd", "-f", file.toString()));
  }

  private String gobgp(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("gobgp"));
    all.addAll(List.of(arguments));
    return gobgp.command(all.toArray(String[]::new)).run().output();
  }

  private void startExabgp() throws IOException {
    Namespace exabgp = router("exabgp", 63);
    Path file =
        Files.writeString(
            state.resolve("exabgp.conf"),
            """
            neighbor 192.0.2.11 {
              router-id 192.0.2.63;
              local-address 192.0.2.63;
              local-as 65003;
              peer-as 64512;
              static { route 203.0.113.0/24 next-hop 192.0.2.63; }
            }
            """);
    run(exabgp, "exabgp", List.of("exabgp", file.toString()));
  }

  private boolean hasRoute(String network, String via) throws IOException {
    return host.namespace().ip("route", "show", network).contains("via " + via);
  }

  private boolean isUp(String peer) throws IOException {
    return host.calicoctl("", "node", "status")
        .output()
        .lines()
        .anyMatch(line -> line.contains(peer) && line.contains("Established"));
  }

  @Test
  void routesAreLearnedAndAnnouncedByEachRouter() throws Exception {
    for (String peer : List.of(FRR, GOBGP, GOBGP6, EXABGP)) {
      Await.until("the session with " + peer + " is up", SECONDS, () -> isUp(peer));
    }
    Await.until("FRR's network is a route", SECONDS, () -> hasRoute(FRR_NETWORK, FRR));
    Await.until("ExaBGP's network is a route", SECONDS, () -> hasRoute(EXABGP_NETWORK, EXABGP));
    Await.until(
        "FRR has the block",
        SECONDS,
        () -> vtysh("show bgp ipv4 unicast 10.65.200.0/26").contains("192.0.2.11"));
    Await.until(
        "GoBGP has the block",
        SECONDS,
        () -> gobgp("global", "rib", "10.65.200.0/26").contains("192.0.2.11"));
    Await.until(
        "GoBGP has the IPv6 block",
        SECONDS,
        () -> gobgp("global", "rib", "-a", "ipv6", "fd00:65::40/122").contains(HOST6));
  }

  @Test
  void whatIsWithdrawnGoes() throws Exception {
    Await.until("FRR's network is a route", SECONDS, () -> hasRoute(FRR_NETWORK, FRR));
    String entered = "router bgp 65001";
    String family = "address-family ipv4 unicast";
    vtysh("configure terminal", entered, family, "no network " + FRR_NETWORK);
    Await.until("the route goes", SECONDS, () -> !hasRoute(FRR_NETWORK, FRR));
    vtysh("configure terminal", entered, family, "network " + FRR_NETWORK);
    Await.until("it is back", SECONDS, () -> hasRoute(FRR_NETWORK, FRR));
  }

  /**
   * bird is killed; FRR forwards to the block all the time, until another bird has told it again.
   */
  @Test
  void aKilledBirdsRoutesStayAtItsPeer() throws Exception {
    String block = "10.65.200.0/26";
    Await.until("the session is up", SECONDS, () -> isUp(FRR));
    Await.until(
        "FRR's kernel has the block",
        SECONDS,
        () -> frr.ip("route", "show", block).contains("192.0.2.11"));
    Path changes = state.resolve("frr-routes.log");
    Process monitor =
        new ProcessBuilder(frr.enter(List.of("ip", "monitor", "route")))
            .redirectErrorStream(true)
            .redirectOutput(changes.toFile())
            .start();
    routers.add(monitor);
    Path pidFile = host.state().resolve("run/bird.pid");
    String killed = Files.readString(pidFile).strip();
    Command.of("kill", "-9", killed).mustRun();
    Await.until(
        "another bird runs",
        SECONDS,
        () -> Files.exists(pidFile) && !Files.readString(pidFile).strip().equals(killed));
    Await.until("the session is up again", SECONDS, () -> isUp(FRR));
    frr.ip("route", "add", "blackhole", "198.18.1.0/24");
    Await.until(
        "what was changed until now is noted",
        SECONDS,
        () -> Files.readString(changes).contains("198.18.1.0/24"));
    assertThat(Files.readString(changes).lines().filter(line -> line.contains("Deleted " + block)))
        .isEmpty();
    assertThat(frr.ip("route", "show", block)).contains("192.0.2.11");
    assertThat(host.page("/metrics"))
        .contains("bgp_peers{ip_version=\"IPv4\",status=\"Established\"}");
  }

  @Test
  void aWrongPasswordNeverPeers() throws Exception {
    Await.until("the session is up", SECONDS, () -> isUp(FRR));
    Files.writeString(secret, "something else\n");
    Await.until("the session is down", SECONDS, () -> !isUp(FRR));
    Await.until("the kernel refuses what is signed otherwise", SECONDS, () -> refused() > 0);
    assertThat(isUp(FRR)).isFalse();
    assertThat(Files.readString(host.state().resolve("node.log"))).doesNotContain("between-us");
    Files.writeString(secret, "between-us\n");
    Await.until("the session is up again", SECONDS, () -> isUp(FRR));
  }

  /** Segments with a wrong signature, of both ends: {@code TcpExtTCPMD5Failure} of nstat(8). */
  private long refused() throws IOException {
    long sum = 0;
    for (Namespace each : List.of(host.namespace(), frr)) {
      String text = each.command("nstat", "-asz", "TcpExtTCPMD5Failure").mustRun();
      sum += Long.parseLong(text.replaceAll("(?s).*TcpExtTCPMD5Failure\\s+([0-9]+).*", "$1"));
    }
    return sum;
  }

  @Test
  void aThousandBlocksAreAnnounced() throws Exception {
    for (int first = 0; first < BLOCKS; first += 100) {
      Transaction.Builder some = Transaction.builder();
      for (int i = first; i < first + 100; i++) {
        String block = "10.65.%d.%d-28".formatted(i / 16, i % 16 * 16);
        some.put(affinity("ipv4", block), affinity());
      }
      long unused = datastore.commit(some.build());
    }
    Await.until("GoBGP has all of them", SECONDS, () -> blocks() >= BLOCKS);
    for (int first = 0; first < BLOCKS; first += 100) {
      Transaction.Builder some = Transaction.builder();
      for (int i = first; i < first + 100; i++) {
        some.delete(affinity("ipv4", "10.65.%d.%d-28".formatted(i / 16, i % 16 * 16)));
      }
      long unused = datastore.commit(some.build());
    }
    Await.until("they are withdrawn", SECONDS, () -> blocks() < 10);
  }

  private long blocks() throws IOException {
    return gobgp("global", "rib").lines().filter(line -> line.contains("10.65.")).count();
  }
}
