package io.calico4j.core.felix;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.felix.FelixParameter.Status;
import io.calico4j.core.felix.FelixParameter.Type;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.UserResources;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every parameter of upstream's Felix is known, and none is without effect in silence. */
class FelixParametersTest {
  @SuppressWarnings("unchecked")
  private static FelixSource resource(String name, String spec) throws Exception {
    JsonObject document =
        JsonParser.parseString(
                "{'apiVersion':'projectcalico.org/v3','kind':'FelixConfiguration','metadata':"
                    + "{'name':'"
                    + name
                    + "'},'spec':"
                    + spec
                    + "}")
            .getAsJsonObject();
    return FelixSource.resource((Resource<FelixConfigurationSpec>) UserResources.parse(document));
  }

  private static List<String> environment(String name, String value) {
    return FelixParameters.withoutEffect(List.of(FelixSource.environment(Map.of(name, value))));
  }

  static List<FelixParameter> withVariable() {
    return FelixParameters.all().stream().filter(p -> !p.variable().isEmpty()).toList();
  }

  @ParameterizedTest
  @MethodSource("withVariable")
  void eachIsActedUponOrAnsweredWithItsReason(FelixParameter parameter) {
    String other = parameter.type() == Type.NUMBER ? "77" : "other";
    List<String> lines = environment(parameter.variable().toUpperCase(Locale.ROOT), other);
    if (parameter.status() == Status.ACTED || parameter.status() == Status.CALICO_NODE) {
      assertThat(lines).isEmpty();
    } else {
      assertThat(lines).hasSize(1);
      assertThat(lines.get(0))
          .startsWith(
              "FelixConfiguration "
                  + parameter.name()
                  + " is not supported here, because "
                  + parameter.status().reason())
          .contains("FELIX_", "\"" + other + "\" has no effect");
    }
    if (!parameter.absent().isEmpty()) {
      assertThat(environment(parameter.variable(), parameter.absent())).isEmpty();
      assertThat(environment(parameter.variable(), parameter.absent().toLowerCase(Locale.ROOT)))
          .hasSizeLessThan(parameter.type() == Type.TEXT ? 2 : 1);
    }
    if (!parameter.inForce().isEmpty()) {
      assertThat(environment(parameter.variable(), parameter.inForce())).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(Status.class)
  void eachReasonIsUsed(Status status) {
    assertThat(FelixParameters.all()).anyMatch(parameter -> parameter.status() == status);
  }

  /** The fields that calicoctl accepts are those of upstream's schema: fields.txt. */
  @Test
  void everyFieldOfTheResourceIsKnown() throws Exception {
    List<String> fields = new ArrayList<>();
    boolean inside = false;
    try (var in = UserResources.class.getResourceAsStream("fields.txt")) {
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("[")) {
          inside = line.equals("[FelixConfiguration]");
        } else if (inside && !line.isEmpty()) {
          fields.add(line.substring(0, line.indexOf(' ')));
        }
      }
    }
    assertThat(fields).hasSizeGreaterThan(150);
    Map<String, String> given = new TreeMap<>();
    fields.forEach(field -> given.put(field, "other"));
    assertThat(
            FelixParameters.withoutEffect(
                List.of(new FelixSource(FelixSource.Kind.RESOURCE, "FelixConfiguration x", given))))
        .noneMatch(line -> line.contains("no parameter"));
    assertThat(FelixParameters.all())
        .filteredOn(parameter -> !parameter.field().isEmpty())
        .allMatch(parameter -> fields.contains(parameter.field()))
        .allMatch(FelixParameter::everywhere);
    assertThat(FelixParameters.all().stream().map(p -> p.name().toLowerCase(Locale.ROOT)))
        .doesNotHaveDuplicates()
        .hasSizeGreaterThan(160);
  }

