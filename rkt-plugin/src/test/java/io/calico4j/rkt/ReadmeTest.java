package io.calico4j.rkt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.cni.ConfigurationFields;
import io.calico4j.core.cni.PlainCniMapper;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.plugin.PluginRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the README says of the configuration, and the examples beside it, hold. */
class ReadmeTest {
  private static final Pattern EXAMPLE = Pattern.compile("```json\n(.*?)```", Pattern.DOTALL);
  private static final Pattern CODE = Pattern.compile("`([^`]+)`");

  private static String readme() throws IOException {
    return Files.readString(Path.of("README.md"));
  }

  static List<String> examples() throws IOException {
    List<String> examples = new ArrayList<>();
    Matcher blocks = EXAMPLE.matcher(readme());
    while (blocks.find()) {
      examples.add(blocks.group(1));
    }
    for (String directory : List.of("cni", "rkt", "mesos")) {
      try (Stream<Path> files = Files.list(Path.of("../examples", directory))) {
        for (Path file : files.toList()) {
          examples.add(Files.readString(file));
        }
      }
    }
    assertThat(examples).hasSizeGreaterThan(8);
    return examples;
  }

  @ParameterizedTest
  @MethodSource("examples")
  void everyExampleIsAConfigurationThatAnAddTakes(String example) {
    JsonObject document = JsonParser.parseString(example).getAsJsonObject();
    for (JsonObject configuration : plugins(document)) {
      assertThatCode(() -> ConfigurationFields.check(configuration)).doesNotThrowAnyException();
      assertThatCode(
              () ->
                  new PlainCniMapper(RktPods::runtimeOf)
                      .map(request(configuration), new NodeName("host-a")))
          .doesNotThrowAnyException();
    }
  }

  private static List<JsonObject> plugins(JsonObject document) {
    if (!document.has("plugins")) {
      return List.of(document);
    }
    List<JsonObject> plugins = new ArrayList<>();
    for (JsonElement element : document.getAsJsonArray("plugins")) {
      JsonObject plugin = element.getAsJsonObject();
      if (plugin.get("type").getAsString().equals("calico")) {
        plugin.add("name", document.get("name"));
        plugin.add("cniVersion", document.get("cniVersion"));
        plugins.add(plugin);
      }
    }
    assertThat(plugins).isNotEmpty();
    return plugins;
  }

  private static CniRequest request(JsonObject configuration) throws Exception {
    return CniRequest.parse(
        new PluginRequest(
            "calico",
            Map.of(
                "CNI_COMMAND", "ADD",
                "CNI_CONTAINERID", "c1",
                "CNI_NETNS", "/run/netns/c1",
                "CNI_IFNAME", "eth0"),
            configuration.toString(),
            -1));
  }

  @Test
  void theTablesHaveEveryFieldAndNoOther() throws IOException {
    List<String> acting = new ArrayList<>();
    List<String> ignored = new ArrayList<>();
    String tables =
        readme().replaceAll("(?s)^.*Fields that act\\.", "").replaceAll("(?s)\n## .*$", "");
    boolean second = false;
    for (String line : tables.lines().toList()) {
      second |= line.startsWith("Fields that are read by upstream");
      if (line.startsWith("| `")) {
        Matcher names = CODE.matcher(line.split("\\|", -1)[1]);
        while (names.find()) {
          (second ? ignored : acting).add(names.group(1));
        }
      }
    }
    assertThat(acting).containsExactlyElementsOf(paths(true));
    assertThat(ignored).containsExactlyInAnyOrderElementsOf(paths(false));
  }

  private static List<String> paths(boolean acts) {
    return ConfigurationFields.ALL.stream()
        .filter(field -> field.acts() == acts)
        .map(ConfigurationFields.Field::path)
        .toList();
  }
}
