package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.plugin.PluginRequest;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What depends on the orchestrator that asks: the answer's form and the endpoint's fields. */
class PluginAttachTest {
  private static final String MESOS =
      ",\"args\":{\"org.apache.mesos\":{\"network_info\":{\"name\":\"net\"}}}";

  @RegisterExtension final PluginHost host = new PluginHost();

  private String call(PluginRequest request) throws KernelException {
    try (EndpointService endpoints = host.alone()) {
      return PluginHost.call(host.plugins(endpoints, false), request);
    }
  }

  private JsonObject add(String more) throws KernelException {
    return JsonParser.parseString(
            call(
                PluginHost.cni(
                    "calico",
                    "ADD",
                    Path.of("/usr/lib/cni"),
                    "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"calico\"" + more + "}")))
        .getAsJsonObject();
  }

  private Resource<WorkloadEndpointSpec> endpoint() throws Exception {
    List<Resource<WorkloadEndpointSpec>> all = host.resources.list(ResourceKind.WORKLOAD_ENDPOINT);
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
        PluginHost.netModules(
            "isolate",
            "{\"container_id\":\"web\",\"hostname\":\"a\",\"ipv4_addrs\":[\"10.65.0.9\"],"
                + "\"netgroups\":[],\"pid\":1}"));
    assertThat(endpoint().spec().orchestrator()).isEqualTo("mesos");
    assertThat(endpoint().spec().workload()).isEqualTo("web");
    assertThat(endpoint().spec().containerID()).isEqualTo("web");
  }
}
