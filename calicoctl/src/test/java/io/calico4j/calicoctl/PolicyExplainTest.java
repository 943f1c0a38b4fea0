package io.calico4j.calicoctl;

import static io.calico4j.core.testing.Resources.rule;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.model.Rule.Action;
import io.calico4j.core.model.TierSpec;
import io.calico4j.core.testing.EndpointBuilder;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.PassingDatastore;
import io.calico4j.core.testing.PolicyBuilder;
import io.calico4j.core.testing.Resources;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** {@code policy explain} over two workloads, {@code web} and {@code db}, and their policies. */
class PolicyExplainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final MemoryDatastore datastore = new MemoryDatastore();

  private final ResourceClient resources = new ResourceClient(datastore);

  @BeforeEach
  void aCluster() throws Exception {
    resources.create(endpoint("web", "10.65.0.1").build());
    resources.create(endpoint("db", "10.65.0.2").port("sql", Protocol.TCP, 5432).build());
    resources.create(
        Resource.create(
            ResourceKind.PROFILE,
            Metadata.named(null, "net"),
            new ProfileSpec(
                Map.of("net", ""),
                List.of(rule(Action.Allow).from("has(net)").build()),
                List.of(Rule.always(Action.Allow)))));
    resources.create(
        Resource.create(ResourceKind.TIER, Metadata.named(null, "first"), new TierSpec(1.0, null)));
    resources.create(
        policy("guard")
            .tier("first")
            .ingress(
                rule(Action.Deny).fromNets("10.9.0.0/16", "10.8.0.0/16"),
                rule(Action.Pass).protocol(Protocol.TCP).toPorts("sql"),
                rule(Action.Allow).icmp(8))
            .build());
    resources.create(
        policy("db").ingress(rule(Action.Allow).protocol(Protocol.TCP).from("has(web)")).build());
  }

  private static EndpointBuilder endpoint(String name, String address) {
    return Resources.endpoint("h-" + name, name)
        .addresses(address)
        .labels(Map.of(name, ""))
        .profiles("net");
  }

  private static PolicyBuilder policy(String name) {
    return Resources.policy(name).selecting("has(db)").types("Ingress");
  }

  /** Commands close their datastore; this one must outlive them. */
  private static final class Unclosable extends PassingDatastore {
    Unclosable(Datastore datastore) {
      super(datastore);
    }

    @Override
    public void close() {}
  }

  private int run(String... arguments) {
    CommandLine line = CalicoctlMain.commandLine(() -> new Unclosable(datastore), Map.of());
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute(arguments);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "web | db | TCP | 5432 | allowed | GlobalNetworkPolicy(db), ingress rule 1",
        "web | db | TCP | 22 | denied | the end of tier first",
        "web | db | UDP | 5432 | denied | the end of tier first",
        "web | db | ICMP | 0 | allowed | GlobalNetworkPolicy(guard), ingress rule 3",
        "10.9.1.1 | db | TCP | 5432 | denied | GlobalNetworkPolicy(guard), ingress rule 1",
        "10.7.1.1 | db | TCP | 5432 | denied | the end of tier default",
        "db | web | TCP | 22 | allowed | Profile(net), ingress rule 1",
        "10.7.1.1 | web | TCP | 22 | denied | nothing allows it",
        "10.65.0.1 | 10.65.0.2 | TCP | 5432 | allowed | GlobalNetworkPolicy(db), ingress rule 1",
      })
  void oneRuleDecides(
      String from, String to, String protocol, int port, String verdict, String reason) {
    assertThat(
            run(
                "policy",
                "explain",
                "--from",
                from,
                "--to",
                to,
                "--protocol",
                protocol,
                "--port",
                "" + port,
                "-o",
                "json"))
        .as(err.toString())
        .isZero();
    JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
    assertThat(json.get("verdict").getAsString()).isEqualTo(verdict);
    JsonObject ingress = json.getAsJsonObject("ingress");
    assertThat(ingress.get("verdict").getAsString()).isEqualTo(verdict);
    assertThat(ingress.get("reason").getAsString()).startsWith(reason);
  }

  @Test
  void theTextTellsWhatDidNotDecide() {
    assertThat(run("policy", "explain", "--from", "web", "--to", "db", "--port", "5432")).isZero();
    assertThat(out.toString().lines().toList())
        .containsExactly(
            "TCP from 10.65.0.1 to 10.65.0.2 port 5432: allowed",
            "egress from WorkloadEndpoint(default/h--web-cni-web-eth0): allowed by Profile(net),"
                + " egress rule 1",
            "ingress to WorkloadEndpoint(default/h--db-cni-db-eth0): allowed by"
                + " GlobalNetworkPolicy(db), ingress rule 1",
            "  tier first: GlobalNetworkPolicy(guard), ingress rule 1 (Deny): source 10.65.0.1 is"
                + " in none of nets [10.9.0.0/16, 10.8.0.0/16]",
            "  tier first: GlobalNetworkPolicy(guard), ingress rule 2 passes to the next");
  }

  /** Host endpoints on web's node: one of an interface, one by its address, one of all others. */
  private void hostEndpoints() throws Exception {
    resources.create(Resources.hostEndpoint("front", "h-web").on("eth0").build());
    resources.create(
        Resources.hostEndpoint("back", "h-web").expecting("192.0.2.1").profiles("net").build());
    resources.create(
        Resources.hostEndpoint("others", "h-web").on("*").labels(Map.of("others", "")).build());
    resources.create(
        Resources.policy("lock")
            .selecting("has(others)")
            .onForward()
            .types("Ingress", "Egress")
            .build());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "10.7.1.1 | back | | 5432 | denied | ingress to HostEndpoint(back): denied by nothing",
        "10.65.0.1 | db | back | 5432 | denied | forwarded ingress by HostEndpoint(others)",
        "back | db | | 5432 | denied | egress from HostEndpoint(back): allowed by Profile(net)",
        "192.0.2.1 | 10.7.1.1 | | 1 | allowed | egress from HostEndpoint(back): allowed by",
        "10.7.1.1 | 192.0.2.1 | | 22 | allowed | ingress to HostEndpoint(back): allowed by"
            + " fail-safe port tcp 22",
        "web | back | | 80 | denied | their node: denied by DefaultEndpointToHostAction DROP",
        "back | web | | 80 | allowed | egress to workloads from their node: allowed by no policy",
        "10.7.1.1 | web | back | 22 | denied | forwarded ingress by HostEndpoint(back): goes on",
      })
  void hostEndpointsAreFollowed(
      String from, String to, String via, int port, String verdict, String line) throws Exception {
    hostEndpoints();
    List<String> arguments =
        new ArrayList<>(
            List.of("policy", "explain", "--from", from, "--to", to, "--port", "" + port));
    if (via != null) {
      arguments.addAll(List.of("--via", via));
    }
    assertThat(run(arguments.toArray(String[]::new))).as(err.toString()).isZero();
    assertThat(out.toString()).contains("port " + port + ": " + verdict).contains(line);
  }

  @Test
  void whatDependsOnTheInterfaceIsToldForEach() throws Exception {
    resources.create(Resources.hostEndpoint("front", "h-db").on("eth0").build());
    resources.create(
        Resources.hostEndpoint("closed", "h-db").on("eth1").labels(Map.of("closed", "")).build());
    resources.create(
        Resources.policy("lock").selecting("has(closed)").onForward().types("Ingress").build());
    String[] arguments = {"policy", "explain", "--from", "web", "--to", "db", "--port", "5432"};
    assertThat(run(arguments)).as(err.toString()).isZero();
    assertThat(out.toString().lines())
        .contains(
            "TCP from 10.65.0.1 to 10.65.0.2 port 5432: depends on the interface",
            "on h-db by HostEndpoint(closed): denied",
            "  forwarded ingress by HostEndpoint(closed): denied by the end of tier default:"
                + " policies of it apply, and none decided",
            "on h-db by HostEndpoint(front): allowed",
            "on h-db by another interface: allowed");

    out.getBuffer().setLength(0);
    String[] via = {
      "policy", "explain", "--from", "web", "--to", "db", "--port", "5432", "--via", "front", "-o",
      "json"
    };
    assertThat(run(via)).as(err.toString()).isZero();
    JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
    assertThat(json.get("verdict").getAsString()).isEqualTo("allowed");
    JsonObject last = json.getAsJsonArray("nodes").get(1).getAsJsonObject();
    assertThat(last.get("node").getAsString()).isEqualTo("h-db");
    JsonObject step = last.getAsJsonArray("steps").get(0).getAsJsonObject();
    assertThat(step.get("place").getAsString()).isEqualTo("forwarded ingress by");
    assertThat(step.get("verdict").getAsString()).isEqualTo("goes on");
  }

  @Test
  void aHostEndpointThatIsNotInForceIsNamed() throws Exception {
    resources.create(Resources.hostEndpoint("a", "h-web").on("eth0").build());
    resources.create(
        Resources.hostEndpoint("b", "h-web").on("eth0").expecting("192.0.2.9").build());
    assertThat(run("policy", "explain", "--from", "10.7.1.1", "--to", "b", "--port", "1"))
        .isEqualTo(1);
    assertThat(run("policy", "explain", "--from", "a", "--to", "b", "--port", "1")).isEqualTo(1);
    assertThat(err.toString())
        .contains("HostEndpoint(b) is not in force: another HostEndpoint of h-web")
        .contains("are the same host");
  }

  @Test
  void whatIsNotThereAndWhatMakesNoSenseIsNamed() {
    assertThat(run("policy", "explain", "--from", "nobody", "--to", "db", "--port", "1"))
        .isEqualTo(1);
    assertThat(run("policy", "explain", "--from", "web", "--to", "db")).isEqualTo(1);
    assertThat(run("policy", "explain", "--from", "web", "--to", "fd00::1", "--port", "1"))
        .isEqualTo(1);
    assertThat(run("policy", "explain", "--from", "web", "--to", "db", "-o", "xml", "--port", "1"))
        .isEqualTo(1);
    assertThat(err.toString())
        .contains(
            List.of(
                "--from \"nobody\" is neither an address nor a HostEndpoint",
                "--port \"0\" must be 1 to 65535",
                "has no IPV6 address",
                "-o \"xml\" is unknown"));
  }
}
