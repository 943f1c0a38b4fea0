package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table {@code cni-conformance.txt}: every operation of every spec version, with input that is
 * valid and that is not, through the installed launcher, and the JSON that must come back.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CniConformanceIT {
  private static final List<String> VERSIONS =
      List.of("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0");

  private final CniHost host = new CniHost(getClass());
  private int containers;

  @BeforeAll
  void start() throws Exception {
    host.start();
    host.apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:65::/64"}
        """);
  }

  @AfterAll
  void stop() throws Exception {
    host.close();
  }

  /**
   * One case.
   *
   * @param version the spec version; empty for a configuration that says none
   * @param attached whether an ADD went before
   * @param environment NAME=VALUE, with blanks between them
   * @param input what is changed in the configuration, or all of it after "raw "
   * @param answer the JSON of standard output; "-" for nothing
   */
  record Row(
      String name,
      String program,
      String operation,
      String version,
      boolean attached,
      String environment,
      String input,
      int exit,
      String answer) {
    @Override
    public String toString() {
      return program + " " + operation + " " + version + " " + name;
    }
  }

  static List<Row> rows() throws IOException {
    List<Row> rows = new ArrayList<>();
    try (InputStream table = CniConformanceIT.class.getResourceAsStream("/cni-conformance.txt")) {
      String text = new String(table.readAllBytes(), StandardCharsets.UTF_8);
      for (String line : text.replace("\\\n", "").lines().toList()) {
        if (line.isBlank() || line.startsWith("#")) {
          continue;
        }
        String[] cells = Stream.of(line.split("\\|", -1)).map(String::strip).toArray(String[]::new);
        assertThat(cells).as(line).hasSize(9);
        for (String version : versions(cells[3])) {
          rows.add(
              new Row(
                  cells[0],
                  cells[1],
                  cells[2],
                  version,
                  cells[4].equals("attached"),
                  cells[5],
                  cells[6],
                  Integer.parseInt(cells[7]),
                  cells[8].replace("'VERSION'", "'" + version + "'")));
        }
      }
    }
    return rows;
  }

  private static List<String> versions(String cell) {
    if (cell.equals("none")) {
      return List.of("");
    }
    String[] ends = cell.equals("all") ? new String[] {"0.1.0", "1.1.0"} : cell.split("\\.\\.");
    int last = VERSIONS.indexOf(ends[ends.length - 1]);
    return VERSIONS.subList(VERSIONS.indexOf(ends[0]), last + 1);
  }

  @Test
  @Order(1)
  void everyOperationOfEveryVersionHasInputThatIsValidAndThatIsNot() throws Exception {
    List<String> seen =
        rows().stream()
            .map(r -> r.program() + " " + r.operation() + " " + r.version() + " " + r.exit())
            .toList();
    for (String program : List.of("calico", "calico-ipam")) {
      for (String version : VERSIONS) {
        for (String operation : List.of("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION")) {
          String since =
              switch (operation) {
                case "CHECK" -> "0.4.0";
                case "GC", "STATUS" -> "1.1.0";
                default -> "0.1.0";
              };
          String of = program + " " + operation + " " + version;
          if (version.compareTo(since) >= 0) {
            assertThat(seen).contains(of + " 0");
          }
          if (!operation.equals("VERSION")) {
            assertThat(seen).contains(of + " 1");
          }
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  @Order(2)
  void answersAsTheTableSays(Row row) throws Exception {
    containers++;
    Namespace sandbox = host.sandbox("row-" + containers);
    Map<String, String> usual = environment(sandbox);
    JsonObject base = base(row);
    JsonObject changed = base.deepCopy();
    if (row.attached()) {
      Command.Outcome added = call(row, usual, "ADD", base.toString());
      assertThat(added.exitCode()).as(added.output()).isZero();
      changed.add("prevResult", JsonParser.parseString(added.standardOutput()));
    }
    Map<String, String> environment = new TreeMap<>(usual);
    for (String variable : row.environment().split(" ", -1)) {
      int equals = variable.indexOf('=');
      if (equals > 0) {
        environment.put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    Command.Outcome outcome =
        call(row, environment, row.operation(), input(row.input(), changed, usual));
    assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(row.exit());
    if (row.answer().equals("-")) {
      assertThat(outcome.standardOutput()).isEmpty();
    } else {
      assertThat(normal(outcome.standardOutput(), usual))
          .isEqualTo(JsonParser.parseString(json(row.answer())));
    }
    assertThat(outcome.standardError().isEmpty()).isEqualTo(row.exit() == 0);
    Command.Outcome deleted = call(row, usual, "DEL", base.toString());
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
    sandbox.delete();
  }

  private Map<String, String> environment(Namespace sandbox) {
    Map<String, String> environment = new TreeMap<>();
    environment.put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    environment.put("CNI_CONTAINERID", "c" + containers);
    environment.put("CNI_NETNS", sandbox.path());
    environment.put("CNI_IFNAME", "eth0");
    environment.put("CNI_PATH", Installed.distribution().resolve("bin").toString());
    return environment;
  }

  private static JsonObject base(Row row) {
    JsonObject base = new JsonObject();
    if (!row.version().isEmpty()) {
      base.addProperty("cniVersion", row.version());
    }
    base.addProperty("name", "net");
    base.addProperty("type", row.program().equals("calico") ? "calico" : "bridge");
    base.add("ipam", JsonParser.parseString("{\"type\":\"calico-ipam\"}"));
    return base;
  }

  /** Reads the table's quotes: ' for ", ` for ', and " within a text. */
  private static String json(String cell) {
    return cell.replace("\"", "\\\"").replace('\'', '"').replace('`', '\'');
  }

  private static String input(String cell, JsonObject base, Map<String, String> usual) {
    if (cell.startsWith("raw")) {
      return cell.substring(3).strip().replace('\'', '"');
    }
    String changes =
        cell.replace('\'', '"')
            .replace("CONTAINER", usual.get("CNI_CONTAINERID"))
            .replace("NETNS", usual.get("CNI_NETNS"));
    if (!changes.isEmpty()) {
      merge(base, JsonParser.parseString(changes).getAsJsonObject());
    }
    return base.toString();
  }

  private static void merge(JsonObject into, JsonObject changes) {
    for (Map.Entry<String, JsonElement> member : changes.entrySet()) {
      JsonElement there = into.get(member.getKey());
      if (member.getValue().isJsonNull() && there != null) {
        into.remove(member.getKey());
      } else if (there != null && there.isJsonObject() && member.getValue().isJsonObject()) {
        merge(there.getAsJsonObject(), member.getValue().getAsJsonObject());
      } else {
        into.add(member.getKey(), member.getValue());
      }
    }
  }

  private Command.Outcome call(
      Row row, Map<String, String> usual, String operation, String configuration)
      throws IOException {
    Map<String, String> environment = new TreeMap<>(usual);
    environment.put("CNI_COMMAND", operation);
    environment.values().removeIf(value -> value.equals("absent"));
    return host.test().plugin(row.program(), environment, configuration);
  }

  /** Returns an answer with the words of the table instead of what differs from run to run. */
  private static JsonElement normal(String answer, Map<String, String> usual) {
    return JsonParser.parseString(
        answer
            .replace(usual.get("CNI_NETNS"), "NETNS")
            .replaceAll("\\bcali[0-9a-f]{11}\\b", "HOSTIF")
            .replaceAll("\\bca(:[0-9a-f]{2}){5}\\b", "MAC")
            .replaceAll("\\b10\\.65\\.[0-9]+\\.[0-9]+(/32| of)", "IPV4$1")
            .replaceAll("\\bfd00:65:[0-9a-f:]+/128", "IPV6/128")
            .replaceAll("\\b" + usual.get("CNI_CONTAINERID") + "\\b", "CONTAINER"));
  }

  @Test
  @Order(3)
  void nothingIsLeft() throws Exception {
    host.mustBeEmpty();
  }
}
