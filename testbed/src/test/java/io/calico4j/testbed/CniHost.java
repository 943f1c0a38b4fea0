package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A host with a running agent, and what tests of the CNI plugins do with it again and again. */
final class CniHost implements Closeable {
  private final Path state;
  private final List<Namespace> sandboxes = new ArrayList<>();
  private Testbed testbed;
  private TestHost host;

  CniHost(Class<?> test) {
    state = Installed.freshState(test);
  }

  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("host-a", 11, "64512");
    host.startAgent();
  }

  /** Makes a sandbox that is gone when the test class has ended, if not before. */
  Namespace sandbox(String name) throws IOException {
    Namespace sandbox = Namespace.create(name);
    sandboxes.add(sandbox);
    return sandbox;
  }

  TestHost test() {
    return host;
  }

  Path state() {
    return state;
  }

  /** A result that was printed. */
  record Result(JsonObject json) {
    String address(int position) {
      JsonArray ips = json.getAsJsonArray("ips");
      String cidr = ips.get(position).getAsJsonObject().get("address").getAsString();
      return cidr.substring(0, cidr.indexOf('/'));
    }
  }

  void apply(String yaml) throws IOException {
    Command.Outcome applied = host.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  /** Does an ADD that must succeed; quotes of the configuration may be single ones. */
  Result add(Namespace sandbox, Map<String, String> changed, String configuration)
      throws IOException {
    Command.Outcome added = host.cni("ADD", sandbox, changed, configuration.replace('\'', '"'));
    assertThat(added.exitCode()).as(added.output()).isZero();
    return new Result(JsonParser.parseString(added.standardOutput()).getAsJsonObject());
  }

  /** Does a DEL that must succeed, twice. */
  void delete(Namespace sandbox, Map<String, String> changed, String configuration)
      throws IOException {
    for (int i = 0; i < 2; i++) {
      Command.Outcome deleted = host.cni("DEL", sandbox, changed, configuration.replace('\'', '"'));
      assertThat(deleted.exitCode()).as(deleted.output()).isZero();
      assertThat(deleted.standardOutput()).isEmpty();
    }
  }

  String etcd(String prefix) throws IOException {
    return host.etcdctl("get", "--prefix", prefix);
  }

  /** Fails unless neither kernel nor etcd has anything of a workload. */
  void mustBeEmpty() throws IOException {
    host.mustBeClean();
    assertThat(etcd("/calico/ipam/v2/handle/").strip()).isEmpty();
    assertThat(etcd("/calico/resources/v3/projectcalico.org/workloadendpoints/").strip()).isEmpty();
    assertThat(etcd("/calico/ipam/v2/assignment/")).doesNotContain("handle_id");
  }

  @Override
  public void close() throws IOException {
    for (Namespace sandbox : sandboxes) {
      sandbox.delete();
    }
    testbed.close();
  }
}
