package io.calico4j.node.bird;

import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.BgpFilterSpec;
import io.calico4j.core.model.Community;
import io.calico4j.core.net.Cidr;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Renders the BGPFilters of a family: a function for each filter and direction. A priority is the
 * distance of the local preference from the largest number, as upstream tells it.
 */
final class BirdFilterRenderer {
  /** The longest name that bird takes. */
  private static final int LONGEST_NAME = 64;

  private static final int HASH_DIGITS = 16;

  private final BgpView.Family family;
  private final Map<String, BgpView.Filter> filters = new TreeMap<>();

  BirdFilterRenderer(BgpView.Family family) {
    this.family = family;
    family.filters().forEach(filter -> filters.put(filter.name(), filter));
  }

  /** Returns all functions. */
  String functions() {
    StringBuilder text = new StringBuilder();
    text.append("function calico_take_").append(BirdConfigRenderer.suffix(family));
    text.append(
        "() {\n  # A route of more than the ordinary priority wins over this node's own.\n");
    text.append("  if bgp_local_pref > ").append(BirdConfigRenderer.preference(family));
    text.append(" && bgp_local_pref < ").append(Integer.MAX_VALUE);
    text.append(" then preference = 200;\n  accept;\n}\n");
    for (BgpView.Filter filter : filters.values()) {
      function(text, filter, true);
      function(text, filter, false);
    }
    return text.toString();
  }

  /** Returns the calls of a session's filters, in order. */
  String calls(BgpSession session, boolean imports) {
    StringBuilder text = new StringBuilder();
    for (String name : session.options().filters()) {
      BgpView.Filter filter = filters.get(name);
      if (filter != null && exists(filter, imports)) {
        text.append("      ").append(name(filter, imports)).append('(');
        text.append(!session.isExternal()).append(");\n");
      }
    }
    return text.toString();
  }

  private static boolean exists(BgpView.Filter filter, boolean imports) {
    return !filter.readable() || !rules(filter, imports).isEmpty();
  }

  private static List<BgpFilterSpec.Rule> rules(BgpView.Filter filter, boolean imports) {
    return imports ? filter.imports() : filter.exports();
  }

  private void function(StringBuilder text, BgpView.Filter filter, boolean imports) {
    if (!exists(filter, imports)) {
      return;
    }
    text.append("function ").append(name(filter, imports)).append("(bool same_as) {\n");
    if (!filter.readable()) {
      text.append("  # The BGPFilter cannot be read.\n  reject;\n");
    }
    for (BgpFilterSpec.Rule rule : rules(filter, imports)) {
      text.append("  ");
      String conditions = String.join(" && ", conditions(rule));
      if (!conditions.isEmpty()) {
        text.append("if ").append(conditions).append(" then ");
      }
      text.append("{ ");
      if ("Reject".equals(rule.action())) {
        text.append("reject;");
      } else {
        rule.operations().forEach(operation -> text.append(operation(operation)).append(' '));
        text.append(
            imports ? "calico_take_" + BirdConfigRenderer.suffix(family) + "();" : "accept;");
      }
      text.append(" }\n");
    }
    text.append("}\n");
  }

  /** Returns a name that bird takes: a long one is cut and ends with a hash, as upstream's. */
  private String name(BgpView.Filter filter, boolean imports) {
    String end = (imports ? "_import" : "_export") + "FilterV" + (family.address().isV4() ? 4 : 6);
    String name = filter.name();
    int longest = LONGEST_NAME - "bgp_".length() - end.length();
    if (name.length() > longest) {
      name = name.substring(0, longest - HASH_DIGITS - 1) + "_" + hash(name);
    }
    return "'bgp_" + name + end + "'";
  }

  private static String hash(String name) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      return "%064X".formatted(new BigInteger(1, hash)).substring(0, HASH_DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<String> conditions(BgpFilterSpec.Rule rule) {
    List<String> conditions = new ArrayList<>();
    if ("iBGP".equals(rule.peerType())) {
      conditions.add("same_as");
    } else if ("eBGP".equals(rule.peerType())) {
      conditions.add("!same_as");
    }
    String cidr = rule.cidr();
    if (cidr != null && !cidr.isEmpty()) {
      conditions.add(network(Cidr.parse(cidr), rule));
    }
    if ("RemotePeers".equals(rule.source())) {
      conditions.add("source = RTS_BGP");
    }
    String link = rule.interfaceName();
    if (link != null && !link.isEmpty()) {
      conditions.add("ifname != \"\" && ifname ~ \"" + link + "\"");
    }
    if (rule.communities() != null) {
      rule.communities().values().stream()
          .flatMap(value -> Community.tryParse(value).stream())
          .forEach(community -> conditions.add(tuple(community) + " ~ " + attribute(community)));
    }
    if (!rule.asPathPrefix().isEmpty()) {
      conditions.add(
          rule.asPathPrefix().stream()
              .map(AsNumber::toString)
              .collect(Collectors.joining(" ", "bgp_path ~ [= ", " * =]")));
    }
    if (rule.priority() != null) {
      conditions.add("bgp_local_pref = " + (Integer.MAX_VALUE - rule.priority()));
    }
    return conditions;
  }

  private static String network(Cidr cidr, BgpFilterSpec.Rule rule) {
    int least = limit(rule.prefixLength() == null ? null : rule.prefixLength().min(), 0);
    int most =
        limit(rule.prefixLength() == null ? null : rule.prefixLength().max(), cidr.family().bits());
    int from = Math.max(cidr.prefix(), least);
    String within = from > most ? "false" : "net ~ [ " + cidr + "{" + from + "," + most + "} ]";
    String equal = least <= cidr.prefix() && cidr.prefix() <= most ? "net = " + cidr : "false";
    return switch (String.valueOf(rule.matchOperator())) {
      case "In" -> within;
      case "NotIn" -> "!(" + within + ")";
      case "Equal" -> equal;
      default -> "!(" + equal + ")";
    };
  }

  private static int limit(@Nullable Integer given, int otherwise) {
    return given == null ? otherwise : given;
  }

  private static String operation(BgpFilterSpec.Operation operation) {
    if (operation.addCommunity() != null) {
      return Community.tryParse(String.valueOf(operation.addCommunity().value()))
          .map(BirdFilterRenderer::add)
          .orElse("");
    }
    if (operation.setPriority() != null && operation.setPriority().value() != null) {
      int preference = Integer.MAX_VALUE - operation.setPriority().value();
      return "bgp_local_pref = " + preference + ";";
    }
    StringBuilder text = new StringBuilder();
    if (operation.prependASPath() != null) {
      List<AsNumber> prefix = operation.prependASPath().prefix();
      for (int i = prefix.size() - 1; i >= 0; i--) {
        text.append("bgp_path.prepend(").append(prefix.get(i)).append("); ");
      }
    }
    return text.toString().strip();
  }

  /** Returns the statement that adds a community to a route. */
  static String add(Community community) {
    return attribute(community) + ".add(" + tuple(community) + ");";
  }

  private static String attribute(Community community) {
    return community.isLarge() ? "bgp_large_community" : "bgp_community";
  }

  private static String tuple(Community community) {
    return community.parts().stream()
        .map(String::valueOf)
        .collect(Collectors.joining(", ", "(", ")"));
  }
}
