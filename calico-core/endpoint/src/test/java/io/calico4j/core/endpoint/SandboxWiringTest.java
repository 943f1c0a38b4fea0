package io.calico4j.core.endpoint;

import static io.calico4j.core.endpoint.KernelProxies.proxy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.Kernel.Sysctl;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the kernel is asked for, in which order, to connect a sandbox. */
class SandboxWiringTest {
  private static final EndpointIdentity IDENTITY =
      new EndpointIdentity(
          "net", new NodeName("host-a"), "default", "cni", "web", new InterfaceName("eth0"));
  private static final String HOST_END = IDENTITY.hostInterface().text();
  private static final MacAddress MAC = new MacAddress(IDENTITY.mac());
  private static final IpAddress V4 = IpAddress.parse("10.65.0.1");
  private static final IpAddress V6 = IpAddress.parse("fd00:65::1");
  private static final int HOST_INDEX = 7;
  private static final int INSIDE_INDEX = 3;

  /** Every change, as text, in its order. */
  private final List<String> journal = new ArrayList<>();

  /** The link in the sandbox that has the endpoint's name, beside the pair. */
  private @Nullable Link inSandbox;

  private boolean vanished;
  private int routeErrno;

  private final NetworkNamespace sandbox =
      proxy(NetworkNamespace.class, (method, arguments) -> method.equals("name") ? "/ns" : null);
  private final Netlink host = proxy(Netlink.class, this::host);
  private final Netlink inside = proxy(Netlink.class, this::inside);
  private final Kernel kernel = proxy(Kernel.class, this::kernel);
  private final LinkReaper reaper = reaper();
  private final SandboxWiring wiring =
      new SandboxWiring(kernel, host, reaper, step -> journal.add("step " + step));

  @AfterEach
  void stop() {
    reaper.close();
  }

  private LinkReaper reaper() {
    try {
      return new LinkReaper(kernel, host, true);
    } catch (KernelException e) {
      throw new IllegalStateException(e);
    }
  }

  private @Nullable Object host(String method, Object[] arguments) throws KernelException {
    switch (method) {
      case "index" -> {
        return vanished ? OptionalInt.empty() : OptionalInt.of(HOST_INDEX);
      }
      case "link" -> {
        return Optional.empty();
      }
      case "createVeth" -> {
        VethPair pair = (VethPair) arguments[0];
        if (inSandbox != null) {
          throw new KernelException("create", pair.hostName(), KernelException.EEXIST, "EEXIST");
        }
        journal.add("create " + pair);
      }
      case "addRoute" -> {
        if (routeErrno != 0) {
          throw new KernelException("add route", "it", routeErrno, "refused");
        }
        journal.add("host " + route((Route) arguments[0]));
      }
      default -> {
        if (!method.equals("close")) {
          journal.add("host " + method);
        }
      }
    }
    return null;
  }

  private @Nullable Object inside(String method, Object[] arguments) throws KernelException {
    switch (method) {
      case "index" -> {
        return vanished ? OptionalInt.empty() : OptionalInt.of(INSIDE_INDEX);
      }
      case "link" -> {
        return Optional.ofNullable(inSandbox);
      }
      case "deleteLink" -> {
        inSandbox = null;
        journal.add("inside deleteLink " + arguments[0]);
      }
      case "together" -> ((Netlink.Changes) arguments[0]).make(inside);
      case "addRoute" -> journal.add("inside " + route((Route) arguments[0]));
      default -> journal.add("inside " + method + " " + Arrays.toString(arguments));
    }
    return null;
  }

  private @Nullable Object kernel(String method, Object[] arguments) {
    if (method.equals("netlink")) {
      return host;
    }
    boolean ofSandbox = arguments.length == 2;
    for (Object sysctl : (List<?>) arguments[arguments.length - 1]) {
      Sysctl one = (Sysctl) sysctl;
      journal.add((ofSandbox ? "sandbox " : "host ") + one.path() + "=" + one.value());
    }
    return null;
  }

  private static String route(Route route) {
    return (route.linkScope() ? "link " : "route ")
        + route.destination()
        + (route.gateway() == null ? "" : " via " + route.gateway())
        + " dev "
        + route.interfaceIndex();
  }

  private static SandboxWiring.Plan plan(boolean ipForwarding, List<Cidr> routes) {
    return new SandboxWiring.Plan(
        1440, ipForwarding, MAC, routes, List.of(IpAddress.parse("172.16.0.9")));
  }

  private void prepare() throws KernelException {
    wiring.prepare(sandbox, inside, IDENTITY, plan(false, List.of()));
  }

  private void address(List<IpAddress> addresses, SandboxWiring.Plan plan) throws KernelException {
    wiring.address(sandbox, inside, IDENTITY, addresses, plan);
  }

  private static Link linkInSandbox(MacAddress mac) {
    return new Link(9, "eth0", "veth", true, 1500, mac, 0);
  }

  @Test
  void thePairIsMadeThenTheHostAnswersForTheGatewayThenTheSandboxComesUp() throws Exception {
    prepare();
    VethPair pair = new VethPair(HOST_END, SandboxWiring.HOST_MAC, sandbox, "eth0", MAC, 1440);
    assertThat(journal)
        .containsExactly(
            "create " + pair,
            "step VETH_CREATED",
            "host net/ipv4/neigh/" + HOST_END + "/proxy_delay=0",
            "host net/ipv4/conf/" + HOST_END + "/proxy_arp=1",
            "host net/ipv4/conf/" + HOST_END + "/forwarding=1",
            "host net/ipv6/conf/" + HOST_END + "/accept_ra=0",
            "host net/ipv6/conf/" + HOST_END + "/accept_dad=0",
            "inside setUp [3, true]",
            "inside replaceNeighbour [3, 169.254.1.1, ee:ee:ee:ee:ee:ee]",
            "step SANDBOX_PREPARED");
  }

