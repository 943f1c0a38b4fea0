package io.calico4j.felix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.model.WorkloadEndpointSpec.IpNat;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.Resources;
import io.calico4j.felix.config.RouteParameters;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Routes of one interface, {@code cali1} with index 7, in a kernel of lists. */
class WorkloadRoutesTest {
  private static final int INDEX = 7;

  private final List<Route> routes = new ArrayList<>();
  private final List<Link> links =
      new ArrayList<>(List.of(new Link(INDEX, "cali1", "veth", true, 1500, null, 0)));
  private static final int SUSPICIOUS = 8;

  /** What the kernel has, by path. */
  private final Map<String, String> settings = new HashMap<>();

  private final List<Object> sysctls = new ArrayList<>();
  private long now;

  /** Why an interface cannot be set up. */
  private int errno;

  private RouteParameters parameters = RouteParameters.DEFAULTS;
  private final WorkloadRoutes workloadRoutes = new WorkloadRoutes(kernel(), () -> now);

  /** Looks a second after the last look. */
  private boolean look(List<Resource<WorkloadEndpointSpec>> endpoints) throws Exception {
    now += TimeUnit.SECONDS.toNanos(1);
    return workloadRoutes.restore(endpoints, index -> index == SUSPICIOUS, parameters);
  }

  private Kernel kernel() {
    Netlink netlink =
        proxy(
            Netlink.class,
            (name, argument) ->
                switch (name) {
                  case "links" -> List.copyOf(links);
                  case "routes" -> List.copyOf(routes);
                  case "addRoute" -> routes.add((Route) argument);
                  case "replaceRoute" -> {
                    Route route = (Route) argument;
                    routes.removeIf(each -> each.destination().equals(route.destination()));
                    yield routes.add(route);
                  }
                  case "setUp" -> throw new KernelException("set up link", "7", errno, "no");
                  case "deleteRoute" -> routes.remove((Route) argument);
                  default -> null;
                });
    return proxy(
        Kernel.class,
        (name, argument) -> {
          if (name.equals("sysctl")) {
            return Optional.ofNullable(settings.get((String) argument));
          }
          if (name.equals("setSysctls")) {
            sysctls.add(argument);
          }
          return netlink;
        });
  }

  private interface Call {
    Object answer(String method, Object argument) throws KernelException;
  }

