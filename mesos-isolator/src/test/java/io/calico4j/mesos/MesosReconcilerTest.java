package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.Janitor;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.testing.MemoryDatastore;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.mesos.v1.Protos;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MesosReconcilerTest {
  private static final long SECOND = 1_000_000_000L;
  private static final String NODE = "host-a";

  private final Datastore datastore = new MemoryDatastore();
  private final ResourceClient resources = new ResourceClient(datastore);
  private final Ipam ipam = new Ipam(datastore, new NodeName(NODE));
  private final Set<EndpointIdentity> linked = new HashSet<>();
  private FakeAgent agent;
  private MesosReconciler reconciler;
  private long now = 17 * SECOND;

  private final Janitor.Reclaimer reclaimer =
      new Janitor.Reclaimer() {
        @Override
        public boolean isLinked(EndpointIdentity identity) {
          return linked.contains(identity);
        }

        @Override
        public boolean detachIfGone(EndpointIdentity identity, long revision) {
          try {
            resources.delete(identity.key());
            return true;
          } catch (io.calico4j.core.datastore.DatastoreException e) {
            throw new IllegalStateException(e);
          }
        }
      };

  private void reconcile(Duration timeout) {
    reconciler =
        new MesosReconciler(
            new AgentApi(new AgentAccess(agent.url("http"), Optional.empty(), "", "", timeout)),
            reclaimer,
            this::endpoints,
            resources,
            ipam,
            Duration.ofSeconds(60),
            () -> now);
  }

  @BeforeEach
  void start() throws Exception {
    agent = new FakeAgent();
    reconcile(Duration.ofSeconds(60));
    var unusedNode =
        resources.create(
            Resource.create(ResourceKind.NODE, Metadata.named(null, NODE), NodeSpec.EMPTY));
    var unusedPool =
        resources.create(
            Resource.create(
                ResourceKind.IP_POOL,
                Metadata.named(null, "pool"),
                new IpPoolSpec(
                    "10.65.0.0/16", null, null, null, null, null, 26, null, null, null, null)));
  }

  @AfterEach
  void stop() {
    agent.close();
  }

  private List<Resource<WorkloadEndpointSpec>> endpoints() {
    try {
      return resources.list(ResourceKind.WORKLOAD_ENDPOINT);
    } catch (io.calico4j.core.datastore.DatastoreException e) {
      throw new IllegalStateException(e);
    }
  }

  private EndpointIdentity endpoint(
      String orchestrator, String runtime, String container, Map<String, String> more)
      throws Exception {
    EndpointIdentity identity =
        new EndpointIdentity(
            "net",
            new NodeName(NODE),
            "default",
            orchestrator,
            container,
            new InterfaceName("eth0"));
    Map<String, String> annotations = new HashMap<>(more);
    annotations.put("io.calico4j/network", "net");
    annotations.put("io.calico4j/runtime", runtime);
    annotations.put("io.calico4j/sandbox", "/proc/7/ns/net");
    boolean cni = orchestrator.equals("cni");
    var unused =
        resources.create(
            Resource.create(
                ResourceKind.WORKLOAD_ENDPOINT,
                Metadata.named("default", identity.key().name()).withAnnotations(annotations),
                new WorkloadEndpointSpec(
                    orchestrator,
                    NODE,
                    cni ? null : container,
                    null,
                    container,
                    "eth0",
                    List.of("10.65.0.9/32"),
                    List.of(),
                    "cali12345678901",
                    null,
                    List.of(),
                    null,
                    List.of(),
                    List.of())));
    return identity;
  }

  private void lookAt(long second) throws Exception {
    now = second * SECOND;
    reconciler.reconcile();
  }

  private List<String> containers() {
    return endpoints().stream().map(e -> String.valueOf(e.spec().containerID())).toList();
  }

  @Test
  void whatTheAgentHasNotListedForTheGracePeriodIsReleased() throws Exception {
    endpoint("cni", "mesos", "gone", Map.of());
    endpoint("cni", "mesos", "listed", Map.of());
    endpoint("cni", "mesos", "pod.nested", Map.of());
    endpoint("cni", "rkt", "a-pod", Map.of());
    linked.add(endpoint("cni", "mesos", "linked", Map.of()));
    agent.containers.add(FakeAgent.container("listed").build());
    agent.containers.add(FakeAgent.container("pod").build());
    agent.containers.add(FakeAgent.container("pod.nested").build());

    lookAt(100);
    lookAt(159);
    assertThat(containers()).contains("gone");
    lookAt(160);
    assertThat(containers()).containsExactlyInAnyOrder("listed", "pod.nested", "a-pod", "linked");
    assertThat(reconciler.released()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(
      value = FakeAgent.Behaviour.class,
      names = {"WELL", "ENDLESS", "NO_LIST"},
      mode = EnumSource.Mode.EXCLUDE)
  void anAgentThatCannotBeAskedReleasesNothingAndTheGraceBeginsAnew(FakeAgent.Behaviour behaviour)
      throws Exception {
    if (behaviour == FakeAgent.Behaviour.SILENT) {
      reconcile(Duration.ofSeconds(3));
    }
    endpoint("cni", "mesos", "gone", Map.of());
    lookAt(100);
    agent.behaviour = behaviour;
    assertThatThrownBy(() -> lookAt(1000)).isInstanceOf(AgentUnavailableException.class);
    agent.behaviour = FakeAgent.Behaviour.WELL;
    lookAt(1001);
    lookAt(1060);
    assertThat(containers()).containsExactly("gone");
    lookAt(1061);
    assertThat(containers()).isEmpty();
  }

  @Test
  void aContainerThatIsListedAgainAndAnEndpointThatIsWrittenBeginAnew() throws Exception {
    endpoint("cni", "mesos", "back", Map.of());
    EndpointIdentity written = endpoint("cni", "mesos", "written", Map.of());
    lookAt(100);
    agent.containers.add(FakeAgent.container("back").build());
    lookAt(130);
    agent.containers.clear();
    Resource<WorkloadEndpointSpec> stored =
        resources
            .get(ResourceKind.WORKLOAD_ENDPOINT, "default", written.key().name())
            .orElseThrow();
    var unused =
        resources.update(
            stored.withMetadata(stored.metadata().withLabels(Map.of("changed", "yes"))));
    lookAt(170);
    assertThat(containers()).containsExactlyInAnyOrder("back", "written");
    lookAt(230);
    assertThat(containers()).isEmpty();
  }

  @Test
  void addressesOfNetModulesGoWithTheirContainerAndThoseNobodyUsedGoLater() throws Exception {
    allocate("uid-1", NetModules.RUNTIME);
    allocate("uid-2", NetModules.RUNTIME);
    allocate("net.other", "else");
    endpoint("mesos", NetModules.RUNTIME, "task", Map.of(NetModules.UID_ANNOTATION, "uid-1"));

    lookAt(100);
    lookAt(160);
    assertThat(containers()).isEmpty();
    assertThat(ipam.handles(""))
        .extracting(HandleId::text)
        .containsExactlyInAnyOrder("uid-2", "net.other");
    lookAt(699);
    assertThat(ipam.handles("")).hasSize(2);
    lookAt(700);
    assertThat(ipam.handles("")).extracting(HandleId::text).containsExactly("net.other");
    assertThat(reconciler.released()).isEqualTo(2);
  }

  private void allocate(String handle, String runtime) throws Exception {
    var unused =
        ipam.assign(
            new AssignRequest(
                AssignRequest.Use.Workload,
                new HandleId(handle),
                1,
                0,
                List.of(),
                List.of(),
                List.of(),
                Map.of("node", NODE, "runtime", runtime)),
            Ipam.FurtherWrites.NONE);
  }

  private Map<String, String> annotations(String container) {
    return endpoints().stream()
        .filter(e -> container.equals(e.spec().containerID()))
        .findFirst()
        .orElseThrow()
        .metadata()
        .annotations();
  }

  private static Protos.Task.Builder task(String id, String framework) {
    return Protos.Task.newBuilder()
        .setName(id)
        .setTaskId(Protos.TaskID.newBuilder().setValue(id))
        .setFrameworkId(Protos.FrameworkID.newBuilder().setValue(framework))
        .setAgentId(Protos.AgentID.newBuilder().setValue("agent-S1"))
        .setState(Protos.TaskState.TASK_RUNNING);
  }

  private static Protos.TaskStatus inContainer(String task, String container) {
    return Protos.TaskStatus.newBuilder()
        .setTaskId(Protos.TaskID.newBuilder().setValue(task))
        .setState(Protos.TaskState.TASK_RUNNING)
        .setContainerStatus(
            Protos.ContainerStatus.newBuilder().setContainerId(FakeAgent.id(container)))
        .build();
  }

  private void listed(String container, String framework, String executor) {
    agent.containers.add(
        FakeAgent.container(container)
            .setFrameworkId(Protos.FrameworkID.newBuilder().setValue(framework))
            .setExecutorId(Protos.ExecutorID.newBuilder().setValue(executor))
            .build());
  }

  @Test
  void endpointsSayWhoseTaskTheyAre() throws Exception {
    endpoint("cni", "mesos", "command", Map.of());
    endpoint("mesos", NetModules.RUNTIME, "young", Map.of());
    endpoint("cni", "mesos", "custom", Map.of());
    endpoint("cni", "mesos", "pod", Map.of());
    endpoint("cni", "mesos", "pod.own", Map.of());
    listed("command", "fw-1", "web.1");
    listed("young", "fw-1", "web.2");
    listed("custom", "fw-2", "exec");
    listed("pod", "fw-2", "default");
    agent.containers.add(FakeAgent.container("pod.own").build());
    agent.containers.add(FakeAgent.container("pod.shared").build());
    agent.tasks.add(task("web.1", "fw-1").addStatuses(inContainer("web.1", "command")).build());
    agent.tasks.add(task("web.2", "fw-1").build());
    agent.tasks.add(
        task("custom-task", "fw-2")
            .setExecutorId(Protos.ExecutorID.newBuilder().setValue("exec"))
            .build());
    agent.tasks.add(task("own", "fw-2").addStatuses(inContainer("own", "pod.own")).build());
    for (String shared : List.of("b", "a")) {
      agent.tasks.add(
          task(shared, "fw-2").addStatuses(inContainer(shared, "pod.shared-" + shared)).build());
    }
    agent.tasks.add(task("web.1", "fw-other").build());

    lookAt(100);
    assertIds("command", "fw-1", "web.1", "web.1");
    assertIds("young", "fw-1", "web.2", "web.2");
    assertIds("custom", "fw-2", "exec", "custom-task");
    assertIds("pod", "fw-2", "default", "a,b");
    assertIds("pod.own", "fw-2", "default", "own");

    List<Long> revisions = endpoints().stream().map(Resource::revision).toList();
    agent.tasks.clear();
    lookAt(101);
    assertIds("command", "fw-1", "web.1", "web.1");
    assertThat(endpoints().stream().map(Resource::revision).toList()).isEqualTo(revisions);
  }

  private void assertIds(String container, String framework, String executor, String tasks) {
    assertThat(annotations(container))
        .containsEntry("io.calico4j/mesos-framework-id", framework)
        .containsEntry("io.calico4j/mesos-executor-id", executor)
        .containsEntry("io.calico4j/mesos-task-ids", tasks)
        .containsEntry("io.calico4j/mesos-agent-id", "agent-S1");
  }
}
