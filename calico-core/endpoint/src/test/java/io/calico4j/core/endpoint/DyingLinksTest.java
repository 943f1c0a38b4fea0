package io.calico4j.core.endpoint;

import static io.calico4j.core.endpoint.KernelProxies.proxy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** A pair is made while links of an endpoint that was detached a moment ago are being deleted. */
class DyingLinksTest {
  private static final EndpointIdentity IDENTITY =
      new EndpointIdentity(
          "net", new NodeName("host-a"), "default", "cni", "web", new InterfaceName("eth0"));
  private static final IpAddress ADDRESS = IpAddress.parse("10.65.0.1");
  private static final int INDEX = 7;
  private static final int OTHER = 6;

  private final List<Link> links = new ArrayList<>();
  private final List<Route> routes = new ArrayList<>();

  /** What happens, each once, right after the kernel has refused something as existing. */
  private final List<Runnable> meanwhile = new ArrayList<>();

  private boolean peerNameTaken;
  private int created;

  /** The calls that wiring makes of a host's socket, on links and routes in memory. */
  private Object host(String method, Object[] arguments) throws KernelException {
    switch (method) {
      case "createVeth" -> {
        VethPair pair = (VethPair) arguments[0];
        if (peerNameTaken || find(pair.hostName()).isPresent()) {
          throw exists();
        }
        created++;
        links.add(link(INDEX, pair.hostName(), 0));
        return null;
      }
      case "link" -> {
        return find((String) arguments[0]);
      }
      case "links" -> {
        return List.copyOf(links);
      }
      case "routes" -> {
        return List.copyOf(routes);
      }
      case "index" -> {
        return find((String) arguments[0])
            .map(l -> OptionalInt.of(l.index()))
            .orElse(OptionalInt.empty());
      }
      case "deleteLink" -> {
        delete(l -> l.index() == (int) arguments[0]);
        return null;
      }
      case "deleteGroup" -> {
        delete(l -> l.group() == (int) arguments[0]);
        return null;
      }
      case "addRoute" -> {
        Route route = (Route) arguments[0];
        if (routes.stream().anyMatch(r -> r.destination().equals(route.destination()))) {
          throw exists();
        }
        routes.add(route);
        return null;
      }
      case "replaceRoute" -> {
        Route route = (Route) arguments[0];
        routes.removeIf(r -> r.destination().equals(route.destination()));
        routes.add(route);
        return null;
      }
      default -> {
        return null;
      }
    }
  }

  private KernelException exists() {
    KernelException refusal =
        new KernelException("make", "it", KernelException.EEXIST, "EEXIST (File exists)");
    if (!meanwhile.isEmpty()) {
      meanwhile.remove(0).run();
    }
    return refusal;
  }

  private Optional<Link> find(String name) {
    return links.stream().filter(l -> l.name().equals(name)).findFirst();
  }

  private void delete(Predicate<Link> which) {
    for (Link link : List.copyOf(links)) {
      if (which.test(link)) {
        links.remove(link);
        routes.removeIf(r -> r.interfaceIndex() == link.index());
        peerNameTaken = false;
      }
    }
  }

  private static Link link(int index, String name, int group) {
    return new Link(index, name, "veth", true, 1500, SandboxWiring.HOST_MAC, group);
  }

  private SandboxWiring wiring() throws KernelException {
    Netlink host = proxy(Netlink.class, this::host);
    Netlink inside =
        proxy(
            Netlink.class,
            (method, arguments) -> method.equals("index") ? OptionalInt.of(INDEX) : null);
    Kernel kernel =
        proxy(
            Kernel.class,
            (method, arguments) ->
                !method.equals("netlink") ? null : arguments == null ? host : inside);
    return new SandboxWiring(
        kernel, host, new LinkReaper(kernel, host, true), EndpointStep.Observer.NONE);
  }

  private static SandboxWiring.Plan plan() {
    return new SandboxWiring.Plan(1500, false, SandboxWiring.HOST_MAC, List.of(), List.of());
  }

  private void prepare() throws KernelException {
    Netlink inside =
        proxy(
            Netlink.class,
            (method, arguments) ->
                switch (method) {
                  case "index" -> OptionalInt.of(INDEX);
                  case "link" -> Optional.empty();
                  default -> null;
                });
    wiring().prepare(proxy(NetworkNamespace.class, (m, a) -> null), inside, IDENTITY, plan());
  }

  private void route() throws KernelException {
    wiring().route(IDENTITY, List.of(ADDRESS), plan());
  }

  private static Route route(int interfaceIndex) {
    return Route.connected(ADDRESS.toCidr(), interfaceIndex, Route.PROTOCOL_BOOT);
  }

  @Test
  void theHostsNameVanishesAfterTheRefusal() throws Exception {
    links.add(link(OTHER, IDENTITY.hostInterface().text(), LinkReaper.GROUP));
    meanwhile.add(links::clear);
    prepare();
    assertThat(created).isOne();
  }

  @Test
  void theNameInTheSandboxIsFreedWithTheDyingPair() throws Exception {
    links.add(link(OTHER, "cali0123456789a", LinkReaper.GROUP));
    peerNameTaken = true;
    prepare();
    assertThat(created).isOne();
  }

  @Test
  void bothNamesAreTakenOneAfterTheOther() throws Exception {
    links.add(link(OTHER, "cali0123456789a", LinkReaper.GROUP));
    links.add(link(5, IDENTITY.hostInterface().text(), 0));
    peerNameTaken = true;
    meanwhile.add(() -> {});
    meanwhile.add(links::clear);
    prepare();
    assertThat(created).isOne();
  }

  @Test
  void aNameThatStaysTakenIsRefusedAfterABoundedNumberOfAttempts() {
    peerNameTaken = true;
    assertThatThrownBy(this::prepare)
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("EEXIST");
  }

  @Test
  void aRouteOfADyingLinkIsReplaced() throws Exception {
    links.add(link(INDEX, IDENTITY.hostInterface().text(), 0));
    links.add(link(OTHER, "cali0123456789a", LinkReaper.GROUP));
    routes.add(route(OTHER));
    route();
    assertThat(routes).containsExactly(route(INDEX));
  }

  @Test
  void aRouteWhoseLinkIsTakenOutOfServiceMeanwhileIsNoConflict() throws Exception {
    links.add(link(INDEX, IDENTITY.hostInterface().text(), 0));
    links.add(link(OTHER, "cali0123456789a", 0));
    routes.add(route(OTHER));
    // Another process deletes the link: first the kernel still shows it, in no group.
    meanwhile.add(() -> {});
    meanwhile.add(() -> delete(l -> l.index() == OTHER));
    route();
    assertThat(routes).containsExactly(route(INDEX));
  }

  @Test
  void aRouteOfALinkThatStaysIsAConflictThatNamesTheLink() {
    links.add(link(INDEX, IDENTITY.hostInterface().text(), 0));
    links.add(link(OTHER, "cali0123456789a", 0));
    routes.add(route(OTHER));
    assertThatThrownBy(this::route)
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("10.65.0.1")
        .hasMessageContaining("cali0123456789a");
    assertThat(routes).containsExactly(route(OTHER));
  }
}
