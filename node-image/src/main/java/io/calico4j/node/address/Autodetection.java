package io.calico4j.node.address;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A way to find the host's address: upstream's methods of {@code IP_AUTODETECTION_METHOD} ({@code
 * node/pkg/lifecycle/startup/autodetection}). All of them look at interfaces that are up, in the
 * order in which they were made, and take a single address (/32, /128) only where the interface has
 * none with a network.
 */
public sealed interface Autodetection {
  /** What {@link #parse} takes. */
  String FORMS =
      "first-found, interface=REGEX, skip-interface=REGEX, can-reach=DESTINATION or cidr=NETWORK,"
          + " each with commas between several (kubernetes-internal-ip is not supported: calico-node"
          + " asks no Kubernetes API)";

  /** Interfaces that programs make for containers; upstream's list. */
  List<Pattern> MADE_FOR_CONTAINERS =
      List.of(
          Pattern.compile(
              "^(docker|cbr|dummy|virbr|lxcbr|veth|lo|cali|tunl|flannel|kube-ipvs|cni|br-"
                  + "|nodelocaldns|wireguard\\.cali|wg-v6\\.cali|lxc|podman).*"),
          Pattern.compile("^vxlan(-v6)?\\.calico$"));

  /** Tells by which address the host would send to a destination. */
  @FunctionalInterface
  interface Reach {
    /** Asks the kernel; empty when there is no route, or the name is not known. */
    Optional<IpAddress> sourceTo(String destination, IpFamily family);
  }

  /** The first address of an interface that no container engine has made. */
  record FirstFound() implements Autodetection {}

  /** The first address of an interface whose name matches one of these, the earlier ones first. */
  record Interfaces(List<Pattern> names) implements Autodetection {}

  /** The first address of an interface that is not made for containers and matches none. */
  record SkipInterfaces(List<Pattern> names) implements Autodetection {}

  /** The address by which the host reaches a destination. */
  record CanReach(String destination) implements Autodetection {}

  /** The first address in one of these networks. */
  record InNetworks(List<Cidr> networks) implements Autodetection {}

  /** Parses a method as {@code IP_AUTODETECTION_METHOD} has it; empty when it is none. */
  static Optional<Autodetection> parse(String text) {
    int equals = text.indexOf('=');
    String name = equals < 0 ? text : text.substring(0, equals);
    String value = equals < 0 ? "" : text.substring(equals + 1).strip();
    if (text.equals("first-found")) {
      return Optional.of(new FirstFound());
    }
    if (value.isEmpty()) {
      return Optional.empty();
    }
    return switch (name) {
      case "interface" -> patterns(value).map(Interfaces::new);
      case "skip-interface" -> patterns(value).map(SkipInterfaces::new);
      case "can-reach" -> Optional.of(new CanReach(value));
      case "cidr" -> networks(value).map(InNetworks::new);
      default -> Optional.empty();
    };
  }

  private static Optional<List<Pattern>> patterns(String text) {
    List<Pattern> patterns = new ArrayList<>();
    for (String each : text.split(",", -1)) {
      try {
        patterns.add(Pattern.compile(each.strip()));
      } catch (PatternSyntaxException e) {
        return Optional.empty();
      }
    }
    return Optional.of(List.copyOf(patterns));
  }

  private static Optional<List<Cidr>> networks(String text) {
    List<Cidr> networks = new ArrayList<>();
    for (String each : text.split(",", -1)) {
      Optional<Cidr> network = Cidr.tryParse(each.strip());
      if (network.isEmpty()) {
        return Optional.empty();
      }
      networks.add(network.get());
    }
    return Optional.of(List.copyOf(networks));
  }

  /**
   * Finds the host's address of a family.
   *
   * @param host all addresses of the host
   */
  default Optional<HostAddress> find(List<HostAddress> host, IpFamily family, Reach reach) {
    List<HostAddress> usable =
        host.stream()
            .filter(each -> each.up() && each.address().family() == family)
            .filter(each -> isGlobal(each.address()))
            .toList();
    if (this instanceof FirstFound) {
      return first(usable, link -> !matches(MADE_FOR_CONTAINERS, link));
    }
    if (this instanceof Interfaces interfaces) {
      return interfaces.names().stream()
          .flatMap(name -> first(usable, link -> matches(List.of(name), link)).stream())
          .findFirst();
    }
    if (this instanceof SkipInterfaces skip) {
      return first(
          usable, link -> !matches(MADE_FOR_CONTAINERS, link) && !matches(skip.names(), link));
    }
    if (this instanceof CanReach destination) {
      Optional<IpAddress> source = reach.sourceTo(destination.destination(), family);
      return usable.stream()
          .filter(each -> source.isPresent() && each.address().equals(source.get()))
          .findFirst();
    }
    List<Cidr> networks = ((InNetworks) this).networks();
    return first(
        usable.stream()
            .filter(each -> networks.stream().anyMatch(net -> net.contains(each.address())))
            .toList(),
        link -> true);
  }

  private static Optional<HostAddress> first(List<HostAddress> usable, Predicate<String> link) {
    Optional<HostAddress> any = usable.stream().filter(each -> link.test(each.link())).findFirst();
    return any.flatMap(
        first ->
            usable.stream()
                .filter(each -> link.test(each.link()) && !isSingle(each))
                .findFirst()
                .or(() -> any));
  }

  private static boolean isSingle(HostAddress address) {
    return address.prefix() == address.address().family().bits();
  }

  private static boolean isGlobal(IpAddress address) {
    return LOCAL.stream().noneMatch(network -> network.contains(address));
  }

  /** Loopback, link-local and multicast addresses: Go's {@code IsGlobalUnicast} is false. */
  List<Cidr> LOCAL =
      List.of(
          Cidr.parse("127.0.0.0/8"),
          Cidr.parse("169.254.0.0/16"),
          Cidr.parse("224.0.0.0/4"),
          Cidr.parse("::1/128"),
          Cidr.parse("fe80::/10"),
          Cidr.parse("ff00::/8"));

  private static boolean matches(List<Pattern> patterns, String link) {
    return patterns.stream().anyMatch(pattern -> pattern.matcher(link).find());
  }
}
