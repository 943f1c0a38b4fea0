package io.calico4j.node;

import static io.calico4j.core.testing.EndpointAssert.assertThatEndpoint;
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
    assertThatEndpoint(endpoint()).isOf("cni", "web").isAnnotated("io.calico4j/runtime", "");
  }

  @Test
  void aMesosAgentFindsTheMembersThatItReads() throws Exception {
    assertThat(add(MESOS).keySet()).contains("ips", "ip4");
    assertThatEndpoint(endpoint()).isOf("cni", "web").isAnnotated("io.calico4j/runtime", "mesos");
  }

  @Test
  void anEndpointOfNetModulesNamesItsWorkload() throws Exception {
    call(
        PluginHost.netModules(
            "isolate",
            "{\"container_id\":\"web\",\"hostname\":\"a\",\"ipv4_addrs\":[\"10.65.0.9\"],"
                + "\"netgroups\":[],\"pid\":1}"));
    assertThatEndpoint(endpoint()).isOf("mesos", "web").hasNetworks("10.65.0.9/32");
  }
}
