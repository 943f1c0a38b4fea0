package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The net-modules road: calico-mesos is called as the module in a Mesos 0.28 agent calls it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NetModulesIT {
  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("agent7", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private Command.Outcome call(String request) throws IOException {
    Map<String, String> environment = new TreeMap<>(System.getenv());
    environment.put("ETCD_AUTHORITY", "192.0.2.2:2379");
    return host.plugin("calico-mesos", environment, request);
  }

  private JsonObject mustCall(String command, String arguments) throws IOException {
    Command.Outcome outcome = call("{\"args\":" + arguments + ",\"command\":\"" + command + "\"}");
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    JsonObject answer = JsonParser.parseString(outcome.standardOutput()).getAsJsonObject();
    assertThat(answer.get("error").isJsonNull()).as(outcome.output()).isTrue();
    return answer;
  }

  private void assertNothingLeft() throws IOException {
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  /** A container as the module starts it: addresses first, then a process, then isolation. */
  private final class Container {
    private final String id;
    private final Namespace sandbox;
    private final Process process;
    private final List<String> addresses = new ArrayList<>();

    Container(String id, String groups, String fixed) throws IOException {
      this.id = id;
      String uid = "uid-of-" + id;
      if (fixed.isEmpty()) {
        mustCall(
                "allocate",
                "{\"hostname\":\"agent7.dc1\",\"num_ipv4\":1,\"num_ipv6\":0,\"netgroups\":"
                    + groups
                    + ",\"uid\":\""
                    + uid
                    + "\"}")
            .getAsJsonArray("ipv4")
            .forEach(a -> addresses.add(a.getAsString()));
      } else {
        JsonObject unused =
            mustCall(
                "reserve",
                "{\"hostname\":\"agent7.dc1\",\"ipv4_addrs\":[\""
                    + fixed
                    + "\"],\"uid\":\""
                    + uid
                    + "\"}");
        addresses.add(fixed);
      }
      sandbox = Namespace.create(id);
      process = new ProcessBuilder(sandbox.enter(List.of("sleep", "300"))).start();
      Await.until(
          "the process is in its namespace",
          10,
          () -> Command.of("ip", "netns", "identify", "" + process.pid()).mustRun().contains(id));
      JsonObject unused =
          mustCall(
              "isolate",
              "{\"container_id\":\""
                  + id
                  + "\",\"hostname\":\"agent7.dc1\",\"ipv4_addrs\":[\""
                  + addresses.get(0)
                  + "\"],\"labels\":[{\"key\":\"rack\",\"value\":\"r12\"},{\"key\":\"flag\"}],"
                  + "\"netgroups\":"
                  + groups
                  + ",\"pid\":"
                  + process.pid()
                  + "}");
    }

    boolean reaches(Container other) throws IOException {
      return PacketProbe.ping(sandbox, other.addresses.get(0));
    }

    /** Releases and cleans up in the module's order: when the processes have ended. */
    void end() throws Exception {
      String release =
          "{\"command\":\"release\",\"args\":{\"ips\":[\"" + addresses.get(0) + "\"]}}";
      assertThat(call(release).standardOutput())
          .contains("IP '" + addresses.get(0) + "' is not released")
          .contains("default/");
      var unusedStatus = process.destroyForcibly().waitFor();
      JsonObject unusedRelease = mustCall("release", "{\"ips\":[\"" + addresses.get(0) + "\"]}");
      sandbox.delete();
      cleanUp();
      cleanUp();
    }

    private void cleanUp() throws IOException {
      JsonObject unused =
          mustCall("cleanup", "{\"container_id\":\"" + id + "\",\"hostname\":\"agent7.dc1\"}");
    }
  }

  @Test
  void membersOfANetgroupReachEachOtherAndNoOneElseDoes() throws Exception {
    Container billing = new Container("billing-1", "[\"billing\"]", "");
    Container fixed = new Container("billing-2", "[\"billing\",\"reports\"]", "10.65.0.99");
    Container web = new Container("web-1", "[\"web\"]", "");

    assertThat(fixed.addresses).containsExactly("10.65.0.99");
    assertThat(billing.reaches(fixed)).isTrue();
    assertThat(fixed.reaches(billing)).isTrue();
    assertThat(web.reaches(billing)).isFalse();
    assertThat(web.reaches(fixed)).isFalse();
    assertThat(host.calicoctl("", "get", "wep", "-o", "yaml").output())
        .contains("rack: r12", "flag: ''", "- billing\n");

    billing.end();
    fixed.end();
    web.end();
    assertNothingLeft();
  }

  @Test
  void publicIsOpenToAllAndNoGroupIsOpenToTheAgentOnly() throws Exception {
    Container open = new Container("open", "[\"public\"]", "");
    Container alone = new Container("alone", "[]", "");
    Container odd = new Container("odd", "[\"Web/Front End\"]", "");
    Container similar = new Container("similar", "[\"Web/Front-End\"]", "");

    assertThat(similar.reaches(open)).isTrue();
    assertThat(open.reaches(alone)).isFalse();
    assertThat(alone.reaches(open)).isFalse();
    assertThat(similar.reaches(odd)).isFalse();
    assertThat(PacketProbe.ping(host.namespace(), alone.addresses.get(0))).isTrue();

    for (Container container : List.of(open, alone, odd, similar)) {
      container.end();
    }
    assertNothingLeft();
  }

  @Test
  void aLabelAsksForAddressesAndATakenOneIsRefused() throws Exception {
    String fixed =
        "\"hostname\":\"h\",\"num_ipv4\":2,\"num_ipv6\":0,"
            + "\"labels\":[{\"key\":\"ipv4_addrs\",\"value\":\"['10.65.0.77']\"}]";
    JsonObject answer = mustCall("allocate", "{" + fixed + ",\"uid\":\"first\"}");
    assertThat(answer.getAsJsonArray("ipv4")).hasSize(2);
    assertThat(answer.getAsJsonArray("ipv4").get(1).getAsString()).isEqualTo("10.65.0.77");
    for (String request :
        List.of(
            "{\"command\":\"allocate\",\"args\":{" + fixed + ",\"uid\":\"second\"}}",
            "{\"command\":\"reserve\",\"args\":{\"hostname\":\"h\",\"uid\":\"third\","
                + "\"ipv4_addrs\":[\"10.65.0.78\",\"10.65.0.77\"]}}")) {
      assertThat(call(request).standardOutput())
          .isEqualToIgnoringNewLines("{\"error\":\"IP '10.65.0.77' already in use.\"}");
    }
    assertThat(host.page("/metrics"))
        .contains(
            "{command=\"allocate\",program=\"calico-mesos\",result=\"ipam\"}",
            "{command=\"reserve\",program=\"calico-mesos\",result=\"ipam\"}");
    JsonObject unused = mustCall("release", "{\"uid\":\"first\"}");
    assertNothingLeft();
  }

  @Test
  void cleanupReleasesAllAlsoWhenNothingWasReleasedBefore() throws Exception {
    Container task = new Container("alone-again", "[\"billing\"]", "");
    assertThat(etcd.keys("/calico/ipam/v2/handle/").toString()).contains("uid-of-alone-again");
    task.process.destroyForcibly();
    task.sandbox.delete();
    task.cleanUp();
    task.cleanUp();
    assertNothingLeft();
  }

  @Test
  void aConfiguredContainerIsNotTakenOverByAnotherProcess() throws Exception {
    Container task = new Container("configured", "[]", "");
    String isolate =
        "{\"command\":\"isolate\",\"args\":{\"container_id\":\"configured\",\"hostname\":"
            + "\"agent7.dc1\",\"ipv4_addrs\":[\""
            + task.addresses.get(0)
            + "\"],\"pid\":%d}}";
    assertThat(call(isolate.formatted(task.process.pid())).exitCode()).isZero();
    Process thief = new ProcessBuilder("unshare", "--net", "sleep", "300").start();
    Path its = Path.of("/proc/" + thief.pid() + "/ns/net");
    Await.until(
        "another process is in its namespace",
        10,
        () ->
            !Files.readSymbolicLink(its)
                .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/net"))));
    assertThat(call(isolate.formatted(thief.pid())).standardOutput())
        .isEqualToIgnoringNewLines(
            "{\"error\":\"This container has already been configured with Calico Networking.\"}");
    thief.destroyForcibly();
    assertThat(PacketProbe.ping(host.namespace(), task.addresses.get(0))).isTrue();
    task.end();
    assertNothingLeft();
  }

  @Test
  void bothFamiliesAreCountedAndIsolated() throws Exception {
    Command.Outcome pool =
        host.calicoctl(
            "{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: six},"
                + " spec: {cidr: 'fd65::/64'}}",
            "apply",
            "-f",
            "-");
    assertThat(pool.exitCode()).as(pool.output()).isZero();
    JsonObject answer =
        mustCall("allocate", "{\"hostname\":\"h\",\"num_ipv4\":1,\"num_ipv6\":2,\"uid\":\"dual\"}");
    assertThat(answer.getAsJsonArray("ipv4")).hasSize(1);
    assertThat(answer.getAsJsonArray("ipv6")).hasSize(2);
    Namespace sandbox = Namespace.create("dual");
    Process process = new ProcessBuilder(sandbox.enter(List.of("sleep", "300"))).start();
    Await.until(
        "the process is in its namespace",
        10,
        () -> Command.of("ip", "netns", "identify", "" + process.pid()).mustRun().contains("dual"));
    JsonObject unused =
        mustCall(
            "isolate",
            "{\"container_id\":\"dual\",\"hostname\":\"h\",\"ipv4_addrs\":"
                + answer.get("ipv4")
                + ",\"ipv6_addrs\":"
                + answer.get("ipv6")
                + ",\"pid\":"
                + process.pid()
                + "}");
    for (com.google.gson.JsonElement address : answer.getAsJsonArray("ipv6")) {
      assertThat(PacketProbe.ping(host.namespace(), address.getAsString())).isTrue();
    }
    process.destroyForcibly();
    sandbox.delete();
    JsonObject unusedCleanup =
        mustCall("cleanup", "{\"container_id\":\"dual\",\"hostname\":\"h\"}");
    assertNothingLeft();
  }

  @Test
  void whatWasAllocatedAndNeverUsedIsReleasedByItsUid() throws Exception {
    String uid = "{\"uid\":\"forgotten\"}";
    JsonObject answer =
        mustCall(
            "allocate", "{\"hostname\":\"\",\"num_ipv4\":3,\"num_ipv6\":0,\"uid\":\"forgotten\"}");
    assertThat(answer.getAsJsonArray("ipv4")).hasSize(3);
    assertThat(answer.getAsJsonArray("ipv6")).isEmpty();
    JsonObject unusedFirst = mustCall("release", uid);
    JsonObject unusedAgain = mustCall("release", uid);
    assertNothingLeft();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{|The request is no valid JSON",
        "[]|The request is no JSON object",
        "{}|Missing command",
        "{'command':'isolate'}|Missing args",
        "{'command':'explode','args':{}}|Unknown command: explode",
        "{'command':'allocate','args':{'hostname':'h','num_ipv6':0,'uid':'u'}}|Missing num_ipv4",
        "{'command':'allocate','args':{'hostname':'h','num_ipv4':1,'uid':'u'}}|Missing num_ipv6",
        "{'command':'allocate','args':{'hostname':'h','num_ipv4':1,'num_ipv6':0}}|Missing uid",
        "{'command':'allocate','args':{'num_ipv4':1,'num_ipv6':0,'uid':'u'}}|Missing hostname",
        "{'command':'allocate','args':{'hostname':'h','num_ipv4':'x','num_ipv6':0,'uid':'u'}}"
            + "|num_ipv4 must be an integer",
        "{'command':'allocate','args':{'hostname':'h','num_ipv4':1,'num_ipv6':0,'uid':7}}"
            + "|uid must be a string",
        "{'command':'allocate','args':{'hostname':'h','num_ipv4':1,'num_ipv6':0,'uid':'a/b'}}"
            + "|uid must be 1 to 253 letters, digits or _.-",
        "{'command':'release','args':{'uid':'a\\nb'}}|uid must be 1 to 253 letters",
        "{'command':'isolate','args':{'container_id':'c','hostname':'h','pid':1,"
            + "'ipv4_addrs':['10.65.0.1'],'labels':[{'key':'projectcalico.org/profiles','value':'x'}]}}"
            + "|netgroups and addresses do",
        "{'command':'isolate','args':{'container_id':'c','hostname':'h','pid':1,"
            + "'ipv4_addrs':['10.65.0.1'],'labels':[{'key':'pcns.team','value':'x'}]}}|is reserved",
        "{'command':'allocate','args':{'hostname':'h','num_ipv4':-1,'num_ipv6':0,'uid':'u'}}"
            + "|num_ipv4",
        "{'command':'reserve','args':{'hostname':'h','uid':'u'}}"
            + "|Must provide at least one IPv4 or IPv6 address.",
        "{'command':'reserve','args':{'hostname':'h','uid':'u','ipv4_addrs':['fd00::1']}}"
            + "|IPv6 address must not be placed in IPv4 address field.",
        "{'command':'reserve','args':{'hostname':'h','uid':'u','ipv6_addrs':['10.0.0.1']}}"
            + "|IPv4 address must not be placed in IPv6 address field.",
        "{'command':'reserve','args':{'hostname':'h','uid':'u','ipv4_addrs':['10.99.9.9']}}"
            + "|10.99.9.9",
        "{'command':'release','args':{}}|Must supply either uid or ips.",
        "{'command':'release','args':{'uid':'u','ips':[]}}|Supply either uid or ips, not both.",
        "{'command':'release','args':{'ips':['nonsense']}}"
            + "|IP address could not be parsed: nonsense",
        "{'command':'isolate','args':{'hostname':'h','pid':1,'ipv4_addrs':['10.65.0.1']}}"
            + "|Missing container_id",
        "{'command':'isolate','args':{'container_id':'c','pid':1,'ipv4_addrs':['10.65.0.1']}}"
            + "|Missing hostname",
        "{'command':'isolate','args':{'container_id':'c','hostname':'','pid':1,"
            + "'ipv4_addrs':['10.65.0.1']}}|Missing hostname",
        "{'command':'isolate','args':{'container_id':'c','hostname':'h'}}|Missing pid",
        "{'command':'isolate','args':{'container_id':'c','hostname':'h','pid':1}}"
            + "|Must provide at least one IPv4 or IPv6 address.",
        "{'command':'isolate','args':{'container_id':'c','hostname':'h','pid':1,"
            + "'ipv4_addrs':['10.65.0.1'],'netgroups':'web'}}|Must provide list of netgroups.",
        "{'command':'isolate','args':{'container_id':'c','hostname':'h','pid':999999999,"
            + "'ipv4_addrs':['10.65.0.1']}}|999999999",
        "{'command':'cleanup','args':{'hostname':'h'}}|Missing container_id",
      })
  void aRequestThatCannotBeServedSaysWhy(String request, String text) throws Exception {
    Command.Outcome outcome = call(request.replace('\'', '"'));
    assertThat(outcome.exitCode()).isEqualTo(1);
    JsonObject answer = JsonParser.parseString(outcome.standardOutput()).getAsJsonObject();
    assertThat(answer.get("error").getAsString()).contains(text);
    assertNothingLeft();
  }
}
