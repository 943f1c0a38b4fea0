package io.calico4j.core.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.endpoint.ContainerLiveness.Verdict;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JanitorTest {
  private static final EndpointIdentity POD =
      new EndpointIdentity(
          "calico", new NodeName("host-a"), "default", "cni", "pod-1", new InterfaceName("eth0"));
  private static final ContainerTrace TRACE = new ContainerTrace(POD, "rkt", "/run/netns/pod-1");

  private final List<EndpointIdentity> taken = new ArrayList<>();
  private boolean linked;
  private Verdict verdict = Verdict.GONE;

  private final Janitor janitor =
      new Janitor(
          new Janitor.Reclaimer() {
            @Override
            public boolean isLinked(EndpointIdentity identity) {
              return linked;
            }

            @Override
            public boolean detachIfGone(EndpointIdentity identity, long revision) {
              taken.add(identity);
              return true;
            }
          },
          List.of(
              new ContainerLiveness() {
                @Override
                public String runtime() {
                  return "rkt";
                }

                @Override
                public Verdict of(ContainerTrace trace) {
                  return verdict;
                }
              }));

  private static Resource<WorkloadEndpointSpec> endpoint(
      long revision, Map<String, String> annotations) {
    return new Resource<>(
        ResourceKind.WORKLOAD_ENDPOINT,
        Metadata.named("default", POD.key().name()).withAnnotations(annotations),
        new WorkloadEndpointSpec(
            "cni",
            "host-a",
            null,
            null,
            "pod-1",
            "eth0",
            List.of("10.65.0.1/32"),
            List.of("calico"),
            POD.hostInterface().text(),
            POD.mac(),
            List.of(),
            null,
            List.of(),
            List.of()),
        new com.google.gson.JsonObject(),
        revision);
  }

  private void collect(long revision) throws AttachException {
    collect(endpoint(revision, TRACE.annotations()));
  }

  private void collect(Resource<WorkloadEndpointSpec> endpoint) throws AttachException {
    var unused = janitor.collect(List.of(endpoint));
  }

  @Test
  void twoLooksThatAgreeAreNeeded() throws AttachException {
    collect(7);
    assertThat(taken).isEmpty();
    collect(7);
    assertThat(taken).containsExactly(POD);
  }

  @Test
  void anEndpointWrittenBetweenTheLooksIsAnother() throws AttachException {
    collect(7);
    collect(8);
    assertThat(taken).isEmpty();
    collect(8);
    assertThat(taken).containsExactly(POD);
  }

  @Test
  void aPairInTheKernelMeansALivingSandbox() throws AttachException {
    collect(7);
    linked = true;
    collect(7);
    linked = false;
    collect(7);
    assertThat(taken).isEmpty();
  }

  @Test
  void whatTheOrchestratorKnowsOrCannotTellStays() throws AttachException {
    for (Verdict uncertain : List.of(Verdict.KNOWN, Verdict.UNSURE)) {
      verdict = uncertain;
      collect(7);
      collect(7);
    }
    assertThat(taken).isEmpty();
  }

  @Test
  void endpointsOfOtherToolsAndRuntimesStay() throws AttachException {
    for (Map<String, String> annotations :
        List.of(
            Map.<String, String>of(),
            new ContainerTrace(POD, "", "/run/netns/pod-1").annotations(),
            new ContainerTrace(POD, "mesos", "/run/netns/pod-1").annotations(),
            Map.of("io.calico4j/network", "no name", "io.calico4j/runtime", "rkt"))) {
      collect(endpoint(7, annotations));
      collect(endpoint(7, annotations));
    }
    assertThat(taken).isEmpty();
  }
}
