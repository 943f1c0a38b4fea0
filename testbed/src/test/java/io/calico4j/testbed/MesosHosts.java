package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.testbed.MesosAgent.Container;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Two hosts with a Mesos agent each, one etcd, and three networks. */
final class MesosHosts implements Closeable {
  private static final String IPAM = ",'ipam':{'type':'calico-ipam'}";

  /** Configuration files as an operator writes them. */
  static final List<String> NETWORKS =
      List.of(
          "{'name':'calico-net','type':'calico','allowed_requests':{"
              + "'profiles':['ops'],'groups':['shared','prod','Web/*'],'namespaces':['prod'],"
              + "'addresses':['10.65.0.0/16','10.99.0.0/16','fd65::/64'],'floating_ips':['10.200.0.0/24'],"
              + "'source_prefixes':['10.9.0.0/16']}"
              + IPAM
              + "}",
          "{'name':'net-b','type':'calico','cniVersion':'0.3.1','args':{'mine':1},"
              + "'allowed_requests':{'groups':['shared'],'addresses':['10.65.77.0/24']}"
              + IPAM
              + "}",
          "{'name':'mapped','type':'mesos-cni-port-mapper','chain':'MESOS',"
              + "'excludeDevices':['x'],'delegate':{'type':'calico'"
              + IPAM
              + "}}");

  private static final String ID = "5a1d2c3b-0000-4f0b-8a86-6f6f5d1a2b3";

  private final Testbed testbed;
  private final EtcdProcess etcd;
  private final TestHost host;
  private final TestHost other;
  private final MesosAgent agent;
  private final MesosAgent otherAgent;
  private int number;

  MesosHosts(Path state) throws IOException {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("agent-a", 11, "64512");
    other = testbed.addHost("agent-b", 12, "64512");
    host.startAgent();
    other.startAgent();
    agent = agent(host);
    otherAgent = agent(other);
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd65::/64", natOutgoing: false}
        """);
  }

  private static MesosAgent agent(TestHost on) throws IOException {
    MesosAgent made = new MesosAgent(on);
    NETWORKS.forEach(network -> made.network(json(network)));
    return made;
  }

  TestHost host() {
    return host;
  }

  TestHost other() {
    return other;
  }

  MesosAgent agent() {
    return agent;
  }

  MesosAgent otherAgent() {
    return otherAgent;
  }

  /** Returns a container id that was not used before. */
  String newId() {
    return ID + number++;
  }

  void apply(String yaml) throws IOException {
    Command.Outcome applied = host.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  String etcdUrl() {
    return etcd.url();
  }

  /** Returns the handles in IPAM, as text. */
  String handles() throws IOException {
    return etcd.keys("/calico/ipam/v2/handle/").toString();
  }

  /** Returns the keys of all endpoints, as text. */
  String endpoints() throws IOException {
    return etcd.keys("/calico/resources/v3/projectcalico.org/workloadendpoints/").toString();
  }

  /** Returns the endpoint of a container of the first host. */
  JsonObject endpoint(String namespace, String container) throws IOException {
    return JsonParser.parseString(
            etcd.ctl(
                "get",
                "--print-value-only",
                "/calico/resources/v3/projectcalico.org/workloadendpoints/"
                    + namespace
                    + "/agent--a-cni-"
                    + container.replace("-", "--")
                    + "-eth0"))
        .getAsJsonObject();
  }

  /** Destroys every container, after which nothing may be left anywhere. */
  void mustBeClean() throws IOException {
    for (MesosAgent each : List.of(agent, otherAgent)) {
      for (Container container : each.containers()) {
        each.destroy(container.id());
      }
      try (Stream<Path> left = Files.list(each.root())) {
        assertThat(left).isEmpty();
      }
    }
    host.mustBeClean();
    other.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  /** Turns single quotes into double ones. */
  static String json(String text) {
    return text.replace('\'', '"');
  }

  /** Prints a NetworkInfo as an agent does; labels come as key, value, key, value. */
  static String info(String network, String... labels) {
    StringBuilder list = new StringBuilder();
    for (int i = 0; i < labels.length; i += 2) {
      list.append(i == 0 ? "" : ",")
          .append("{'key':'" + labels[i] + "','value':'" + labels[i + 1] + "'}");
    }
    return json(
        "{'ip_addresses':[{'protocol':'IPv4'}],'labels':{'labels':["
            + list
            + "]},'name':'"
            + network
            + "'}");
  }

  @Override
  public void close() throws IOException {
    agent.close();
    otherAgent.close();
    testbed.close();
  }
}
