package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What Felix reports of endpoints: keys in etcd, and files for plugins. */
class StatusIT extends OneHost {
  private static final String FILES = "/var/run/calico/endpoint-status";
  private static final String HOSTS = "/calico/felix/v1/host/host-a/endpoint/";
  private static final String WORKLOADS = "/calico/felix/v2/no-region/host/host-a/workload/";

  private String value(String key) throws IOException {
    return etcdctl("get", "--print-value-only", key).strip();
  }

  private void awaitStatus(String key, String status) throws IOException {
    Await.until(
        key + " is " + status, 10, () -> value(key).equals("{\"status\":\"" + status + "\"}"));
  }

  private String files() throws IOException {
    return host.command("ls", FILES).mustRun().strip();
  }

  private static String endpoint(String name, String interfaceName) {
    return """
        apiVersion: projectcalico.org/v3
        kind: HostEndpoint
        metadata: {name: %s}
        spec: {node: host-a, interfaceName: %s, profiles: [projectcalico-default-allow]}
        """
        .formatted(name, interfaceName);
  }

  @Test
  void statusOfEndpointsIsInEtcd() throws Exception {
    configureFelix("{endpointReportingEnabled: true, endpointReportingDelay: 100ms}");
    host.namespace().ip("link", "add", "spare0", "type", "veth", "peer", "name", "spare1");
    apply(endpoint("spare", "spare0"));
    apply(endpoint("nowhere", "eth9"));
    awaitStatus(HOSTS + "spare", "down");
    awaitStatus(HOSTS + "nowhere", "error");
    host.namespace().ip("link", "set", "spare0", "up");
    awaitStatus(HOSTS + "spare", "up");
    host.namespace().ip("link", "delete", "spare0");
    awaitStatus(HOSTS + "spare", "error");
    assertThat(host.calicoctl("", "delete", "hostendpoint", "spare", "nowhere").exitCode())
        .isZero();
    Await.until(
        "no key is left", 10, () -> etcdctl("get", "--prefix", "--keys-only", HOSTS).isBlank());

    Workload task = host.start("status-task", Orchestrator.MESOS, "net", Map.of());
    Await.until(
        "the task is up",
        10,
        () -> etcdctl("get", "--prefix", "--print-value-only", WORKLOADS).contains("\"up\""));
    host.delete(task);
    Await.until(
        "its key is gone",
        10,
        () -> etcdctl("get", "--prefix", "--keys-only", WORKLOADS).isBlank());
    configureFelix("{}");
  }

  @Test
  void aFileTellsThatRulesAreInTheKernel() throws Exception {
    Workload task = host.start("file-task", Orchestrator.MESOS, "net", Map.of());
    Await.until("the file is there", 5, () -> files().contains("file-task"));
    String name = files();
    assertThat(name).endsWith(" eth0").contains(" default%2F").hasLineCount(1);
    assertThat(host.command("cat", FILES + "/" + name).mustRun())
        .contains("\"ifaceName\":\"cali", "\"ipv4Nets\":[\"" + task.address() + "/32\"]");

    host.killAgent();
    host.command("touch", FILES + "/cni default%2Fgone eth0").mustRun();
    host.startAgent();
    Await.until("the stale file is gone", 5, () -> files().equals(name));

    configureFelix("{endpointStatusPathPrefix: none}");
    Await.until("there are no files", 5, () -> files().isEmpty());
    configureFelix("{}");
    Await.until("the file is there again", 5, () -> files().equals(name));
    host.delete(task);
    Await.until("it is gone with the task", 5, () -> files().isEmpty());
  }
}
