package io.calico4j.felix.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.HostInterface;
import io.calico4j.felix.explain.NodeTrace.Trace;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a packet meets on a node with host endpoints: each row is a way, what is stored, and each
 * step with what it says. HostEndpointIT holds the verdicts against packets.
 */
class NodeTraceTest {
  private static final String E = ResourceKind.HOST_ENDPOINT.prefix() + "e";
  private static final String TASK =
      ResourceKind.WORKLOAD_ENDPOINT.prefix() + "default/here-cni-task-eth0";
  private static final PacketEnd NODE = new PacketEnd.Node();
  private static final PacketEnd CLOSED_TASK =
      new PacketEnd.Workload(TASK.replace("task", "closed"));
  private static final PacketEnd WORKLOAD = new PacketEnd.Workload(TASK);
  private static final PacketEnd BY_E = new PacketEnd.Outside(E);
  private static final PacketEnd BY_ANOTHER = new PacketEnd.Outside(null);

  private static final String HOST = "e: {'interfaceName':'eth0'}";
  private static final String OPEN =
      "e: {'interfaceName':'eth0','profiles':['projectcalico-default-allow']}";
  private static final String ANY =
      "a: {'interfaceName':'*','profiles':['projectcalico-default-allow']}";
  private static final String ANY_CLOSED = "a: {'interfaceName':'*'}";
  private static final String RETURN = "default: {'defaultEndpointToHostAction':'Return'}";
  private static final String FORWARD = "'applyOnForward':true,";
  private static final String UNTRACKED = FORWARD + "'doNotTrack':true,";
  private static final String PRE_DNAT = FORWARD + "'preDNAT':true,";
  private static final String ALLOW_8080 =
      "[{'action':'Allow','protocol':'TCP','destination':{'ports':[8080]}}]";
  private static final String ANSWER_8080 =
      "[{'action':'Allow','protocol':'TCP','source':{'ports':[8080]}}]";
  private static final String DENY = "[{'action':'Deny'}]";

  private static String policy(String rest) {
    return "p: {'selector':'has(role)'," + rest + "}";
  }

