package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.calico4j.core.endpoint.EndpointStep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes wrong, on two hosts with one etcd: bad requests, dead agents, a dead etcd. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FaultsIT {
  /** A launcher's answer must come within this time, whatever is broken. */
  private static final int BOUND_SECONDS = 90;

  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"calico\",\"type\":\"calico\"}";

  private static final Map<String, String> NO_CONTAINER =
      Map.of("CNI_CONTAINERID", "", "CNI_NETNS", "", "CNI_IFNAME", "");

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;
  private TestHost second;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("faulty", 11, "64512");
    second = testbed.addHost("second", 12, "64512");
    host.startFaultyAgent();
    second.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private void assertNothingLeft() throws IOException {
    host.mustBeClean();
    second.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  private Command.Outcome cni(String command, Namespace sandbox) throws IOException {
    return host.cni(command, sandbox, Map.of(), CONFIGURATION);
  }

  private static void assertGood(Command.Outcome outcome) {
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
  }

  /** Returns the command that does a step. A new step does not compile until it has its row. */
  private static String commandOf(EndpointStep step) {
    return switch (step) {
      case SANDBOX_CHECKED,
          PROFILE_ENSURED,
          VETH_CREATED,
          SANDBOX_PREPARED,
          REGISTERED,
          SANDBOX_ADDRESSED,
          ROUTED,
          POLICY_PROGRAMMED ->
          "ADD";
      case LINK_REMOVED, UNREGISTERED -> "DEL";
    };
  }

  @ParameterizedTest
  @EnumSource(EndpointStep.class)
  void anAgentThatDiesAfterAnyStepLeavesNothingThatDelAndGcDoNotTakeBack(EndpointStep step)
      throws Exception {
    String command = commandOf(step);
    Namespace sandbox = Namespace.create("die-" + step.ordinal());
    if (step == EndpointStep.PROFILE_ENSURED) {
      etcd.ctl("del", "/calico/resources/v3/projectcalico.org/profiles/calico");
    }
    if (command.equals("DEL")) {
      assertGood(cni("ADD", sandbox));
    }
    host.fault().set(step, Fault.Effect.DIE);
    // No agent comes back in time: the launcher has the request done alone.
    assertGood(cni(command, sandbox));
    assertThat(host.fault().isReached()).isTrue();
    host.fault().clear();
    host.startFaultyAgent();

    assertGood(cni("DEL", sandbox));
    String nothingIsValid =
        "{\"cniVersion\":\"1.1.0\",\"name\":\"calico\",\"type\":\"calico\","
            + "\"cni.dev/valid-attachments\":[]}";
    assertGood(host.cni("GC", sandbox, NO_CONTAINER, nothingIsValid));
    assertNothingLeft();
    Command.Outcome added = cni("ADD", sandbox);
    assertGood(added);
    String address = TestHost.address(added.standardOutput());
    assertThat(PacketProbe.ping(host.namespace(), address)).isTrue();
    assertThat(sandbox.ip("-o", "-4", "address", "show", "dev", "eth0").lines())
        .singleElement()
        .satisfies(line -> assertThat(line).contains(address + "/32"));
    assertThat(host.workloadRoutes())
        .singleElement()
        .satisfies(route -> assertThat(route).startsWith(address + " "));
    assertThat(etcd.keys("/calico/ipam/v2/handle/")).hasSize(1);
    assertThat(assignedAddresses()).isEqualTo(1);
    assertGood(cni("DEL", sandbox));
    sandbox.delete();
    assertNothingLeft();
  }

  private long assignedAddresses() throws IOException {
    String blocks =
        etcd.ctl("get", "--prefix", "--print-value-only", "/calico/ipam/v2/assignment/");
    long assigned = 0;
    for (String line : blocks.lines().filter(l -> !l.isBlank()).toList()) {
      for (JsonElement attribute :
          JsonParser.parseString(line).getAsJsonObject().getAsJsonArray("allocations")) {
        assigned += attribute.isJsonNull() ? 0 : 1;
      }
    }
    return assigned;
  }

  @ParameterizedTest
  @EnumSource(
      value = EndpointStep.class,
      names = {"SANDBOX_CHECKED", "VETH_CREATED", "REGISTERED", "POLICY_PROGRAMMED"})
  void anAddWhoseCallerIsKilledIsTakenBackByTheDelThatFollows(EndpointStep step) throws Exception {
    Namespace sandbox = Namespace.create("caller-" + step.ordinal());
    host.fault().set(step, Fault.Effect.WAIT);
    Process caller = host.startCni("ADD", sandbox, CONFIGURATION);
    host.fault().awaitReached();
    caller.destroy();
    assertThat(caller.waitFor()).isEqualTo(128 + 15);
    CompletableFuture<Command.Outcome> deleting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return cni("DEL", sandbox);
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    host.fault().clear();
    assertGood(deleting.get(BOUND_SECONDS, TimeUnit.SECONDS));
    assertNothingLeft();
    sandbox.delete();
  }

  static Stream<EndpointStep> stepsOfAdd() {
    return Stream.of(EndpointStep.values()).filter(step -> commandOf(step).equals("ADD"));
  }

  @ParameterizedTest
  @MethodSource("stepsOfAdd")
  void anEtcdThatVanishesAtAnyStepOfAddIsAnsweredInTimeAndNothingStays(EndpointStep step)
      throws Exception {
    Namespace sandbox = Namespace.create("etcd-" + step.ordinal());
    host.fault().set(step, Fault.Effect.WAIT);
    CompletableFuture<Command.Outcome> adding =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return cni("ADD", sandbox);
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    host.fault().awaitReached();
    etcd.kill();
    host.fault().clear();
    Command.Outcome outcome;
    try {
      outcome = adding.get(BOUND_SECONDS, TimeUnit.SECONDS);
    } finally {
      etcd.start();
    }
    if (outcome.exitCode() != 0) {
      assertThat(outcome.standardOutput()).contains("\"code\":11");
      assertNothingLeft();
    }
    assertGood(cni("ADD", sandbox));
    assertGood(cni("DEL", sandbox));
    sandbox.delete();
    assertNothingLeft();
  }

  @Test
  void anAddWithoutAnyEtcdFailsInTimeAndADelledOneIsRepeatable() throws Exception {
    Namespace sandbox = Namespace.create("no-etcd");
    etcd.pause();
    long start = System.nanoTime();
    Command.Outcome add = cni("ADD", sandbox);
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
    Command.Outcome status =
        host.cni("STATUS", sandbox, Map.of(), CONFIGURATION.replace("0.4.0", "1.1.0"));
    etcd.resume();
    assertThat(status.standardOutput()).contains("\"code\":50").contains("etcd");
    assertThat(add.exitCode()).isEqualTo(1);
    assertThat(add.standardOutput()).contains("\"code\":11").contains("etcd");
    assertThat(seconds).isLessThan(BOUND_SECONDS);
    assertNothingLeft();
    assertGood(cni("DEL", sandbox));
    sandbox.delete();
  }

  private static Arguments bad(
      String what, Map<String, String> changed, String json, int code, String text) {
    return Arguments.of(what, changed, json, code, text);
  }

  static Stream<Arguments> badRequests() {
    String valid = CONFIGURATION;
    return Stream.of(
        bad("no JSON", Map.of(), "{\"name\":", 6, "no valid JSON"),
        bad("a list", Map.of(), "[]", 6, "no JSON object"),
        bad("nothing", Map.of(), "", 6, "standard input is empty"),
        bad(
            "an unknown version",
            Map.of(),
            "{\"cniVersion\":\"9.9.9\",\"name\":\"n\",\"type\":\"calico\"}",
            1,
            "9.9.9"),
        bad(
            "no name",
            Map.of(),
            "{\"cniVersion\":\"0.4.0\",\"type\":\"calico\"}",
            7,
            "no network name"),
        bad(
            "a hostile network name",
            Map.of(),
            "{\"cniVersion\":\"0.4.0\",\"name\":\"../../etc\",\"type\":\"calico\"}",
            7,
            "../../etc"),
        bad("a missing netns", Map.of("CNI_NETNS", "/run/netns/nowhere"), valid, 101, "nowhere"),
        bad("a netns that is none", Map.of("CNI_NETNS", "/etc/hostname"), valid, 101, "hostname"),
        bad("no netns", Map.of("CNI_NETNS", ""), valid, 4, "CNI_NETNS"),
        bad("an unknown command", Map.of("CNI_COMMAND", "FROB"), valid, 4, "FROB"),
        bad("a long id", Map.of("CNI_CONTAINERID", "x".repeat(400)), valid, 4, "CNI_CONTAINERID"),
        bad("a hostile id", Map.of("CNI_CONTAINERID", "a/../b"), valid, 4, "a/../b"),
        bad("a long interface", Map.of("CNI_IFNAME", "eth0123456789abc"), valid, 4, "CNI_IFNAME"),
        bad("a hostile interface", Map.of("CNI_IFNAME", "a b;drop"), valid, 4, "CNI_IFNAME"),
        bad("bad arguments", Map.of("CNI_ARGS", "IP"), valid, 4, "CNI_ARGS"),
        bad("no address", Map.of("CNI_ARGS", "IP=10.65.0.999"), valid, 4, "10.65.0.999"),
        bad("an address elsewhere", Map.of("CNI_ARGS", "IP=10.99.0.1"), valid, 100, "10.99.0.1"),
        bad(
            "an unknown pool",
            Map.of(),
            "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"type\":\"calico\",\"ipam\":"
                + "{\"type\":\"calico-ipam\",\"ipv4_pools\":[\"huge\"]}}",
            100,
            "huge"),
        bad(
            "an unknown ipam",
            Map.of(),
            "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"type\":\"calico\",\"ipam\":"
                + "{\"type\":\"magic\"}}",
            7,
            "magic"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badRequests")
  void aBadRequestIsNamedAndLeavesNothing(
      String what, Map<String, String> changed, String json, int code, String text)
      throws Exception {
    Namespace sandbox = Namespace.create("bad");
    Command.Outcome outcome = second.cni("ADD", sandbox, changed, json);
    sandbox.delete();
    assertThat(outcome.exitCode()).as(what).isEqualTo(1);
    assertThat(outcome.standardOutput()).contains("\"code\":" + code).contains(text);
    assertNothingLeft();
  }

  @Test
  void anInterfaceThatIsTakenIsNotTouched() throws Exception {
    Namespace sandbox = Namespace.create("taken");
    sandbox.ip("link", "add", "eth0", "type", "bridge");
    Command.Outcome outcome = cni("ADD", sandbox);
    assertThat(outcome.standardOutput()).contains("\"code\":101").contains("eth0 exists already");
    assertThat(sandbox.ip("link", "show", "eth0")).contains("eth0");
    sandbox.delete();
    assertNothingLeft();
  }

  @Test
  void addAndDelMayBeRepeatedAndDelNeedsNoAdd() throws Exception {
    Namespace sandbox = Namespace.create("repeat");
    assertGood(cni("DEL", sandbox));
    Command.Outcome first = cni("ADD", sandbox);
    assertGood(first);
    Command.Outcome again = cni("ADD", sandbox);
    assertGood(again);
    assertThat(again.output()).isEqualTo(first.output());
    assertGood(cni("DEL", sandbox));
    assertGood(cni("DEL", sandbox));
    sandbox.delete();
    assertGood(cni("DEL", sandbox));
    assertNothingLeft();
  }

  @Test
  void anAddAfterThePairIsGoneGivesTheSandboxTheAddressThatIsRegistered() throws Exception {
    Namespace sandbox = Namespace.create("anew");
    Command.Outcome first = cni("ADD", sandbox);
    assertGood(first);
    sandbox.ip("link", "del", "eth0");
    Command.Outcome again = cni("ADD", sandbox);
    assertGood(again);
    String address = TestHost.address(again.standardOutput());
    assertThat(address).isEqualTo(TestHost.address(first.standardOutput()));
    assertThat(sandbox.ip("-4", "-o", "address", "show", "dev", "eth0").lines())
        .singleElement()
        .asString()
        .contains(" " + address + "/32 ");
    assertThat(host.namespace().ip("route", "show")).contains(address + " dev cali");
    assertGood(cni("DEL", sandbox));
    sandbox.delete();
    assertNothingLeft();
  }

  @Test
  void twoAgentsRaceForTheLastAddressAndAnExhaustedPoolSaysSo() throws Exception {
    Command.Outcome applied =
        host.calicoctl(
            """
            apiVersion: projectcalico.org/v3
            kind: IPPool
            metadata: {name: tiny}
            spec: {cidr: 10.70.0.0/32, blockSize: 32, nodeSelector: "!all()"}
            """,
            "apply",
            "-f",
            "-");
    assertGood(applied);
    String json =
        "{\"cniVersion\":\"0.4.0\",\"name\":\"race\",\"type\":\"calico\",\"ipam\":"
            + "{\"type\":\"calico-ipam\",\"ipv4_pools\":[\"tiny\"]}}";
    for (int round = 0; round < 5; round++) {
      Namespace here = Namespace.create("race-a");
      Namespace there = Namespace.create("race-b");
      List<CompletableFuture<Command.Outcome>> racers = new ArrayList<>();
      for (TestHost racer : List.of(host, second)) {
        racers.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return racer.cni("ADD", racer == host ? here : there, Map.of(), json);
                  } catch (IOException e) {
                    throw new IllegalStateException(e);
                  }
                }));
      }
      List<Command.Outcome> outcomes = new ArrayList<>();
      for (CompletableFuture<Command.Outcome> racer : racers) {
        outcomes.add(racer.get(BOUND_SECONDS, TimeUnit.SECONDS));
      }
      assertThat(outcomes).filteredOn(o -> o.exitCode() == 0).hasSize(1);
      assertThat(outcomes)
          .filteredOn(o -> o.exitCode() == 1)
          .singleElement()
          .satisfies(o -> assertThat(o.standardOutput()).contains("\"code\":100").contains("tiny"));
      assertGood(host.cni("DEL", here, Map.of(), json));
      assertGood(second.cni("DEL", there, Map.of(), json));
      here.delete();
      there.delete();
      assertNothingLeft();
    }
    assertGood(host.calicoctl("", "delete", "ippool", "tiny"));
  }

  @Test
  void withoutAnAgentThePluginWorksAloneAndPolicyHolds() throws Exception {
    second.killAgent();
    Namespace a = Namespace.create("alone-a");
    Namespace b = Namespace.create("alone-b");
    Namespace other = Namespace.create("alone-c");
    Command.Outcome added = second.cni("ADD", a, Map.of(), CONFIGURATION);
    assertGood(added);
    Command.Outcome addedB = second.cni("ADD", b, Map.of(), CONFIGURATION);
    assertGood(addedB);
    String elsewhere = CONFIGURATION.replace("\"calico\",\"type\"", "\"elsewhere\",\"type\"");
    assertGood(second.cni("ADD", other, Map.of(), elsewhere));
    String address = TestHost.address(addedB.standardOutput());
    assertThat(PacketProbe.ping(a, address)).isTrue();
    assertThat(PacketProbe.ping(other, address)).isFalse();
    String checked =
        CONFIGURATION.replace("}", ",\"prevResult\":" + added.standardOutput().strip() + "}");
    assertGood(second.cni("CHECK", a, Map.of(), checked));
    assertGood(second.cni("DEL", a, Map.of(), CONFIGURATION));
    assertGood(second.cni("DEL", a, Map.of(), CONFIGURATION));

    second.startAgent();
    assertThat(PacketProbe.ping(second.namespace(), address)).isTrue();
    assertThat(PacketProbe.ping(other, address)).isFalse();
    assertGood(second.cni("DEL", b, Map.of(), CONFIGURATION));
    assertGood(second.cni("DEL", other, Map.of(), elsewhere));
    for (Namespace sandbox : List.of(a, b, other)) {
      sandbox.delete();
    }
    assertNothingLeft();
  }
}
