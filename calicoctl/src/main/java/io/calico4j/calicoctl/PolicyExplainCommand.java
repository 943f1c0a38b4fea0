package io.calico4j.calicoctl;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.explain.Packet;
import io.calico4j.felix.explain.PolicyTrace;
import io.calico4j.felix.explain.PolicyTrace.Decision;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code policy explain}: whether a connection is allowed, and what decides. It is calculated from
 * the datastore, by the code that calculates the rules of the endpoint's node.
 */
@Command(
    description =
        "Tells whether a connection is allowed, which rule decides, and why others did not.",
    mixinStandardHelpOptions = true)
final class PolicyExplainCommand implements Callable<Integer> {
  private static final int ANY_PORT = 49152;

  /** Said whenever the cluster has one, because the packet may meet it. */
  private static final String HOST_ENDPOINTS =
      "policy of host endpoints is not looked at: this cluster has some";

  private final Supplier<Datastore> datastore;

  @Option(
      names = "--from",
      required = true,
      description = "a WorkloadEndpoint's name, a container's id, or an address")
  private String from = "";

  @Option(
      names = "--to",
      required = true,
      description = "a WorkloadEndpoint's name, a container's id, or an address")
  private String to = "";

  @Option(names = "--port", description = "the destination's port; needed for TCP, UDP and SCTP")
  private int port;

  @Option(
      names = "--source-port",
      description = "the source's port (default ${DEFAULT-VALUE})",
      defaultValue = "" + ANY_PORT)
  private int sourcePort = ANY_PORT;

  @Option(
      names = "--protocol",
      description = "a name or a number (default ${DEFAULT-VALUE}); ICMP is an echo request",
      defaultValue = "TCP")
  private String protocol = "TCP";

  @Option(
      names = {"-n", "--namespace"},
      description = "the namespace of WorkloadEndpoints (default ${DEFAULT-VALUE})",
      defaultValue = "default")
  private String namespace = "default";

  @Option(
      names = {"-o", "--output"},
      description = "json for JSON")
  private String output = "";

  @Spec private CommandSpec spec = CommandSpec.create();

  PolicyExplainCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  /** One end of the connection; an address that is no endpoint's has neither key nor node. */
  private record Party(String name, @Nullable String key, String node, List<IpAddress> addresses) {
    IpAddress address(IpFamily family) {
      return addresses.stream()
          .filter(address -> address.family() == family)
          .findFirst()
          .orElseThrow(() -> new IllegalArgumentException(name + " has no " + family + " address"));
    }

    boolean has(IpFamily family) {
      return addresses.stream().anyMatch(address -> address.family() == family);
    }
  }

  /** What one end decides: null where it is no endpoint. */
  private record Side(Party party, @Nullable Decision decision) {}

  @Override
  public Integer call() throws DatastoreException {
    if (!output.isEmpty() && !output.equals("json")) {
      throw new IllegalArgumentException("-o \"" + output + "\" is unknown: leave it out, or json");
    }
    List<Entry> entries;
    try (Datastore store = datastore.get()) {
      entries = store.list(ResourceKind.ROOT).entries();
    }
    Map<String, Resource<WorkloadEndpointSpec>> endpoints = endpoints(entries);
    Party source = party("--from", from, endpoints);
    Party destination = party("--to", to, endpoints);
    Packet packet = packet(source, destination);
    Side egress = new Side(source, decide(source, false, packet, entries));
    Side ingress = new Side(destination, decide(destination, true, packet, entries));
    boolean hostEndpoints =
        entries.stream().anyMatch(e -> e.key().startsWith(ResourceKind.HOST_ENDPOINT.prefix()));
    PrintWriter out = spec.commandLine().getOut();
    if (output.equals("json")) {
      JsonObject json = json(packet, egress, ingress);
      if (hostEndpoints) {
        json.addProperty("warning", HOST_ENDPOINTS);
      }
      Gson gson = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
      out.println(gson.toJson(json));
    } else {
      print(packet, egress, ingress, out);
      if (hostEndpoints) {
        out.println("warning: " + HOST_ENDPOINTS);
      }
    }
    out.flush();
    return 0;
  }

  private static Map<String, Resource<WorkloadEndpointSpec>> endpoints(List<Entry> entries) {
    Map<String, Resource<WorkloadEndpointSpec>> endpoints = new TreeMap<>();
    ValidationFilter filter = ValidationFilter.silent();
    for (Entry entry : entries) {
      if (entry.key().startsWith(ResourceKind.WORKLOAD_ENDPOINT.prefix())) {
        filter
            .accept(ResourceKind.WORKLOAD_ENDPOINT, entry)
            .ifPresent(endpoint -> endpoints.put(entry.key(), endpoint));
      }
    }
    return endpoints;
  }

