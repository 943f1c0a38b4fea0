package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.util.JsonFormat;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.plugin.PluginRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.mesos.v1.Protos.ContainerInfo;
import org.apache.mesos.v1.Protos.NetworkInfo;
import org.apache.mesos.v1.Protos.Offer;
import org.apache.mesos.v1.Protos.TaskInfo;
import org.junit.jupiter.api.Test;

/** The example files are what Mesos takes, and what the plugins understand. */
class ExamplesTest {
  private static final Path EXAMPLES = Path.of("../examples");

  private static JsonObject json(String file) throws IOException {
    return JsonParser.parseString(Files.readString(EXAMPLES.resolve(file))).getAsJsonObject();
  }

  /** What the agent would send for a NetworkInfo, and what becomes of it. */
  private static AttachRequest mapped(NetworkInfo info, JsonObject network) throws Exception {
    JsonObject configuration = network.deepCopy();
    JsonObject mesos = new JsonObject();
    mesos.add(
        "network_info",
        JsonParser.parseString(JsonFormat.printer().preservingProtoFieldNames().print(info)));
    JsonObject arguments = new JsonObject();
    arguments.add("org.apache.mesos", mesos);
    configuration.add("args", arguments);
    return new MesosRequestMapper()
        .map(
            CniRequest.parse(
                new PluginRequest(
                    "calico",
                    Map.of(
                        "CNI_COMMAND", "ADD",
                        "CNI_CONTAINERID", "c1d9c7f4",
                        "CNI_NETNS", "/var/run/mesos/isolators/network/cni/c1d9c7f4/ns",
                        "CNI_IFNAME", "eth0"),
                    configuration.toString(),
                    -1)),
            new NodeName("host-a"))
        .orElseThrow();
  }

  @Test
  void theTaskOfMesosExecuteIsATaskInfo() throws Exception {
    TaskInfo.Builder task = TaskInfo.newBuilder();
    JsonFormat.parser().merge(Files.readString(EXAMPLES.resolve("mesos-execute/task.json")), task);
    ContainerInfo container = task.build().getContainer();
    assertThat(container.getType()).isEqualTo(ContainerInfo.Type.MESOS);
    AttachRequest request = mapped(container.getNetworkInfos(0), json("mesos/calico.json"));
    assertThat(request.labels()).isEqualTo(Map.of("app", "ledger"));
    assertThat(request.fixed()).hasToString("[192.168.200.7]");
    assertThat(request.profiles()).containsExactly(new ProfileName("calico-net"));
  }

  @Test
  void theTaskGroupIsALaunchGroupWhoseNetworkIsTheExecutors() throws Exception {
    Offer.Operation.LaunchGroup.Builder group = Offer.Operation.LaunchGroup.newBuilder();
    JsonFormat.parser()
        .merge(Files.readString(EXAMPLES.resolve("mesos-execute/launch-group.json")), group);
    Offer.Operation.LaunchGroup launch = group.build();
    assertThat(launch.getTaskGroup().getTasksList())
        .hasSize(2)
        .noneMatch(t -> t.getContainer().getNetworkInfosCount() > 0);
    AttachRequest request =
        mapped(launch.getExecutor().getContainer().getNetworkInfos(0), json("mesos/calico.json"));
    assertThat(request.profiles())
        .extracting(ProfileName::text)
        .containsExactly("calico-net", "ops");
    assertThat(request.labels()).isEqualTo(Map.of("app", "web"));
  }

