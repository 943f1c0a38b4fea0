package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeName;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.calico4j.core.testing.MemoryDatastore;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What depends on the orchestrator that asks: the answer's form and the endpoint's fields. */
class PluginAttachTest {
  private static final String MESOS =
      ",\"args\":{\"org.apache.mesos\":{\"network_info\":{\"name\":\"net\"}}}";

  private final MemoryDatastore datastore = new MemoryDatastore();
  private final ResourceClient resources = new ResourceClient(datastore);
  private final FakeKernel kernel = new FakeKernel();
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));

  @BeforeEach
  void makePool() throws Exception {
    NodeSpec node =
        new NodeSpec(
            new NodeSpec.Bgp(null, "192.0.2.11/24", null, null, null),
            null,
            null,
            null,
            null,
            List.of());
    resources.create(Resource.create(ResourceKind.NODE, Metadata.named(null, "host-a"), node));
    resources.create(
        Resource.create(
            ResourceKind.IP_POOL,
            Metadata.named(null, "pool"),
            new IpPoolSpec(
                "10.65.0.0/16", null, null, null, null, null, null, null, null, null, null)));
  }

  @AfterEach
  void close() {
    ipam.close();
    datastore.close();
  }

  private String call(PluginRequest request) throws KernelException {
    try (EndpointService endpoints =
        new EndpointService(
            datastore,
            kernel,
            FailingDatastore.programmed(),
            ipam,
            EndpointSettings.forSingleRequest(() -> 1500),
            EndpointStep.Observer.NONE)) {
      PluginHandler handler =
          Plugins.of(endpoints, ipam, kernel, resources, false).get(request.program());
      PluginResponse response = handler.handle(request);
      assertThat(response.exitCode()).as(response.standardOutput()).isZero();
      return response.standardOutput();
    }
  }

  private JsonObject add(String more) throws KernelException {
    return JsonParser.parseString(
            call(
                new PluginRequest(
                    "calico",
                    Map.of(
                        "CNI_COMMAND", "ADD",
                        "CNI_CONTAINERID", "web",
                        "CNI_IFNAME", "eth0",
                        "CNI_NETNS", "/run/netns/web"),
                    "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"calico\"" + more + "}",
                    0)))
        .getAsJsonObject();
  }

  private Resource<WorkloadEndpointSpec> endpoint() throws Exception {
    List<Resource<WorkloadEndpointSpec>> all = resources.list(ResourceKind.WORKLOAD_ENDPOINT);
    assertThat(all).hasSize(1);
    return all.get(0);
  }

  @Test
  void aPlainRequestIsServedByTheLastMapper() throws Exception {
    assertThat(add("").keySet()).contains("ips").doesNotContain("ip4");
    assertThat(endpoint().metadata().annotations()).containsEntry("io.calico4j/runtime", "");
    assertThat(endpoint().spec().orchestrator()).isEqualTo("cni");
    assertThat(endpoint().spec().workload()).isNull();
    assertThat(endpoint().spec().containerID()).isEqualTo("web");
  }

  @Test
  void aMesosAgentFindsTheMembersThatItReads() throws Exception {
    assertThat(add(MESOS).keySet()).contains("ips", "ip4");
    assertThat(endpoint().metadata().annotations()).containsEntry("io.calico4j/runtime", "mesos");
    assertThat(endpoint().spec().orchestrator()).isEqualTo("cni");
    assertThat(endpoint().spec().workload()).isNull();
  }

  @Test
  void anEndpointOfNetModulesNamesItsWorkload() throws Exception {
    call(
        new PluginRequest(
            "calico-mesos",
            Map.of(),
            "{\"command\":\"isolate\",\"args\":{\"container_id\":\"web\",\"hostname\":\"a\","
                + "\"ipv4_addrs\":[\"10.65.0.9\"],\"netgroups\":[],\"pid\":1}}",
            -1));
    assertThat(endpoint().spec().orchestrator()).isEqualTo("mesos");
    assertThat(endpoint().spec().workload()).isEqualTo("web");
    assertThat(endpoint().spec().containerID()).isEqualTo("web");
  }
}
