package io.calico4j.node.address;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.SettingValues;
import io.calico4j.core.setting.ValueType;
import io.calico4j.node.address.Autodetection.FirstFound;
import io.calico4j.node.address.Autodetection.Reach;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The addresses by which other hosts reach this one, as an operator's variables say.
 *
 * @param ipv4 with its prefix length
 * @param ipv6 likewise; empty leaves the Node's as it is
 * @param withoutIpv6 whether the Node has none
 */
public record NodeAddresses(HostAddress ipv4, Optional<HostAddress> ipv6, boolean withoutIpv6) {
  private static final String AUTODETECT = "autodetect";
  private static final String NONE = "none";

  private static final Setting<String> IP =
      Setting.of(
              "IP",
              ValueType.of(
                  "autodetect, or an IPv4 address of this host, with prefix length or without",
                  text -> given(text, IpFamily.IPV4)),
              AUTODETECT,
              "this host's address, by which others reach it")
          .orElse("found by IP_AUTODETECTION_METHOD");

  private static final Setting<String> IP6 =
      Setting.of(
              "IP6",
              ValueType.of(
                  "autodetect, none, or an IPv6 address of this host, with prefix length or without",
                  text -> text.equals(NONE) ? Optional.of(NONE) : given(text, IpFamily.IPV6)),
              "",
              "likewise for IPv6; none takes it from the Node")
          .orElse("as the Node has it");

  private static final Setting<Autodetection> METHOD =
      method("IP_AUTODETECTION_METHOD", "how autodetect finds the IPv4 address");

  private static final Setting<Autodetection> METHOD6 =
      method("IP6_AUTODETECTION_METHOD", "how autodetect finds the IPv6 address");

  /** What an operator may set. */
  public static final List<Setting<?>> SETTINGS = List.of(IP, METHOD, IP6, METHOD6);

  private static Setting<Autodetection> method(String name, String description) {
    return Setting.<Autodetection>of(
            name,
            ValueType.of(Autodetection.FORMS, Autodetection::parse),
            new FirstFound(),
            description)
        .orElse("first-found");
  }

  private static Optional<String> given(String text, IpFamily family) {
    return Optional.of(text)
        .filter(
            t ->
                t.equals(AUTODETECT)
                    || IpAddress.tryParse(withoutPrefix(t))
                            .filter(a -> a.family() == family)
                            .isPresent()
                        && Cidr.tryParse(t).isPresent());
  }

  private static String withoutPrefix(String text) {
    int slash = text.indexOf('/');
    return slash < 0 ? text : text.substring(0, slash);
  }

  /**
   * Finds the addresses.
   *
   * @param host all addresses of the host
   * @throws IllegalArgumentException that names the variable, when none is found, or one that is
   *     given is none of the host's
   */
  public static NodeAddresses find(SettingValues values, List<HostAddress> host, Reach reach) {
    HostAddress ipv4 = find(IP, values.get(IP), METHOD, values, host, IpFamily.IPV4, reach);
    String given = values.get(IP6);
    if (given.isEmpty() || given.equals(NONE)) {
      return new NodeAddresses(ipv4, Optional.empty(), given.equals(NONE));
    }
    return new NodeAddresses(
        ipv4, Optional.of(find(IP6, given, METHOD6, values, host, IpFamily.IPV6, reach)), false);
  }

  private static HostAddress find(
      Setting<String> setting,
      String given,
      Setting<Autodetection> method,
      SettingValues values,
      List<HostAddress> host,
      IpFamily family,
      Reach reach) {
    if (given.equals(AUTODETECT)) {
      return values
          .get(method)
          .find(host, family, reach)
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "no address is found by "
                          + method.name()
                          + " among "
                          + describe(host, family)
                          + ": set "
                          + setting.name()
                          + " or "
                          + method.name()));
    }
    IpAddress address = IpAddress.parse(withoutPrefix(given));
    HostAddress own =
        host.stream()
            .filter(each -> each.address().equals(address))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        setting.name()
                            + " \""
                            + given
                            + "\" is no address of this host: give autodetect, or one of "
                            + describe(host, family)));
    int slash = given.indexOf('/');
    return slash < 0
        ? own
        : new HostAddress(
            own.link(), own.up(), address, Integer.parseInt(given.substring(slash + 1)));
  }

  @Override
  public String toString() {
    return "IP="
        + ipv4.text()
        + " ("
        + ipv4.link()
        + ")"
        + ipv6.map(address -> " IP6=" + address.text() + " (" + address.link() + ")").orElse("");
  }

  private static String describe(List<HostAddress> host, IpFamily family) {
    String all =
        host.stream()
            .filter(each -> each.address().family() == family)
            .map(each -> each.text() + " (" + each.link() + (each.up() ? ")" : ", down)"))
            .collect(Collectors.joining(", "));
    return all.isEmpty() ? "no address at all" : all;
  }
}