  /** A way, the port, what is stored, and what is said. */
  enum Row {
    NO_HOST_ENDPOINT(BY_ANOTHER, NODE, 8080, ""),
    NEITHER_POLICY_NOR_PROFILE(BY_E, NODE, 8080, "ingress to e: denied by nothing allows it", HOST),
    AN_ENDPOINT_OF_ITS_OWN_BEATS_THAT_OF_ALL(
        BY_E, NODE, 8080, "ingress to e: allowed by Profile(…), ingress rule 1", OPEN, ANY_CLOSED),
    ANOTHER_INTERFACE_HAS_THAT_OF_ALL(
        BY_ANOTHER, NODE, 8080, "ingress to a: denied by nothing allows it", OPEN, ANY_CLOSED),
    FAILSAFE_IN(BY_E, NODE, 22, "ingress to e: allowed by fail-safe port tcp 22", HOST),
    FAILSAFE_OUT(NODE, BY_E, 6666, "egress from e: allowed by fail-safe port tcp 6666", HOST),
    FAILSAFE_OF_THE_OTHER_DIRECTION(
        NODE, BY_E, 22, "egress from e: denied by nothing allows it", HOST),
    NO_FAILSAFE_PORTS(
        BY_E,
        NODE,
        22,
        "ingress to e: denied by nothing allows it",
        HOST,
        "default: {'failsafeInboundHostPorts':[]}"),
    FAILSAFE_FOR_A_NETWORK(
        BY_E,
        NODE,
        22,
        "ingress to e: denied by nothing allows it",
        HOST,
        "default: {'failsafeInboundHostPorts':"
            + "[{'protocol':'TCP','port':22,'net':'10.9.0.0/16'}]}"),
    NORMAL(
        BY_E,
        NODE,
        8080,
        "ingress to e: allowed by p, ingress rule 1",
        HOST,
        policy("'ingress':" + ALLOW_8080)),
    NORMAL_OF_ANOTHER_DIRECTION(
        NODE,
        BY_E,
        8080,
        "egress from e: denied by nothing allows it",
        HOST,
        policy("'ingress':" + ALLOW_8080)),
    FORWARDED_WITHOUT_POLICY(
        BY_E, BY_ANOTHER, 8080, "forwarded ingress by e: goes on, no policy …", HOST),
    FORWARDED_IN(
        BY_E,
        BY_ANOTHER,
        22,
        "forwarded ingress by e: denied by the end of tier default…",
        OPEN,
        policy(FORWARD + "'ingress':" + ALLOW_8080)),
    FORWARDED_OUT(
        BY_ANOTHER,
        BY_E,
        8080,
        "forwarded egress by e: denied by p, egress rule 1",
        OPEN,
        policy(FORWARD + "'types':['Egress'],'egress':" + DENY)),
    FORWARDED_TO_A_TASK(
        BY_E,
        WORKLOAD,
        8080,
        "forwarded ingress by e: allowed by p, ingress rule 1"
            + " / ingress to task: allowed by Profile(…), ingress rule 1",
        OPEN,
        policy(FORWARD + "'ingress':" + ALLOW_8080)),
    OF_A_TASK_BY_THAT_OF_ALL(
        WORKLOAD,
        BY_E,
        8080,
        "forwarded ingress by a: denied by p, ingress rule 1",
        OPEN,
        ANY,
        policy(FORWARD + "'types':['Ingress'],'ingress':" + DENY)),
    BEFORE_DNAT_DENIED(
        BY_E,
        NODE,
        8080,
        "pre-DNAT ingress to e: denied by p, ingress rule 1",
        OPEN,
        policy(PRE_DNAT + "'types':['Ingress'],'ingress':" + DENY)),
    BEFORE_DNAT_ALLOWED_ASKS_NO_OTHER(
        BY_E,
        NODE,
        8080,
        "pre-DNAT ingress to e: allowed by p, ingress rule 1",
        HOST,
        policy(PRE_DNAT + "'types':['Ingress'],'ingress':" + ALLOW_8080)),
    BEFORE_DNAT_SAYS_NOTHING(
        BY_E,
        NODE,
        9090,
        "pre-DNAT ingress to e: goes on, no rule decides"
            + " / ingress to e: denied by nothing allows it",
        HOST,
        policy(PRE_DNAT + "'types':['Ingress'],'ingress':" + ALLOW_8080)),
    BEFORE_DNAT_LEAVES_FAILSAFE_PORTS(
        BY_E,
        NODE,
        22,
        "pre-DNAT ingress to e: goes on, fail-safe port tcp 22"
            + " / ingress to e: allowed by fail-safe port tcp 22",
        HOST,
        policy(PRE_DNAT + "'types':['Ingress'],'ingress':" + DENY)),
    UNTRACKED_BOTH_WAYS(
        BY_E,
        NODE,
        8080,
        "untracked ingress to e: allowed by p, ingress rule 1"
            + " / answer, untracked egress from e: allowed by p, egress rule 1",
        HOST,
        policy(UNTRACKED + "'ingress':" + ALLOW_8080 + ",'egress':" + ANSWER_8080)),
    UNTRACKED_ONE_WAY(
        BY_E,
        NODE,
        8080,
        "untracked ingress to e: allowed by p, ingress rule 1"
            + " / answer, egress from e: denied by it is part of no known…",
        OPEN,
        policy(UNTRACKED + "'types':['Ingress'],'ingress':" + ALLOW_8080)),
    UNTRACKED_ONE_WAY_WITHOUT_INVALID_CHECK(
        BY_E,
        NODE,
        8080,
        "untracked ingress to e: allowed by p, ingress rule 1"
            + " / answer, egress from e: allowed by Profile(…), egress rule 1",
        OPEN,
        "default: {'disableConntrackInvalidCheck':true}",
        policy(UNTRACKED + "'types':['Ingress'],'ingress':" + ALLOW_8080)),
    UNTRACKED_EGRESS_DENIES_THE_ANSWER_OF_WHAT_IS_TRACKED(
        BY_E,
        NODE,
        8080,
        "ingress to e: allowed by Profile(…), ingress rule 1"
            + " / answer, untracked egress from e: denied by p, egress rule 1",
        OPEN,
        policy(UNTRACKED + "'types':['Egress'],'egress':" + DENY)),
    UNTRACKED_INGRESS_DENIES_THE_ANSWER_TO_A_TASK(
        WORKLOAD,
        BY_E,
        8080,
        "egress from task: allowed by Profile(…), egress rule 1"
            + " / forwarded egress by e: goes on, no policy …"
            + " / answer, untracked ingress to e: denied by p, ingress rule 1",
        OPEN,
        policy(UNTRACKED + "'types':['Ingress'],'ingress':" + DENY)),
    UNTRACKED_INGRESS_ALLOWS_THE_ANSWER_WHICH_A_TASK_THEN_TAKES_FOR_NEW(
        CLOSED_TASK,
        BY_E,
        8080,
        "egress from closed: allowed by Profile(out), egress rule 1"
            + " / forwarded egress by e: goes on, no policy …"
            + " / answer, untracked ingress to e: allowed by p, ingress rule 1"
            + " / answer, ingress to closed: denied by nothing allows it",
        OPEN,
        policy(UNTRACKED + "'types':['Ingress'],'ingress':" + ANSWER_8080)),
    UNTRACKED_AND_FORWARDED_WHERE_NO_CHAIN_LOOKS_FOR_WHAT_IS_INVALID(
        BY_E,
        BY_ANOTHER,
        8080,
        "untracked ingress to e: allowed by p, ingress rule 1"
            + " / answer, forwarded egress by e: goes on, no policy …",
        OPEN,
        policy(UNTRACKED + "'types':['Ingress'],'ingress':" + ALLOW_8080)),
    UNTRACKED_LEAVES_FAILSAFE_PORTS(
        BY_E,
        NODE,
        22,
        "untracked ingress to e: goes on, fail-safe port tcp 22"
            + " / ingress to e: allowed by fail-safe port tcp 22",
        HOST,
        policy(UNTRACKED + "'ingress':" + DENY + ",'egress':" + DENY)),
    TO_A_TASK(NODE, WORKLOAD, 8080, "egress to workloads from their node: allowed by no policy:…"),
    OF_A_TASK_DROP(
        WORKLOAD,
        NODE,
        8080,
        "egress from task: allowed by Profile(…), egress rule 1"
            + " / ingress from workloads to their node: denied by DefaultEndpointToHostAction DROP"),
    OF_A_TASK_RETURN(
        WORKLOAD, NODE, 8080, "egress from task: allowed by Profile(…), egress rule 1", RETURN),
    OF_A_TASK_RETURN_TO_THAT_OF_ALL(
        WORKLOAD,
        NODE,
        8080,
        "egress from task: allowed by Profile(…), egress rule 1"
            + " / ingress to a: denied by nothing allows it",
        RETURN,
        HOST,
        ANY_CLOSED),
    OF_A_TASK_ACCEPT(
        WORKLOAD,
        NODE,
        8080,
        "egress from task: allowed by Profile(…), egress rule 1"
            + " / ingress from workloads to their node: allowed by"
            + " DefaultEndpointToHostAction ACCEPT",
        ANY_CLOSED,
        "default: {'defaultEndpointToHostAction':'Accept'}"),
    DAMAGED(
        BY_E,
        NODE,
        8080,
        "ingress to e: denied by it or a policy that may select it is damaged",
        "e: {'interfaceName':'eth0','profiles':17}"),
    BY_EXPECTED_ADDRESS(
        BY_E,
        NODE,
        8080,
        "ingress to e: denied by nothing allows it",
        "e: {'expectedIPs':['192.0.2.11']}");

