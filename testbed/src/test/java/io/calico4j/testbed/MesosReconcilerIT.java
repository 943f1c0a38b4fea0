package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.testbed.MesosAgent.Container;
import io.calico4j.testbed.MesosAgent.Owner;
import io.calico4j.testbed.MesosAgentApi.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** calico-node compares its endpoints with the containers of the agent beside it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MesosReconcilerIT {
  private static final String INFO = "{\"name\":\"calico-net\"}";
  private static final int GRACE_SECONDS = 1;
  private static final Pattern FAILED =
      Pattern.compile("calico_mesos_looks_total\\{result=\"failed\"} ([0-9]+)");
  private static final Pattern GOOD =
      Pattern.compile("calico_mesos_looks_total\\{result=\"ok\"} ([0-9]+)");

  private final Path state = Installed.freshState(getClass());
  private final List<Container> others = new ArrayList<>();
  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;
  private MesosAgent agent;
  private Process api;
  private int number;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("agent-a", 11, "64512");
    host.set("CALICO_MESOS_AGENT", "http://127.0.0.1:" + MesosAgentApi.PORT);
    host.set("CALICO_MESOS_SECONDS", "1");
    host.set("CALICO_MESOS_GRACE_SECONDS", Integer.toString(GRACE_SECONDS));
    host.set("CALICO_JANITOR_SECONDS", "0");
    agent = new MesosAgent(host);
    agent.network(
        "{\"name\":\"calico-net\",\"type\":\"calico\",\"ipam\":{\"type\":\"calico-ipam\"}}");
    publish(Mode.WELL);
    api = MesosAgentApi.start(host, state);
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    api.destroyForcibly();
    agent.close();
    testbed.close();
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    for (Container container : agent.containers()) {
      agent.destroy(container.id());
    }
    publish(Mode.WELL);
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  private void publish(Mode mode) throws IOException {
    List<Container> all = new ArrayList<>(agent.containers());
    all.addAll(others);
    MesosAgentApi.publish(state, mode, all);
  }

  private Container launch(String framework, String task) throws IOException {
    Container container =
        agent.launch("5a1d2c3b-task-" + number++, new Owner(framework, task, task), INFO);
    publish(Mode.WELL);
    return container;
  }

  private long looks(Pattern pattern) throws IOException {
    Matcher matcher = pattern.matcher(host.page("/metrics"));
    return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
  }

  /** Waits for so many looks that a container that is gone would have been released. */
  private void awaitLooks(Pattern pattern) throws IOException {
    long before = looks(pattern);
    Await.until("further looks", 30, () -> looks(pattern) > before + GRACE_SECONDS + 1);
  }

  private String handles() throws IOException {
    return etcd.keys("/calico/ipam/v2/handle/").toString();
  }

  @Test
  void calicoctlSaysWhichTaskHasAnAddress() throws Exception {
    Container web = launch("fw-web", "web.1");
    Container db = launch("fw-db", "db.1");
    Container nested =
        agent.launch(db.id() + ".n1", new Owner("fw-db", "db.1", "db.sidecar"), INFO);
    publish(Mode.WELL);
    Await.until(
        "the table shows tasks and addresses",
        30,
        () -> {
          String table = host.calicoctl("", "get", "wep", "-o", "wide").standardOutput();
          return line(table, web, "fw-web +web.1")
              && line(table, db, "fw-db +db.1")
              && line(table, nested, "fw-db +db.sidecar");
        });
    assertThat(host.calicoctl("", "get", "wep", "-o", "yaml").standardOutput())
        .contains("io.calico4j/mesos-agent-id: agent-S0", "io.calico4j/mesos-executor-id: web.1");
    assertThat(host.page("/mesos")).contains("answers");
    assertThat(host.page("/metrics"))
        .contains(
            "calico_containers_attached{runtime=\"mesos\"} 3.0\n",
            "calico_mesos_agent_up 1.0\n",
            "calico_plugin_requests_total{command=\"ADD\",program=\"calico\",result=\"ok\"}");
    assertThat(Files.readString(host.state().resolve("run/mesos-attributes")))
        .isEqualTo("calico:v3;calico_node:agent-a\n");
  }

  private static boolean line(String table, Container container, String ending) {
    return Pattern.compile("(?m)^\\S+ .*" + container.address() + "/32 .*" + ending + "$")
        .matcher(table)
        .find();
  }

  @Test
  void anAgentThatIsAwayOrRecoversReleasesNothingAndLiveContainersStay() throws Exception {
    Container live = launch("fw", "live");
    Container gone = launch("fw", "gone");
    vanish(gone);
    Await.killed(api);
    awaitLooks(FAILED);
    assertThat(handles()).contains(gone.id());

    publish(Mode.RECOVERING);
    api = MesosAgentApi.start(host, state);
    awaitLooks(FAILED);
    publish(Mode.GARBAGE);
    awaitLooks(FAILED);
    assertThat(host.page("/mesos")).as("503 while it is so").isEmpty();
    assertThat(handles()).contains(gone.id(), live.id());

    agent.restart();
    publish(Mode.WELL);
    Await.until("what is gone is released", 30, () -> !handles().contains(gone.id()));
    awaitLooks(GOOD);
    assertThat(handles()).contains(live.id());
    assertThat(PacketProbe.ping(host.namespace(), live.address())).isTrue();
  }

  /** Ends a container of which the agent knows nothing any more, and nobody sends DEL. */
  private void vanish(Container container) throws IOException {
    agent.forget(container.id());
    String unused = Command.of("umount", container.sandbox().path()).mustRun();
    Path directory = agent.root().resolve(container.id());
    String unusedToo = Command.of("rm", "-r", directory.toString()).mustRun();
  }

  @Test
  void afterARebootAllContainersOfBothRoadsAreReleased() throws Exception {
    Container first = launch("fw", "first");
    Container second = launch("fw", "second");
    NetModulesTask old = new NetModulesTask("old-task");
    others.add(old.container());
    publish(Mode.WELL);
    awaitLooks(GOOD);
    assertThat(handles()).contains(first.id(), second.id(), "uid-of-old-task");

    host.killAgent();
    agent.reboot(false);
    old.die();
    others.clear();
    publish(Mode.RECOVERING);
    host.startAgent();
    awaitLooks(FAILED);
    assertThat(handles()).contains(first.id(), second.id(), "uid-of-old-task");
    publish(Mode.WELL);
    Await.until("all is released", 30, () -> handles().equals("[]"));
  }

  @Test
  void addressesOfNetModulesThatNobodyCleansUpAreReleased() throws Exception {
    NetModulesTask live = new NetModulesTask("live-task");
    NetModulesTask dead = new NetModulesTask("dead-task");
    others.add(live.container());
    others.add(dead.container());
    publish(Mode.WELL);
    String unused =
        netModules(
            "allocate",
            "{\"hostname\":\"h\",\"num_ipv4\":2,\"num_ipv6\":0,\"uid\":\"never-isolated\"}");
    dead.die();
    others.remove(1);
    publish(Mode.WELL);
    Await.until("container and addresses are released", 30, () -> !handles().contains("dead-task"));
    Await.until("what nobody took is released", 60, () -> !handles().contains("never-isolated"));
    assertThat(handles()).contains("uid-of-live-task");
    assertThat(PacketProbe.ping(host.namespace(), live.address)).isTrue();
    live.die();
    others.clear();
    publish(Mode.WELL);
    Await.until("the last one is released", 30, () -> handles().equals("[]"));
  }

  private String netModules(String command, String arguments) throws IOException {
    Command.Outcome outcome =
        host.plugin(
            "calico-mesos",
            Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "{\"args\":" + arguments + ",\"command\":\"" + command + "\"}");
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    return outcome.standardOutput();
  }

  /** A container of a Mesos 0.28 agent: allocated and isolated; nobody cleans it up. */
  private final class NetModulesTask {
    private final String id;
    private final String address;
    private final Process process;

    NetModulesTask(String id) throws IOException {
      this.id = id;
      JsonObject allocated =
          JsonParser.parseString(
                  netModules(
                      "allocate",
                      "{\"hostname\":\"h\",\"num_ipv4\":1,\"num_ipv6\":0,\"uid\":\"uid-of-"
                          + id
                          + "\"}"))
              .getAsJsonObject();
      address = allocated.getAsJsonArray("ipv4").get(0).getAsString();
      process = new ProcessBuilder("unshare", "--net", "sleep", "300").start();
      Path its = Path.of("/proc/" + process.pid() + "/ns/net");
      Await.until(
          "the process is in its namespace",
          10,
          () ->
              !Files.readSymbolicLink(its)
                  .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/net"))));
      String unused =
          netModules(
              "isolate",
              "{\"container_id\":\""
                  + id
                  + "\",\"hostname\":\"h\",\"ipv4_addrs\":[\""
                  + address
                  + "\"],\"pid\":"
                  + process.pid()
                  + "}");
    }

    Container container() {
      return new Container(
          id, new Owner("fw-old", "exec", ""), process, Namespace.own(), Map.of("mesos", address));
    }

    void die() throws IOException {
      Await.killed(process);
    }
  }
}
