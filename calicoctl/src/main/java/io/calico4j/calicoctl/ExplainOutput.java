package io.calico4j.calicoctl;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.calico4j.felix.explain.NodeTrace.Trace;
import io.calico4j.felix.explain.Packet;
import io.calico4j.felix.explain.PolicyTrace.Decision;
import io.calico4j.felix.explain.Step;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Prints what {@code policy explain} has found. */
final class ExplainOutput {
  private ExplainOutput() {}

  static void print(
      Packet packet,
      ExplainParty source,
      ExplainParty destination,
      List<ExplainedNode> nodes,
      PrintWriter out) {
    out.println(
        packet.protocol()
            + " from "
            + packet.source()
            + " to "
            + packet.destination()
            + (packet.protocol().hasPorts() ? " port " + packet.destinationPort() : "")
            + ": "
            + ExplainedNode.verdict(nodes));
    if (source.kind() == ExplainParty.Kind.OUTSIDE) {
      out.println("egress from " + source.name() + ": no policy, it is no endpoint");
    }
    for (ExplainedNode node : nodes) {
      for (Map.Entry<String, Trace> way : node.ways().entrySet()) {
        String indent = "";
        if (!way.getKey().isEmpty()) {
          indent = "  ";
          out.println(
              "on "
                  + node.node()
                  + " "
                  + way.getKey()
                  + ": "
                  + ExplainedNode.verdict(way.getValue().allowed()));
        }
        for (Step step : way.getValue().steps()) {
          print(step, indent, out);
        }
      }
    }
    if (destination.kind() == ExplainParty.Kind.OUTSIDE) {
      out.println("ingress to " + destination.name() + ": no policy, it is no endpoint");
    }
  }

  private static void print(Step step, String indent, PrintWriter out) {
    Decision decision = step.decision();
    out.println(
        indent
            + step.place()
            + " "
            + step.of()
            + ": "
            + switch (step.effect()) {
              case ALLOWED -> "allowed by ";
              case DENIED -> "denied by ";
              case GOES_ON -> "goes on, ";
            }
            + decision.reason());
    decision.passedOver().forEach(line -> out.println(indent + "  " + line));
  }

  static JsonObject json(
      Packet packet, ExplainParty source, ExplainParty destination, List<ExplainedNode> nodes) {
    JsonObject json = new JsonObject();
    json.addProperty("verdict", ExplainedNode.verdict(nodes));
    json.addProperty("protocol", packet.protocol().toString());
    json.addProperty("source", packet.source().toString());
    json.addProperty("sourcePort", packet.sourcePort());
    json.addProperty("destination", packet.destination().toString());
    json.addProperty("destinationPort", packet.destinationPort());
    json.add("egress", side(source, "egress from", nodes));
    json.add("ingress", side(destination, "ingress to", nodes));
    JsonArray all = new JsonArray();
    for (ExplainedNode node : nodes) {
      node.ways().forEach((words, way) -> all.add(way(node.node(), words, way)));
    }
    json.add("nodes", all);
    return json;
  }

  private static JsonObject way(String node, String words, Trace way) {
    JsonObject json = new JsonObject();
    json.addProperty("node", node);
    if (!words.isEmpty()) {
      json.addProperty("way", words);
    }
    json.addProperty("verdict", ExplainedNode.verdict(way.allowed()));
    JsonArray steps = new JsonArray();
    for (Step step : way.steps()) {
      JsonObject one = new JsonObject();
      one.addProperty("place", step.place());
      one.addProperty("of", step.of());
      one.addProperty(
          "verdict",
          switch (step.effect()) {
            case ALLOWED -> "allowed";
            case DENIED -> "denied";
            case GOES_ON -> "goes on";
          });
      add(step.decision(), one);
      steps.add(one);
    }
    json.add("steps", steps);
    return json;
  }

  /** What the policy of one end itself says; the first way stands for all. */
  private static JsonObject side(ExplainParty party, String place, List<ExplainedNode> nodes) {
    JsonObject json = new JsonObject();
    json.addProperty("of", party.name());
    Optional<Step> found =
        nodes.stream()
            .flatMap(node -> node.ways().values().stream())
            .flatMap(way -> way.steps().stream())
            .filter(step -> step.place().equals(place))
            .filter(step -> Objects.equals(step.of(), party.name()))
            .findFirst();
    if (found.isPresent()) {
      json.addProperty("verdict", ExplainedNode.verdict(found.get().decision().allowed()));
      add(found.get().decision(), json);
    } else {
      json.addProperty(
          "verdict",
          party.kind() == ExplainParty.Kind.OUTSIDE ? "allowed" : ExplainedNode.verdict(nodes));
    }
    return json;
  }

  private static void add(Decision decision, JsonObject json) {
    json.addProperty("reason", decision.reason());
    if (decision.owner() != null) {
      json.addProperty("owner", decision.owner());
      json.addProperty("rule", decision.rule());
    }
    JsonArray passedOver = new JsonArray();
    decision.passedOver().forEach(passedOver::add);
    json.add("passedOver", passedOver);
  }
}
