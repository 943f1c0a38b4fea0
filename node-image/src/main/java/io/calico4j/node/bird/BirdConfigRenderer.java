package io.calico4j.node.bird;

import io.calico4j.core.net.Cidr;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Renders BIRD 2's configuration: pure, sorted, so that equal views give equal text. The meaning is
 * that of upstream's templates for BIRD 1.6 ({@code node/filesystem/etc/calico/confd/templates}),
 * with both families as channels of one daemon.
 */
final class BirdConfigRenderer {
  private static final String DEVICES =
      "-\"cali*\", -\"kube-ipvs*\", -\"*.calico\", -\"tunl0\", \"*\"";

  /** The kernel metric of routes that bird made itself; of others it is their priority. */
  private static final int OWN_METRIC = 32;

  /** Beyond it a local preference is no priority of Calico's, but a number of another program. */
  private static final int LEAST_PRIORITY_PREFERENCE = 0x3fffffff;

  private BirdConfigRenderer() {}

  static String render(BgpView view) {
    StringBuilder text = new StringBuilder();
    BgpView.Node node = view.node();
    text.append("# Written by calico-node; changes are overwritten.\n");
    text.append("router id ").append(node.routerId()).append(";\n");
    logging(text, node.logging());
    text.append("protocol device { scan time 2; }\n");
    String channels =
        view.families().stream()
            .map(family -> channel(family) + "; ")
            .collect(Collectors.joining());
    text.append("protocol direct { ").append(channels).append("interface ");
    text.append(
        node.ignoredInterfaces().stream()
            .map(name -> "-\"" + name + "\", ")
            .collect(Collectors.joining()));
    text.append(DEVICES).append("; }\n");
    text.append(
        """
        template bgp calico_peer {
          graceful restart;
          connect delay time 1;
          connect retry time 2;
          error wait time 2, 10;
        }
        """);
    for (BgpView.Family family : view.families()) {
      kernel(text, family);
      statics(text, family);
      BirdFilterRenderer filters = new BirdFilterRenderer(family);
      text.append(filters.functions());
      text.append(announcements(family));
      family
          .sessions()
          .forEach(session -> BirdSessionRenderer.render(text, node, family, session, filters));
    }
    return text.toString();
  }

  static String channel(BgpView.Family family) {
    return family.address().isV4() ? "ipv4" : "ipv6";
  }

  /** Returns the end of the names of what there is once for each family. */
  static String suffix(BgpView.Family family) {
    return family.address().isV4() ? "v4" : "v6";
  }

  private static void logging(StringBuilder text, BgpView.Logging level) {
    String classes =
        switch (level) {
          case NONE -> "bug";
          case FATAL -> "fatal, bug";
          case ERROR -> "error, fatal, bug";
          case WARNING -> "warning, error, auth, fatal, bug";
          case INFO -> "info, remote, trace, warning, error, auth, fatal, bug";
          case DEBUG -> "debug, info, remote, trace, warning, error, auth, fatal, bug";
        };
    text.append("log stderr { ").append(classes).append(" };\n");
    if (level == BgpView.Logging.DEBUG) {
      text.append("debug protocols all;\n");
    } else if (level == BgpView.Logging.INFO) {
      text.append("debug protocols { states };\n");
    }
  }

  private static void kernel(StringBuilder text, BgpView.Family family) {
    String end = suffix(family);
    text.append("# Felix programs the routes into pools with encapsulation (rtm_protocol 80).\n");
    text.append("filter calico_kernel_").append(end).append(" {\n");
    text.append("  if source = RTS_DEVICE then reject;\n");
    family.advertised().forEach(cidr -> inside(text, cidr, "reject"));
    for (BgpView.Pool pool : family.pools()) {
      if (!pool.kernelRoutes()) {
        text.append("  if ").append(pool.blackholes() ? "source = RTS_BGP && " : "");
        text.append(in(pool.cidr())).append(" then reject;\n");
      }
    }
    text.append("  krt_metric = ").append(OWN_METRIC).append(";\n");
    text.append("  if source = RTS_BGP then {\n    krt_metric = ").append(family.priority());
    text.append(";\n    if bgp_local_pref > ").append(LEAST_PRIORITY_PREFERENCE);
    text.append(" then krt_metric = ").append(Integer.MAX_VALUE).append(" - bgp_local_pref;\n");
    text.append("  }\n  accept;\n}\n");
    text.append("protocol kernel kernel_").append(end);
    text.append(
        """
         {
          learn;
          persist;
          scan time 2;
          metric 0;
          merge paths on;
          graceful restart;
        """);
    text.append("  ").append(channel(family)).append(" {\n");
    text.append("    import filter { if krt_source = 80 then reject; accept; };\n");
    text.append("    export filter calico_kernel_").append(end).append(";\n  };\n}\n");
  }

  private static void statics(StringBuilder text, BgpView.Family family) {
    text.append("protocol static calico_static_").append(suffix(family)).append(" {\n  ");
    text.append(channel(family)).append(";\n");
    Stream.concat(
            family.blocks().stream().filter(block -> !block.isSingle()),
            family.advertised().stream())
        .distinct()
        .sorted()
        .forEach(cidr -> text.append("  route ").append(cidr).append(" blackhole;\n"));
    family
        .gateways()
        .forEach(
            (peer, gateway) ->
                text.append("  route ")
                    .append(peer.toCidr())
                    .append(" via ")
                    .append(gateway)
                    .append(";\n"));
    text.append("}\n");
  }

  /** Renders what is told after a session's own filters, to internal and to external peers. */
  private static String announcements(BgpView.Family family) {
    StringBuilder text = new StringBuilder("function calico_announce_");
    text.append(suffix(family)).append("(bool same_as) {\n");
    // A pool may overlap the network of one of the host's interfaces, which is not the cluster's.
    text.append("  if source = RTS_DEVICE then reject;\n");
    family.pools().stream()
        .filter(BgpView.Pool::hidden)
        .forEach(pool -> inside(text, pool.cidr(), "reject"));
    text.append(
        "  if same_as && (ifname ~ \"*.cali\" || ifname ~ \"*.calico\" || ifname = \"tunl0\")");
    text.append(" then reject;\n  if ifname ~ \"bpf*.cali\" then reject;\n");
    for (BgpView.Tagged tagged : family.communities()) {
      text.append("  if ").append(in(tagged.cidr())).append(" then {\n");
      tagged
          .communities()
          .forEach(c -> text.append("    ").append(BirdFilterRenderer.add(c)).append('\n'));
      text.append("  }\n");
    }
    for (Cidr block : family.blocks()) {
      text.append("  if net = ").append(block).append(" then accept;\n");
      text.append("  if ").append(in(block)).append(" && bgp_local_pref <= ");
      text.append(preference(family)).append(" then reject;\n");
    }
    List<Cidr> taken =
        Stream.of(
                family.advertised().stream(),
                family.reflected().stream(),
                family.pools().stream().filter(pool -> !pool.hidden()).map(BgpView.Pool::cidr))
            .flatMap(cidrs -> cidrs)
            .distinct()
            .toList();
    taken.forEach(cidr -> inside(text, cidr, "accept"));
    return text.append("  reject;\n}\n").toString();
  }

  /** Returns the local preference that an ordinary route is told with. */
  static int preference(BgpView.Family family) {
    return Integer.MAX_VALUE - family.priority();
  }

  private static void inside(StringBuilder text, Cidr cidr, String verdict) {
    text.append("  if ").append(in(cidr)).append(" then ").append(verdict).append(";\n");
  }

  private static String in(Cidr cidr) {
    return "net ~ [ " + cidr + "+ ]";
  }
}