  @Test
  void theLeftoverOfAnEarlierAttemptIsMadeAnew() throws Exception {
    inSandbox = linkInSandbox(MAC);
    prepare();
    assertThat(journal)
        .contains("inside deleteLink 9", "step SANDBOX_PREPARED")
        .filteredOn(line -> line.startsWith("create"))
        .hasSize(1);
  }

  @Test
  void anInterfaceOfSomebodyElseStays() {
    inSandbox = linkInSandbox(new MacAddress("02:00:00:00:00:01"));
    assertThatThrownBy(this::prepare)
        .isInstanceOfSatisfying(
            KernelException.class, e -> assertThat(e.errno()).isEqualTo(KernelException.EEXIST));
    assertThat(inSandbox).isNotNull();
    assertThat(journal).noneMatch(line -> line.startsWith("inside") || line.startsWith("step"));
  }

  @Test
  void ipv4NeedsNoSettingsOfIpv6() throws Exception {
    address(List.of(V4), plan(false, List.of()));
    assertThat(journal)
        .containsExactly(
            "inside addAddress [3, 10.65.0.1/32]",
            "inside link 169.254.1.1/32 dev 3",
            "inside route 0.0.0.0/0 via 169.254.1.1 dev 3",
            "step SANDBOX_ADDRESSED");
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "false, 0"})
  void ipv6IsSwitchedOnBeforeItsAddress(boolean ipForwarding, String value) throws Exception {
    address(List.of(V6), plan(ipForwarding, List.of()));
    assertThat(journal)
        .containsExactly(
            "host net/ipv6/conf/" + HOST_END + "/disable_ipv6=0",
            "host net/ipv6/conf/" + HOST_END + "/proxy_ndp=1",
            "host net/ipv6/conf/" + HOST_END + "/forwarding=1",
            "sandbox net/ipv6/conf/all/disable_ipv6=0",
            "sandbox net/ipv6/conf/default/disable_ipv6=0",
            "sandbox net/ipv6/conf/lo/disable_ipv6=0",
            "sandbox net/ipv6/conf/eth0/accept_dad=0",
            "sandbox net/ipv6/conf/all/forwarding=" + value,
            "inside replaceNeighbour [3, fe80::ecee:eeff:feee:eeee, ee:ee:ee:ee:ee:ee]",
            "inside addAddress [3, fd00:65::1/128]",
            "inside route ::/0 via fe80::ecee:eeff:feee:eeee dev 3",
            "step SANDBOX_ADDRESSED");
  }

  /** Each family has the routes of the plan that are of it; an empty plan is everything. */
  @ParameterizedTest
  @CsvSource({
    "10.65.0.1, '', 0.0.0.0/0",
    "10.65.0.1, 10.0.0.0/8, 10.0.0.0/8",
    "10.65.0.1, 10.0.0.0/8 fd00::/8, 10.0.0.0/8",
    "10.65.0.1, fd00::/8, ''",
    "fd00:65::1, '', ::/0",
    "fd00:65::1, 10.0.0.0/8 fd00::/8, fd00::/8",
    "10.65.0.1 fd00:65::1, '', 0.0.0.0/0 ::/0",
    "10.65.0.1 fd00:65::1, 10.0.0.0/8 192.168.0.0/16, 10.0.0.0/8 192.168.0.0/16"
  })
  void theSandboxReachesWhatThePlanSays(String addresses, String routes, String expected)
      throws Exception {
    address(
        words(addresses).stream().map(IpAddress::parse).toList(),
        plan(false, words(routes).stream().map(Cidr::parse).toList()));
    assertThat(journal)
        .filteredOn(line -> line.startsWith("inside route "))
        .extracting(line -> line.substring("inside route ".length(), line.indexOf(" via")))
        .containsExactlyElementsOf(words(expected));
  }

  private static List<String> words(String text) {
    return text.isEmpty() ? List.of() : List.of(text.split(" "));
  }

  @Test
  void theHostRoutesAddressesAndFloatingOnesToItsEnd() throws Exception {
    wiring.route(IDENTITY, List.of(V4, V6), plan(false, List.of()));
    assertThat(journal)
        .containsExactly(
            "host link 10.65.0.1/32 dev 7",
            "host link fd00:65::1/128 dev 7",
            "host link 172.16.0.9/32 dev 7",
            "step ROUTED");
  }

  @Test
  void aRouteThatIsRefusedForAnotherReasonIsNotForced() {
    routeErrno = KernelException.ENODEV;
    assertThatThrownBy(() -> wiring.route(IDENTITY, List.of(V4), plan(false, List.of())))
        .isInstanceOfSatisfying(
            KernelException.class, e -> assertThat(e.errno()).isEqualTo(KernelException.ENODEV));
    assertThat(journal).isEmpty();
  }

  @Test
  void anEndThatVanishedIsNamed() {
    vanished = true;
    assertThatThrownBy(() -> wiring.route(IDENTITY, List.of(V4), plan(false, List.of())))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining(HOST_END);
    assertThatThrownBy(() -> address(List.of(V4), plan(false, List.of())))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("eth0");
    assertThat(journal).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "false, 0"})
  void aSandboxIsToldWhetherItForwards(boolean ipForwarding, String value) {
    assertThat(SandboxWiring.sandboxSysctls(plan(ipForwarding, List.of())))
        .containsExactly(Sysctl.of("net/ipv4/ip_forward", value));
  }
}