  @Test
  void whatMarathonAppsAskForIsANetworkInfoThatIsUnderstood() throws Exception {
    int networks = 0;
    try (Stream<Path> files = Files.list(EXAMPLES.resolve("marathon"))) {
      for (Path file : files.sorted().toList()) {
        JsonObject app = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        assertThat(app.get("id").getAsString()).startsWith("/");
        for (NetworkInfo info : networkInfos(app)) {
          networks++;
          String network = info.getName().isEmpty() ? "calico-net" : info.getName();
          JsonObject configuration =
              json(
                  network.equals("calico-ports") ? "mesos/calico-ports.json" : "mesos/calico.json");
          assertThat(configuration.get("name").getAsString()).isEqualTo(network);
          if (configuration.get("delegate") instanceof JsonObject delegate) {
            assertThat(info.getPortMappingsCount()).isPositive();
            delegate.add("name", configuration.get("name"));
            configuration = delegate;
          }
          if (info.getName().isEmpty()) {
            // Of net-modules, whose groups nobody grants.
            configuration =
                JsonParser.parseString(
                        "{\"name\":\"calico-net\",\"allowed_requests\":{\"groups\":[\"*\"]}}")
                    .getAsJsonObject();
          }
          AttachRequest request = mapped(info, configuration);
          assertThat(request.labels()).as(file.toString()).isNotEmpty();
          assertThat(request.profiles()).contains(new ProfileName(network));
          assertThat(request.profiles())
              .extracting(ProfileName::text)
              .containsAll(info.getGroupsList());
        }
      }
    }
    assertThat(networks).isEqualTo(5);
  }

  /** Makes of an app what Marathon makes of it: members of its own, checked strictly. */
  private static List<NetworkInfo> networkInfos(JsonObject app) throws Exception {
    JsonArray requests = new JsonArray();
    if (app.get("ipAddress") instanceof JsonObject address) {
      JsonObject request = new JsonObject();
      address.entrySet().forEach(e -> request.add(name(e.getKey()), e.getValue()));
      requests.add(request);
    }
    if (app.get("networks") instanceof JsonArray networks) {
      for (JsonElement network : networks) {
        assertThat(network.getAsJsonObject().remove("mode").getAsString()).isEqualTo("container");
        if (app.get("container") instanceof JsonObject container && container.has("portMappings")) {
          network.getAsJsonObject().add("port_mappings", container.get("portMappings"));
        }
        requests.add(network);
      }
    }
    List<NetworkInfo> infos = new ArrayList<>();
    for (JsonElement request : requests) {
      JsonObject object = request.getAsJsonObject();
      JsonArray labels = new JsonArray();
      NetworkConfiguration.object(object, "labels")
          .ifPresent(
              given ->
                  given
                      .entrySet()
                      .forEach(
                          e -> {
                            JsonObject label = new JsonObject();
                            label.addProperty("key", e.getKey());
                            label.add("value", e.getValue());
                            labels.add(label);
                          }));
      JsonObject wrapped = new JsonObject();
      wrapped.add("labels", labels);
      object.add("labels", wrapped);
      NetworkInfo.Builder info = NetworkInfo.newBuilder();
      JsonFormat.parser().merge(object.toString(), info);
      infos.add(info.build());
    }
    return infos;
  }

  private static String name(String marathons) {
    return marathons.equals("networkName") ? "name" : marathons;
  }

  @Test
  void theModulesFileNamesTheIsolatorAndTheHook() throws Exception {
    JsonObject library =
        json("net-modules/modules.json").getAsJsonArray("libraries").get(0).getAsJsonObject();
    JsonArray modules = library.getAsJsonArray("modules");
    JsonObject isolator = modules.get(0).getAsJsonObject();
    assertThat(isolator.get("name").getAsString())
        .isEqualTo("com_mesosphere_mesos_NetworkIsolator");
    assertThat(isolator.getAsJsonArray("parameters"))
        .extracting(p -> p.getAsJsonObject().get("key").getAsString())
        .containsExactlyInAnyOrder("isolator_command", "ipam_command");
    assertThat(isolator.getAsJsonArray("parameters"))
        .as("the module looks for a file of this name: a bare path")
        .allMatch(p -> !p.getAsJsonObject().get("value").getAsString().contains(" "));
    assertThat(modules.get(1).getAsJsonObject().get("name").getAsString())
        .isEqualTo("com_mesosphere_mesos_NetworkHook");
  }

  @Test
  void everyExampleThatTheReadmeNamesIsThere() throws Exception {
    String readme = Files.readString(Path.of("README.md"));
    List<String> named =
        java.util.regex.Pattern.compile(
                "examples/((?:mesos|mesos-execute|net-modules|marathon)/[a-z0-9.-]+\\.json)")
            .matcher(readme)
            .results()
            .map(m -> m.group(1))
            .distinct()
            .toList();
    assertThat(named)
        .hasSizeGreaterThan(4)
        .allSatisfy(file -> assertThat(EXAMPLES.resolve(file)).isRegularFile());
  }
}