    private final PacketEnd from;
    private final PacketEnd to;
    private final int port;
    private final String steps;
    private final String[] stored;

    Row(PacketEnd from, PacketEnd to, int port, String steps, String... stored) {
      this.from = from;
      this.to = to;
      this.port = port;
      this.steps = steps;
      this.stored = stored;
    }
  }

  private static void put(Calculation calculation, ResourceKind<?> kind, String name, String spec) {
    String namespaced = kind.namespaced() ? "default/" : "";
    String key = kind.prefix() + namespaced + name;
    String json =
        "{'apiVersion':'projectcalico.org/v3','kind':'"
            + kind.kind()
            + "','metadata':{"
            + (kind.namespaced() ? "'namespace':'default'," : "")
            + (kind.equals(ResourceKind.HOST_ENDPOINT) ? "'labels':{'role':'host'}," : "")
            + "'name':'"
            + name
            + "'},'spec':"
            + spec
            + "}";
    boolean unused = calculation.update(key, new Entry(key, json.replace('\'', '"'), 1));
  }

  private static void task(Calculation calculation, String name, int number, String profile) {
    put(
        calculation,
        ResourceKind.WORKLOAD_ENDPOINT,
        "here-cni-" + name + "-eth0",
        ("{'node':'here','orchestrator':'cni','workload':'%s','endpoint':'eth0',"
                + "'interfaceName':'cali%d','ipNetworks':['10.65.0.%d/32'],'profiles':['%s']}")
            .formatted(name, number, number, profile));
  }