  private Party party(
      String option, String text, Map<String, Resource<WorkloadEndpointSpec>> endpoints) {
    Optional<IpAddress> address = IpAddress.tryParse(text);
    List<Party> found = new ArrayList<>();
    endpoints.forEach(
        (key, endpoint) -> {
          List<IpAddress> addresses =
              endpoint.spec().ipNetworks().stream()
                  .flatMap(network -> Cidr.tryParse(network).stream())
                  .map(Cidr::address)
                  .toList();
          if (address.isPresent() ? addresses.contains(address.get()) : isNamed(endpoint, text)) {
            found.add(
                new Party(
                    String.valueOf(ResourceKey.parse(key).orElseThrow()),
                    key,
                    endpoint.spec().node(),
                    address.isPresent() ? List.of(address.get()) : addresses));
          }
        });
    if (found.size() > 1) {
      throw new IllegalArgumentException(
          option + " " + text + " is several: " + found.stream().map(Party::name).toList());
    }
    if (!found.isEmpty()) {
      return found.get(0);
    }
    return address
        .map(alone -> new Party(alone.toString(), null, "", List.of(alone)))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    option
                        + " \""
                        + text
                        + "\" is neither an address nor a WorkloadEndpoint in namespace "
                        + namespace
                        + ": see calicoctl get workloadendpoints -o wide"));
  }

  private boolean isNamed(Resource<WorkloadEndpointSpec> endpoint, String text) {
    WorkloadEndpointSpec spec = endpoint.spec();
    return namespace.equals(endpoint.metadata().namespace())
        && (text.equals(endpoint.metadata().name())
            || text.equals(spec.containerID())
            || text.equals(spec.workload())
            || text.equals(spec.pod()));
  }

  private Packet packet(Party source, Party destination) {
    Protocol parsed = Protocol.parse(protocol);
    if (parsed.hasPorts() && (port < 1 || port > 65_535)) {
      throw new IllegalArgumentException(
          "--port \"" + port + "\" must be 1 to 65535 for protocol " + parsed);
    }
    IpFamily family =
        parsed.equals(Protocol.ICMPV6)
                || !(source.has(IpFamily.IPV4) && destination.has(IpFamily.IPV4))
            ? IpFamily.IPV6
            : IpFamily.IPV4;
    if (parsed.equals(Protocol.ICMP) && family == IpFamily.IPV6) {
      throw new IllegalArgumentException("--protocol ICMP needs IPv4 addresses: use ICMPv6");
    }
    return new Packet(
        parsed,
        source.address(family),
        parsed.hasPorts() ? sourcePort : 0,
        destination.address(family),
        parsed.hasPorts() ? port : 0);
  }

  private static @Nullable Decision decide(
      Party party, boolean ingress, Packet packet, List<Entry> entries) {
    String key = party.key();
    if (key == null) {
      return null;
    }
    Calculation calculation = new Calculation(party.node(), ValidationFilter.silent(), Set.of());
    for (Entry entry : entries) {
      boolean unused = calculation.update(entry.key(), entry);
    }
    return new PolicyTrace(calculation.flush()).follow(key, ingress, packet).orElse(null);
  }

  private static boolean isAllowed(Side side) {
    return side.decision() == null || side.decision().allowed();
  }

  private static String verdict(boolean allowed) {
    return allowed ? "allowed" : "denied";
  }

  private static void print(Packet packet, Side egress, Side ingress, PrintWriter out) {
    out.println(
        packet.protocol()
            + " from "
            + packet.source()
            + " to "
            + packet.destination()
            + (packet.protocol().hasPorts() ? " port " + packet.destinationPort() : "")
            + ": "
            + verdict(isAllowed(egress) && isAllowed(ingress)));
    print("egress from", egress, out);
    print("ingress to", ingress, out);
  }

  private static void print(String words, Side side, PrintWriter out) {
    Decision decision = side.decision();
    if (decision == null) {
      out.println(words + " " + side.party().name() + ": no policy, it is no workload endpoint");
      return;
    }
    out.println(
        words
            + " "
            + side.party().name()
            + ": "
            + verdict(decision.allowed())
            + " by "
            + decision.reason());
    decision.passedOver().forEach(line -> out.println("  " + line));
  }

  private static JsonObject json(Packet packet, Side egress, Side ingress) {
    JsonObject json = new JsonObject();
    json.addProperty("verdict", verdict(isAllowed(egress) && isAllowed(ingress)));
    json.addProperty("protocol", packet.protocol().toString());
    json.addProperty("source", packet.source().toString());
    json.addProperty("sourcePort", packet.sourcePort());
    json.addProperty("destination", packet.destination().toString());
    json.addProperty("destinationPort", packet.destinationPort());
    json.add("egress", json(egress));
    json.add("ingress", json(ingress));
    return json;
  }

  private static JsonObject json(Side side) {
    JsonObject json = new JsonObject();
    json.addProperty("of", side.party().name());
    json.addProperty("verdict", verdict(isAllowed(side)));
    Decision decision = side.decision();
    if (decision != null) {
      json.addProperty("reason", decision.reason());
      if (decision.owner() != null) {
        json.addProperty("owner", decision.owner());
        json.addProperty("rule", decision.rule());
      }
      JsonArray passedOver = new JsonArray();
      decision.passedOver().forEach(passedOver::add);
      json.add("passedOver", passedOver);
    }
    return json;
  }
}
