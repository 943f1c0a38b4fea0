package io.calico4j.calicoctl;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.HostInterface;
import io.calico4j.felix.explain.NodeTrace;
import io.calico4j.felix.explain.NodeTrace.Trace;
import io.calico4j.felix.explain.Packet;
import io.calico4j.felix.explain.PacketEnd;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
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

  private final Supplier<Datastore> datastore;

  @Option(
      names = "--from",
      required = true,
      description =
          "the name of a WorkloadEndpoint or HostEndpoint, a container's id, or an address")
  private String from = "";

  @Option(
      names = "--to",
      required = true,
      description =
          "the name of a WorkloadEndpoint or HostEndpoint, a container's id, or an address")
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
      names = "--via",
      description =
          "a HostEndpoint: the connection takes its interface, on its node; may be repeated")
  private List<String> via = List.of();

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

  @Override
  public Integer call() throws DatastoreException {
    if (!output.isEmpty() && !output.equals("json")) {
      throw new IllegalArgumentException("-o \"" + output + "\" is unknown: leave it out, or json");
    }
    List<Entry> entries;
    try (Datastore store = datastore.get()) {
      entries = store.list(ResourceKind.ROOT).entries();
    }
    ExplainParty.Finder finder = new ExplainParty.Finder(entries, namespace);
    ExplainParty source = finder.find("--from", from);
    ExplainParty destination = finder.find("--to", to);
    if (source.isHost() && destination.isHost() && source.node().equals(destination.node())) {
      throw new IllegalArgumentException(
          "--from " + from + " and --to " + to + " are the same host: nothing leaves it");
    }
    Packet packet = packet(source, destination);
    List<ExplainedNode> nodes = follow(source, destination, packet, entries, finder);
    PrintWriter out = spec.commandLine().getOut();
    if (output.equals("json")) {
      Gson gson = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
      out.println(gson.toJson(ExplainOutput.json(packet, source, destination, nodes)));
    } else {
      ExplainOutput.print(packet, source, destination, nodes, out);
    }
    out.flush();
    return 0;
  }

  /** Follows the packet through the nodes of both ends. */
  private List<ExplainedNode> follow(
      ExplainParty source,
      ExplainParty destination,
      Packet packet,
      List<Entry> entries,
      ExplainParty.Finder finder) {
    List<ExplainedNode> nodes = new ArrayList<>();
    boolean together = source.node().equals(destination.node());
    if (!source.node().isEmpty()) {
      NodeTrace trace = trace(source.node(), entries, finder);
      Map<String, PacketEnd> ends =
          together ? Map.of("", end(destination)) : outside(source, trace, finder);
      nodes.add(follow(source.node(), trace, Map.of("", end(source)), ends, packet));
    }
    if (!destination.node().isEmpty() && !together) {
      NodeTrace trace = trace(destination.node(), entries, finder);
      Map<String, PacketEnd> ends = outside(destination, trace, finder);
      nodes.add(follow(destination.node(), trace, ends, Map.of("", end(destination)), packet));
    }
    return nodes;
  }

  private static ExplainedNode follow(
      String node,
      NodeTrace trace,
      Map<String, PacketEnd> from,
      Map<String, PacketEnd> to,
      Packet packet) {
    Map<String, Trace> ways = new LinkedHashMap<>();
    from.forEach(
        (in, source) ->
            to.forEach(
                (out, destination) ->
                    ways.put(
                        in + out,
                        trace
                            .follow(source, destination, packet)
                            .orElseThrow(
                                () ->
                                    new IllegalArgumentException(
                                        "an endpoint of node " + node + " is damaged")))));
    return ExplainedNode.of(node, ways);
  }

  private static NodeTrace trace(String node, List<Entry> entries, ExplainParty.Finder finder) {
    Calculation calculation = new Calculation(node, ValidationFilter.silent(), Set.of());
    for (Entry entry : entries) {
      boolean unused = calculation.update(entry.key(), entry);
    }
    // What interfaces the node has is not stored: each expected address counts as one.
    Set<HostInterface> interfaces = new HashSet<>();
    finder
        .expected(node)
        .keySet()
        .forEach(address -> interfaces.add(new HostInterface("of " + address, Set.of(address))));
    boolean unused = calculation.putInterfaces(interfaces);
    return new NodeTrace(calculation);
  }

  private static PacketEnd end(ExplainParty party) {
    return party.kind() == ExplainParty.Kind.WORKLOAD
        ? new PacketEnd.Workload(String.valueOf(party.key()))
        : new PacketEnd.Node();
  }

  /** Returns the interfaces by which a connection may leave, or come to, the node of an end. */
  private Map<String, PacketEnd> outside(
      ExplainParty party, NodeTrace trace, ExplainParty.Finder finder) {
    String own = party.kind() == ExplainParty.Kind.HOST_ENDPOINT ? party.key() : null;
    if (own != null) {
      if (!trace.isInForce(own)) {
        throw new IllegalArgumentException(
            party.name()
                + " is not in force: another HostEndpoint of "
                + party.node()
                + " has its interface, or it has none");
      }
      return Map.of("", new PacketEnd.Outside(own));
    }
    Map<String, PacketEnd> ends = new LinkedHashMap<>();
    for (String name : via) {
      String key = finder.hostEndpoint("--via", name);
      if (trace.isInForce(key)) {
        ends.put("by " + ExplainParty.name(key), new PacketEnd.Outside(key));
      }
    }
    if (ends.isEmpty()) {
      trace
          .hostEndpoints()
          .forEach(key -> ends.put("by " + ExplainParty.name(key), new PacketEnd.Outside(key)));
      ends.put("by another interface", new PacketEnd.Outside(null));
    }
    return ends;
  }

  private Packet packet(ExplainParty source, ExplainParty destination) {
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
}
