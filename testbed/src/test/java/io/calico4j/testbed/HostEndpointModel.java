package io.calico4j.testbed;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.HostInterface;
import io.calico4j.felix.explain.NodeTrace;
import io.calico4j.felix.explain.Packet;
import io.calico4j.felix.explain.PacketEnd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What explain says of packets on a host, by what is in its datastore.
 *
 * @param workload the key of its only workload
 * @param port the port of packets for which none is given
 */
record HostEndpointModel(Calculation calculation, NodeTrace trace, String workload, int port) {
  private static final int ANY_PORT = 49152;

  /** Reads what is stored; the interfaces are given with their addresses. */
  static HostEndpointModel read(TestHost host, Map<String, Set<String>> interfaces, int port)
      throws IOException {
    Calculation calculation = new Calculation(host.name(), ValidationFilter.silent(), Set.of());
    String listed = host.etcdctl("get", "--prefix", "--write-out=json", ResourceKind.ROOT);
    String workload = "";
    JsonObject answer = JsonParser.parseString(listed).getAsJsonObject();
    for (JsonElement each : answer.getAsJsonArray("kvs")) {
      String key = text(each, "key");
      boolean unused = calculation.update(key, new Entry(key, text(each, "value"), 1));
      if (key.startsWith(ResourceKind.WORKLOAD_ENDPOINT.prefix())) {
        workload = key;
      }
    }
    Set<HostInterface> present = new HashSet<>();
    interfaces.forEach(
        (name, addresses) ->
            present.add(
                new HostInterface(
                    name, addresses.stream().map(IpAddress::parse).collect(Collectors.toSet()))));
    boolean unused = calculation.putInterfaces(present);
    return new HostEndpointModel(calculation, new NodeTrace(calculation), workload, port);
  }

  private static String text(JsonElement entry, String name) {
    return new String(
        Base64.getDecoder().decode(entry.getAsJsonObject().get(name).getAsString()),
        StandardCharsets.UTF_8);
  }

  /** Tells whether a connection passes; empty is the host itself, "task" its workload. */
  boolean allows(String in, String source, String out, String destination) {
    return allows(in, source, out, destination, port);
  }

  /** Tells whether a connection to a port passes. */
  boolean allows(String in, String source, String out, String destination, int to) {
    Packet packet =
        new Packet(
            Protocol.TCP, IpAddress.parse(source), ANY_PORT, IpAddress.parse(destination), to);
    return trace.follow(end(in), end(out), packet).orElseThrow().allowed();
  }

  private PacketEnd end(String words) {
    return switch (words) {
      case "" -> new PacketEnd.Node();
      case "task" -> new PacketEnd.Workload(workload);
      default -> new PacketEnd.Outside(hostEndpoint(words));
    };
  }

  private @Nullable String hostEndpoint(String interfaceName) {
    return calculation.hostEndpoints().entrySet().stream()
        .filter(host -> host.getValue().contains(interfaceName))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse(null);
  }
}
