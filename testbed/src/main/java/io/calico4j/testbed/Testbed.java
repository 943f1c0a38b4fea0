package io.calico4j.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of hosts made of network namespaces, with a real etcd and a real router. Hosts are on a
 * segment of their own, 192.0.2.0/24, or behind the router, 198.51.100.0/24. Must run as root of
 * private user, network, mount and PID namespaces with a tmpfs on /run.
 */
public final class Testbed implements Closeable {
  /** The pool the first agent makes. */
  public static final String POOL = "10.65.0.0/16";

  private static final String ROUTER = "192.0.2.1";
  private static final String FAR_ROUTER = "198.51.100.1";
  private static final String ETCD = "192.0.2.2";

  private final Path distribution;
  private final Path state;
  private final Namespace fabric;
  private final Deque<Closeable> parts = new ArrayDeque<>();
  private final List<TestHost> hosts = new ArrayList<>();
  private String etcdEndpoints = "";
  private @Nullable Router router;

  /**
   * Makes an empty cluster.
   *
   * @param distribution where Calico4J is installed
   * @param state where everything is written
   */
  public Testbed(Path distribution, Path state) throws IOException {
    if (!Files.isExecutable(distribution.resolve("bin/calico"))) {
      throw new IOException(
          distribution + " holds no installation: run ./install " + distribution + " first");
    }
    this.distribution = distribution;
    this.state = Files.createDirectories(state);
    fabric = Namespace.create("fabric");
    // With an address of its own: else it takes another port's as hosts come and go, which the
    // neighbours of the others learn late.
    fabric.ip("link", "add", "br0", "address", "02:00:00:00:00:01", "type", "bridge");
    fabric.ip("link", "set", "br0", "up");
    fabric.ip("address", "add", ETCD + "/24", "dev", "br0");
  }

  /** Starts the cluster's etcd; hosts added afterwards use it. */
  public EtcdProcess startEtcd() throws IOException {
    EtcdProcess started = own(new EtcdProcess(fabric, state, ETCD));
    started.start();
    etcdEndpoints = started.url();
    return started;
  }

  /**
   * Prepares the members of a cluster of etcd, each in a namespace of its own on the first segment.
   * Nothing is started; hosts added afterwards use them.
   */
  List<EtcdProcess> addEtcdMembers(int size) throws IOException {
    Map<String, String> peers = new TreeMap<>();
    for (int i = 1; i <= size; i++) {
      peers.put("etcd-" + i, "http://" + memberAddress(i) + ":2380");
    }
    List<EtcdProcess> members = new ArrayList<>();
    for (int i = 1; i <= size; i++) {
      String name = "etcd-" + i;
      Namespace namespace = Namespace.create(name);
      own(namespace::delete);
      plug(namespace, "eth0", name, memberAddress(i) + "/24");
      Path directory = Files.createDirectories(state.resolve(name));
      members.add(own(EtcdProcess.member(namespace, directory, name, memberAddress(i), peers)));
    }
    etcdEndpoints = String.join(",", members.stream().map(EtcdProcess::url).toList());
    return members;
  }

  private static String memberAddress(int number) {
    return "192.0.2." + (100 + number);
  }

  /** Makes the router, whose BIRD starts with {@link #startRouting}. */
  public Router addRouter() throws IOException {
    Router made = own(new Router(Namespace.create("router"), state.resolve("router")));
    plug(made.namespace(), "eth0", "router", ROUTER + "/24");
    fabric.ip("route", "add", "198.51.100.0/24", "via", ROUTER);
    router = made;
    return made;
  }

  /** Starts the router's BIRD with every host known by now as a peer. */
  public void startRouting() throws IOException {
    router().start(ROUTER);
  }

  private Router router() {
    Router made = router;
    if (made == null) {
      throw new IllegalStateException("the testbed has no router: call addRouter first");
    }
    return made;
  }

  private void plug(Namespace namespace, String link, String port, String address)
      throws IOException {
    namespace.connect(link, fabric, port);
    fabric.ip("link", "set", port, "master", "br0");
    namespace.ip("address", "add", address, "dev", link);
  }

  /** Adds a host to the first segment; the last number of its address is given. */
  public TestHost addHost(String name, int number, String as) throws IOException {
    Namespace namespace = Namespace.create(name);
    String address = "192.0.2." + number;
    plug(namespace, "eth0", name, address + "/24");
    namespace.ip("route", "add", "default", "via", ROUTER);
    return addHost(namespace, address, as, ROUTER);
  }

  /** Adds a host behind the router. */
  public TestHost addFarHost(String name, int number, String as) throws IOException {
    Namespace namespace = Namespace.create(name);
    String address = "198.51.100." + number;
    namespace.connect("eth0", router().namespace(), name);
    router().namespace().ip("address", "add", FAR_ROUTER + "/24", "dev", name);
    namespace.ip("address", "add", address + "/24", "dev", "eth0");
    namespace.ip("route", "add", "default", "via", FAR_ROUTER);
    return addHost(namespace, address, as, FAR_ROUTER);
  }

  private TestHost addHost(Namespace namespace, String address, String as, String gateway)
      throws IOException {
    Map<String, String> settings = new TreeMap<>();
    settings.put("AS", as);
    settings.put("CALICO_IPV4POOL_CIDR", POOL);
    settings.put("ETCD_ENDPOINTS", etcdEndpoints);
    TestHost host =
        own(
            new TestHost(
                namespace,
                address,
                gateway,
                distribution,
                state.resolve(namespace.name()),
                settings));
    hosts.add(host);
    if (router != null) {
      router.addPeer(namespace.name(), address, as);
    }
    return host;
  }

  /** Gives this process's own namespace an address of 192.0.2.0/24 on the hosts' segment. */
  void joinSegment(String address) throws IOException {
    Command.of("ip", "link", "add", "own", "type", "veth", "peer", "own", "netns", fabric.name())
        .mustRun();
    Namespace.own().ip("address", "add", address + "/24", "dev", "own");
    Namespace.own().ip("link", "set", "own", "up");
    fabric.ip("link", "set", "own", "master", "br0", "up");
  }

  /** Returns the namespace of the first segment, a bridge named br0. */
  public Namespace fabric() {
    return fabric;
  }

  /** Returns the hosts in the order in which they were added. */
  public List<TestHost> hosts() {
    return List.copyOf(hosts);
  }

  private <T extends Closeable> T own(T part) {
    parts.push(part);
    return part;
  }

  /** Fails unless no address, handle and endpoint is left in etcd. */
  public static void mustBeClean(EtcdProcess etcd) throws IOException {
    Await.until("no handle in etcd", 10, () -> etcd.keys("/calico/ipam/v2/handle/").isEmpty());
    String endpoints = "/calico/resources/v3/projectcalico.org/workloadendpoints/";
    Await.until("no endpoint in etcd", 10, () -> etcd.keys(endpoints).isEmpty());
    Await.until(
        "no address in etcd",
        10,
        () ->
            !etcd.ctl("get", "--prefix", "--print-value-only", "/calico/ipam/v2/assignment/")
                .contains("handle_id"));
  }

  /** Takes everything down. */
  @Override
  public void close() throws IOException {
    while (!parts.isEmpty()) {
      parts.pop().close();
    }
    fabric.delete();
  }
}