  private static Calculation calculation(Row row) {
    Calculation calculation = new Calculation("here", ValidationFilter.silent(), Set.of());
    put(calculation, ResourceKind.PROFILE, "out", "{'egress':[{'action':'Allow'}]}");
    task(calculation, "task", 1, "projectcalico-default-allow");
    task(calculation, "closed", 2, "out");
    for (String each : row.stored) {
      String name = each.substring(0, each.indexOf(':'));
      String spec = each.substring(each.indexOf('{'));
      if (name.equals("p")) {
        put(calculation, ResourceKind.GLOBAL_NETWORK_POLICY, name, spec);
      } else if (name.equals("default")) {
        put(calculation, ResourceKind.FELIX_CONFIGURATION, name, spec);
      } else {
        put(calculation, ResourceKind.HOST_ENDPOINT, name, "{'node':'here'," + spec.substring(1));
      }
    }
    boolean unused =
        calculation.putInterfaces(
            Set.of(new HostInterface("eth0", Set.of(IpAddress.parse("192.0.2.11")))));
    return calculation;
  }

  /** The answer is an echo reply, and untracked policy sees it as such. */
  @ParameterizedTest
  @CsvSource({"8, false", "0, true"})
  void theAnswerToAPingIsAnotherIcmpType(int type, boolean answered) {
    Calculation calculation = new Calculation("here", ValidationFilter.silent(), Set.of());
    put(calculation, ResourceKind.HOST_ENDPOINT, "e", "{'node':'here','interfaceName':'eth0'}");
    put(
        calculation,
        ResourceKind.GLOBAL_NETWORK_POLICY,
        "p",
        "{'selector':'has(role)',"
            + UNTRACKED
            + "'ingress':[{'action':'Allow'}],"
            + "'egress':[{'action':'Allow','protocol':'ICMP','icmp':{'type':"
            + type
            + "}}]}");
    Packet ping =
        new Packet(
            Protocol.ICMP, IpAddress.parse("192.0.2.50"), 0, IpAddress.parse("192.0.2.11"), 0);
    Trace trace = new NodeTrace(calculation).follow(BY_E, NODE, ping).orElseThrow();
    assertThat(trace.arrives()).isTrue();
    assertThat(trace.answered()).isEqualTo(answered);
  }

  @ParameterizedTest
  @EnumSource(Row.class)
  void everyStepIsNamed(Row row) {
    Packet packet =
        new Packet(
            Protocol.TCP,
            IpAddress.parse("192.0.2.50"),
            49152,
            IpAddress.parse("192.0.2.11"),
            row.port);
    Trace trace = new NodeTrace(calculation(row)).follow(row.from, row.to, packet).orElseThrow();
    String said =
        trace.steps().stream()
            .map(
                step ->
                    step.place()
                        + " "
                        + step.of()
                        + ": "
                        + switch (step.effect()) {
                          case ALLOWED -> "allowed by ";
                          case DENIED -> "denied by ";
                          case GOES_ON -> "goes on, ";
                        }
                        + step.decision().reason())
            .collect(Collectors.joining(" / "))
            .replaceAll("HostEndpoint\\((\\w)\\)", "$1")
            .replace("GlobalNetworkPolicy(p)", "p")
            .replaceAll("WorkloadEndpoint\\(default/here-cni-(\\w+)-eth0\\)", "$1")
            .replace("projectcalico-default-allow", "…")
            .replace("policy with applyOnForward has a say", "policy …")
            .replaceAll("(the end of tier default|no policy:|part of no known)[^/]*", "$1…");
    assertThat(said).isEqualTo(row.steps);
    boolean denied = trace.steps().stream().anyMatch(step -> step.effect() == Step.Effect.DENIED);
    assertThat(trace.allowed()).isNotEqualTo(denied);
  }
}