  private static <T> T proxy(Class<T> type, Call call) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              Object answer =
                  call.answer(method.getName(), arguments == null ? null : arguments[0]);
              return method.getReturnType() == void.class ? null : answer;
            }));
  }

  private static Route route(String destination) {
    return Route.connected(Cidr.parse(destination), INDEX, Route.PROTOCOL_BOOT);
  }

  private static List<Resource<WorkloadEndpointSpec>> endpoint(String address, IpNat... floating) {
    return List.of(
        Resources.endpoint("host-a", "web").addresses(address).floating(floating).build());
  }

  @Test
  void putsBackWhatIsMissingAndThenIsContent() throws Exception {
    assertThat(look(endpoint("10.65.0.1"))).isTrue();
    assertThat(routes).containsExactly(route("10.65.0.1/32"));
    assertThat(look(endpoint("10.65.0.1"))).isFalse();
  }

  @Test
  void anInterfaceThatHasJustGoneIsNoFailure() throws Exception {
    links.set(0, new Link(INDEX, "cali1", "veth", false, 1500, null, 0));
    errno = KernelException.ENODEV;
    assertThat(look(endpoint("10.65.0.1"))).as("look again").isTrue();
    errno = KernelException.EIO;
    assertThatThrownBy(() -> look(endpoint("10.65.0.1"))).isInstanceOf(KernelException.class);
  }

  @Test
  void anInterfaceOfAnEarlierVersionLetsNothingInToTheLoopbackNetwork() throws Exception {
    for (int look = 0; look < 3; look++) {
      var unused = look(endpoint("10.65.0.1"));
    }
    assertThat(sysctls)
        .containsExactly(
            List.of(Kernel.Sysctl.optional("net/ipv4/conf/cali1/route_localnet", "0")));
  }

  @Test
  void whatAnotherProgramSetOnAnInterfaceIsPutRight() throws Exception {
    links.set(0, new Link(SUSPICIOUS, "cali1", "veth", true, 1500, null, 0));
    settings.put("net/ipv4/conf/cali1/proxy_arp", "0");
    settings.put("net/ipv4/conf/cali1/forwarding", "1");
    settings.put("net/ipv6/conf/cali1/proxy_ndp", "0");
    var unused = look(endpoint("10.65.0.1"));
    assertThat(sysctls)
        .as("IPv6 is not the endpoint's")
        .contains(List.of(Kernel.Sysctl.optional("net/ipv4/conf/cali1/proxy_arp", "1")))
        .hasSize(2);
  }

  @Test
  void whatIsSuperfluousStaysForASecond() throws Exception {
    routes.add(route("10.65.0.1/32"));
    routes.add(route("10.65.0.2/32"));
    assertThat(look(endpoint("10.65.0.1"))).isTrue();
    now -= 1;
    assertThat(look(endpoint("10.65.0.1"))).as("a nanosecond too early").isTrue();
    assertThat(routes).contains(route("10.65.0.2/32"));
    now += 1;
    assertThat(look(endpoint("10.65.0.1"))).isFalse();
    assertThat(routes).containsExactly(route("10.65.0.1/32"));
  }

  @Test
  void aFloatingAddressIsRoutedUntilItIsTakenAway() throws Exception {
    routes.add(route("10.65.0.1/32"));
    var unused = look(endpoint("10.65.0.1", new IpNat("10.65.0.1", "10.9.0.1")));
    assertThat(routes).containsExactly(route("10.65.0.1/32"), route("10.9.0.1/32"));
    assertThat(look(endpoint("10.65.0.1"))).as("look again").isTrue();
    assertThat(look(endpoint("10.65.0.1"))).isFalse();
    assertThat(routes).containsExactly(route("10.65.0.1/32"));
  }

  @Test
  void aRouteThatIsNewerThanWhatFelixKnowsStays() throws Exception {
    routes.add(route("10.65.0.1/32"));
    routes.add(route("10.65.0.2/32"));
    assertThat(look(endpoint("10.65.0.1"))).isTrue();
    routes.remove(route("10.65.0.1/32"));
    assertThat(look(endpoint("10.65.0.2"))).isFalse();
    assertThat(routes).containsExactly(route("10.65.0.2/32"));
  }

  @Test
  void routesOfOtherProgramsGoUnlessTheyMayStay() throws Exception {
    Route kernels = Route.connected(Cidr.parse("10.6.0.0/24"), INDEX, Route.PROTOCOL_KERNEL);
    Route elsewhere = Route.connected(Cidr.parse("10.8.0.2/32"), INDEX + 1, Route.PROTOCOL_BOOT);
    Route network = Route.connected(Cidr.parse("10.7.0.0/24"), INDEX, Route.PROTOCOL_BOOT);
    Route other = Route.connected(Cidr.parse("10.8.0.1/32"), INDEX, 4);
    routes.addAll(List.of(route("10.65.0.1/32"), kernels, elsewhere, network, other));
    parameters = new RouteParameters(true, Route.PROTOCOL_BOOT, false, null, null);
    look(endpoint("10.65.0.1"));
    assertThat(look(endpoint("10.65.0.1"))).isFalse();
    assertThat(routes).containsExactly(route("10.65.0.1/32"), kernels, elsewhere, other);
    parameters = RouteParameters.DEFAULTS;
    look(endpoint("10.65.0.1"));
    look(endpoint("10.65.0.1"));
    assertThat(routes).containsExactly(route("10.65.0.1/32"), kernels, elsewhere);
  }

  @Test
  void aRouteGetsTheProtocolAndTheSourceThatAreAskedFor() throws Exception {
    IpAddress source = IpAddress.parse("192.0.2.1");
    parameters = new RouteParameters(true, 80, true, source, null);
    routes.add(route("10.65.0.1/32"));
    look(endpoint("10.65.0.1"));
    assertThat(routes)
        .containsExactly(Route.connected(Cidr.parse("10.65.0.1/32"), INDEX, 80).withSource(source));
    assertThat(look(endpoint("10.65.0.1"))).isFalse();
  }
}
