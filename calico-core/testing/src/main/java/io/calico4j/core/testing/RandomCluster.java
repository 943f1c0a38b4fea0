package io.calico4j.core.testing;

import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** Random resources of a small cluster, in which most selectors select something. */
public final class RandomCluster {
  private static final List<String> LABELS = List.of("a", "b", "c");
  private static final List<String> SELECTORS =
      List.of(
          "all()",
          "has(a)",
          "a == 'x'",
          "b in {'x','y'}",
          "has(a) && !has(b)",
          "c != 'x'",
          "pcns.team == 'x'");
  private static final List<String> NETS =
      List.of("10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.1.1.1/32", "fd00::/8", "fd00::1/128");

  private RandomCluster() {}

  /** Returns the key of one of some forty resources. */
  public static String key(Random random) {
    return switch (random.nextInt(11)) {
      case 10 -> ResourceKey.of(ResourceKind.HOST_ENDPOINT, "h" + random.nextInt(4)).path();
      case 0, 1, 2 ->
          ResourceKind.WORKLOAD_ENDPOINT.prefix()
              + "default/"
              + (random.nextBoolean() ? "here" : "there")
              + "-cni-"
              + random.nextInt(5)
              + "-eth0";
      case 3 ->
          ResourceKey.of(
                  ResourceKind.PROFILE,
                  random.nextInt(4) == 0 ? "kns.default" : "p" + random.nextInt(2))
              .path();
      case 4, 5 ->
          random.nextBoolean()
              ? ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "g" + random.nextInt(3)).path()
              : ResourceKind.NETWORK_POLICY.prefix() + "default/n" + random.nextInt(2);
      case 6 ->
          random.nextBoolean()
              ? ResourceKey.of(ResourceKind.GLOBAL_NETWORK_SET, "s" + random.nextInt(3)).path()
              : ResourceKind.NETWORK_SET.prefix() + "default/s" + random.nextInt(2);
      case 7 -> ResourceKey.of(ResourceKind.IP_POOL, "pool" + random.nextInt(3)).path();
      case 8 -> ResourceKey.of(ResourceKind.NODE, random.nextBoolean() ? "here" : "there").path();
      default -> ResourceKey.of(ResourceKind.TIER, "t" + random.nextInt(2)).path();
    };
  }

  /** Returns a resource's JSON. */
  public static String value(ResourceKey key, Random random) {
    ResourceKind<?> kind = key.kind();
    String spec;
    if (kind.equals(ResourceKind.WORKLOAD_ENDPOINT)) {
      spec = endpoint(key, random);
    } else if (kind.equals(ResourceKind.HOST_ENDPOINT)) {
      spec = hostEndpoint(random);
    } else if (kind.equals(ResourceKind.PROFILE)) {
      spec =
          "{'labelsToApply':"
              + labels(key.name().startsWith("kns.") ? List.of("pcns.team") : LABELS, random)
              + ",'ingress':"
              + rules(random)
              + ",'egress':"
              + rules(random)
              + "}";
    } else if (kind.equals(ResourceKind.TIER)) {
      spec =
          "{'order':"
              + random.nextInt(3)
              + (random.nextBoolean() ? ",'defaultAction':'Pass'" : "")
              + "}";
    } else if (kind.equals(ResourceKind.IP_POOL)) {
      spec =
          "{'cidr':'"
              + NETS.get(random.nextInt(NETS.size()))
              + "','natOutgoing':"
              + random.nextBoolean()
              + "}";
    } else if (kind.equals(ResourceKind.NODE)) {
      spec = "{'bgp':{'ipv4Address':'10.65.0." + random.nextInt(3) + "/24'}}";
    } else if (kind.equals(ResourceKind.NETWORK_SET)
        || kind.equals(ResourceKind.GLOBAL_NETWORK_SET)) {
      spec = "{'nets':" + some(NETS, random) + "}";
    } else {
      spec = policy(kind, random);
    }
    String namespace = kind.namespaced() ? "'namespace':'default'," : "";
    return ("{'metadata':{'name':'"
            + key.name()
            + "',"
            + namespace
            + "'labels':"
            + (kind.equals(ResourceKind.WORKLOAD_ENDPOINT)
                ? labels(LABELS, random)
                    .replaceFirst("^\\{(.?)", "{'projectcalico.org/namespace':'default',$1")
                    .replace(",}", "}")
                : labels(LABELS, random))
            + "},'spec':"
            + spec
            + "}")
        .replace('\'', '"')
        .replace('^', '\'');
  }

  /** Returns the JSON of a FelixConfiguration that says something of host endpoints. */
  public static String felixConfiguration(Random random) {
    List<String> fields = new ArrayList<>();
    for (String field : List.of("failsafeInboundHostPorts", "failsafeOutboundHostPorts")) {
      if (random.nextBoolean()) {
        fields.add("'" + field + "':" + failsafePorts(random));
      }
    }
    String action = List.of("Drop", "Return", "Accept").get(random.nextInt(3));
    fields.add("'defaultEndpointToHostAction':'" + action + "'");
    return ("{'metadata':{'name':'default'},'spec':{" + String.join(",", fields) + "}}")
        .replace('\'', '"');
  }

  private static String failsafePorts(Random random) {
    List<String> ports =
        List.of(
            "{'protocol':'TCP','port':22}",
            "{'protocol':'UDP','port':80,'net':'10.1.0.0/16'}",
            "{'protocol':'TCP','port':443,'net':'fd00::/8'}");
    return "["
        + String.join(",", ports.stream().filter(port -> random.nextBoolean()).toList())
        + "]";
  }

  private static String endpoint(ResourceKey key, Random random) {
    String number = key.name().replaceAll("[^0-9]", "").substring(0, 1);
    return "{'node':'"
        + key.name().substring(0, key.name().indexOf('-'))
        + "','orchestrator':'cni','containerID':'"
        + number
        + "','endpoint':'eth0','ipNetworks':['10.65.0."
        + random.nextInt(4)
        + "/32'"
        + (random.nextBoolean() ? ",'fd00::" + (1 + random.nextInt(3)) + "/128'" : "")
        + "],'interfaceName':'cali"
        + random.nextInt(5)
        + "','profiles':"
        + some(List.of("p0", "p1", "kns.default"), random)
        + (random.nextInt(3) == 0
            ? ",'ports':[{'name':'web','protocol':'TCP','port':" + (80 + random.nextInt(2)) + "}]"
            : "")
        + (random.nextInt(4) == 0
            ? ",'ipNATs':[{'internalIP':'10.65.0.1','externalIP':'10.65.0."
                + random.nextInt(8)
                + "'}]"
            : "")
        + "}";
  }

  private static String hostEndpoint(Random random) {
    return "{'node':'"
        + (random.nextInt(4) == 0 ? "there" : "here")
        + "',"
        + (random.nextBoolean()
            ? "'interfaceName':'" + List.of("*", "eth0", "eth1").get(random.nextInt(3)) + "',"
            : "")
        + "'expectedIPs':['192.0.2."
        + random.nextInt(3)
        + "'],'profiles':"
        + some(List.of("p0", "p1", "kns.default"), random)
        + ",'ports':[{'name':'web','protocol':'TCP','port':80}]}";
  }

  private static String policy(ResourceKind<?> kind, Random random) {
    StringBuilder spec = new StringBuilder("{'selector':'" + selector(random) + "'");
    if (random.nextBoolean()) {
      spec.append(",'order':").append(random.nextInt(3));
    }
    if (random.nextInt(3) == 0) {
      spec.append(",'tier':'t").append(random.nextInt(2)).append('\'');
    }
    boolean global = kind.equals(ResourceKind.GLOBAL_NETWORK_POLICY);
    int place = global ? random.nextInt(8) : 3;
    if (place < 3) {
      spec.append(",'applyOnForward':true");
      spec.append(List.of("", ",'doNotTrack':true", ",'preDNAT':true").get(place));
    }
    return spec.append(",'ingress':")
        .append(rules(random))
        .append(place == 2 ? ",'types':['Ingress'],'egress':" : ",'egress':")
        .append(place == 2 ? "[]" : rules(random))
        .append("}")
        .toString();
  }

  private static String selector(Random random) {
    return SELECTORS.get(random.nextInt(SELECTORS.size())).replace('\'', '^');
  }

  private static String rules(Random random) {
    List<String> rules = new ArrayList<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      String protocol = List.of("TCP", "UDP", "ICMP").get(random.nextInt(3));
      boolean hasPorts = !protocol.equals("ICMP");
      StringBuilder rule = new StringBuilder("{'action':'");
      rule.append(List.of("Allow", "Deny", "Pass", "Log").get(random.nextInt(4))).append('\'');
      if (random.nextInt(5) > 0) {
        rule.append(",'protocol':'").append(protocol).append('\'');
        if (!hasPorts && random.nextBoolean()) {
          rule.append(",'icmp':{'type':").append(random.nextBoolean() ? 8 : 0).append('}');
        }
      } else {
        hasPorts = false;
        if (random.nextBoolean()) {
          rule.append(",'notProtocol':'").append(protocol).append('\'');
        }
      }
      if (random.nextInt(6) == 0) {
        rule.append(",'ipVersion':").append(random.nextBoolean() ? 4 : 6);
      }
      for (String side : List.of("source", "destination")) {
        if (random.nextInt(3) > 0) {
          rule.append(",'").append(side).append("':").append(peer(hasPorts, random));
        }
      }
      rules.add(rule.append('}').toString());
    }
    return "[" + String.join(",", rules) + "]";
  }

  private static String peer(boolean hasPorts, Random random) {
    StringBuilder peer = new StringBuilder("{");
    Consumer<String> add = field -> peer.append(peer.length() == 1 ? "" : ",").append(field);
    if (random.nextBoolean()) {
      add.accept("'selector':'" + selector(random) + "'");
    }
    if (random.nextInt(4) == 0) {
      add.accept("'notSelector':'" + selector(random) + "'");
    }
    if (random.nextInt(5) == 0) {
      add.accept(
          "'namespaceSelector':'"
              + List.of("all()", "global()", "team == ^x^").get(random.nextInt(3))
              + "'");
    }
    if (random.nextInt(3) == 0) {
      add.accept("'nets':" + some(NETS, random));
    }
    if (random.nextInt(4) == 0) {
      add.accept("'notNets':" + some(NETS, random));
    }
    if (hasPorts && random.nextInt(3) == 0) {
      add.accept(
          "'ports':"
              + List.of("['web',443]", "[80]", "['80:90']", "['web','ssh']")
                  .get(random.nextInt(4)));
    }
    if (hasPorts && random.nextInt(5) == 0) {
      add.accept("'notPorts':" + List.of("['web']", "[443,'80:81']").get(random.nextInt(2)));
    }
    return peer.append('}').toString();
  }

  private static String some(List<String> of, Random random) {
    List<String> chosen = of.stream().filter(text -> random.nextBoolean()).toList();
    return chosen.isEmpty() ? "[]" : "['" + String.join("','", chosen) + "']";
  }

  private static String labels(List<String> names, Random random) {
    List<String> labels = new ArrayList<>();
    for (String name : names) {
      if (random.nextBoolean()) {
        labels.add("'" + name + "':'" + List.of("x", "y").get(random.nextInt(2)) + "'");
      }
    }
    return "{" + String.join(",", labels) + "}";
  }
}