  @Test
  void theStrongestSourceCounts() throws Exception {
    FelixSource node = resource("node.h1", "{'wireguardMTU':0,'healthPort':9099}");
    FelixSource cluster = resource("default", "{'wireguardMTU':1400,'healthPort':9199}");
    assertThat(FelixParameters.withoutEffect(List.of(node, cluster))).isEmpty();
    assertThat(FelixParameters.withoutEffect(List.of(cluster)))
        .containsExactly(
            "FelixConfiguration HealthPort is not supported here, because calico-node reads it from"
                + " its environment only: FelixConfiguration default healthPort \"9199\" has no"
                + " effect",
            "FelixConfiguration WireguardMTU is not supported here, because WireGuard is not yet"
                + " implemented: FelixConfiguration default wireguardMTU \"1400\" has no effect");
    FelixSource environment = FelixSource.environment(Map.of("felix_healthport", "9199"));
    assertThat(FelixParameters.withoutEffect(List.of(environment, cluster))).hasSize(1);
  }

  /** Forms that a resource has and an environment variable has not. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'iptablesRefreshInterval':'3m'}|",
        "{'iptablesLockProbeInterval':'50ms'}|",
        "{'iptablesMarkMask':4294901760}|",
        "{'iptablesBackend':'NFT'}|",
        "{'routeTableRanges':[{'min':1,'max':9}]}|RouteTableRanges",
        "{'failsafeInboundHostPorts':[]}|",
        "{'failsafeOutboundHostPorts':[{'protocol':'UDP','port':53}]}|",
        "{'bpfEnabled':false,'bpfConnectTimeLoadBalancing':'TCP'}|",
        "{'bpfEnabled':true}|BPFEnabled",
        "{'externalNodesList':[]}|",
        "{'logSeverityScreen':'Info','reportingInterval':'0s'}|",
        "{'nodeSelector':'all()'}|NodeSelector"
      })
  void aResourcesFormsAreUnderstood(String spec, String unsupported) throws Exception {
    List<String> lines = FelixParameters.withoutEffect(List.of(resource("default", spec)));
    if (unsupported == null) {
      assertThat(lines).isEmpty();
    } else {
      assertThat(lines).hasSize(1);
      assertThat(lines.get(0)).startsWith("FelixConfiguration " + unsupported + " is not");
    }
  }

  @Test
  void howeverDeepAValueIsNestedOnlyItsFieldIsNamed() {
    JsonObject spec = new JsonObject();
    JsonElement deep = new JsonArray();
    for (int i = 0; i < 100_000; i++) {
      JsonArray outer = new JsonArray();
      outer.add(deep);
      deep = outer;
    }
    spec.add("wireguardMTU", deep);
    JsonObject document = new JsonObject();
    document.add("spec", spec);
    FelixSource source =
        FelixSource.resource(
            new Resource<>(
                ResourceKind.FELIX_CONFIGURATION,
                Metadata.named(null, "default"),
                new FelixConfigurationSpec(null, null, null, null, null, null, null, null, null),
                document,
                1));
    assertThat(FelixParameters.withoutEffect(List.of(source)))
        .hasSize(1)
        .allMatch(line -> line.contains("wireguardMTU \"[…]\""));
  }

  @Test
  void aNameThatIsNoParameterIsNamed(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("felix.cfg");
    Files.writeString(
        file, "# a comment\n[global]\nLogPrefx = x\nnonsense\n; \nlogprefix=a=b\nVXLANPort=\n");
    List<String> reports = new ArrayList<>();
    FelixSource source = FelixSource.file(file, reports::add);
    assertThat(reports).containsExactly(file + " line 4 is not NAME = VALUE: it is ignored");
    assertThat(source.value("LogPrefix", "logPrefix")).contains("a=b");
    assertThat(FelixParameters.withoutEffect(List.of(source)))
        .containsExactly(file + " LogPrefx is no parameter of Felix: it has no effect");
    assertThat(environment("Felix_Colour", "red"))
        .containsExactly("FELIX_Colour is no parameter of Felix: it has no effect");
    assertThat(FelixSource.file(directory.resolve("none"), reports::add).given()).isEmpty();
    assertThat(FelixSource.file(directory, reports::add).given()).isEmpty();
    assertThat(reports).hasSize(2);
    assertThat(reports.get(1)).contains("cannot be read");
  }
}
