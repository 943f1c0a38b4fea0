package io.calico4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.annotations.SerializedName;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.FieldsWithoutEffect;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The table of fields without effect holds each field that no code reads, and no other. Code is
 * what computes: not what reads and writes resources, and not calicoctl, which shows them.
 */
class FieldsWithoutEffectTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.calico4j");

  private static final Set<String> NO_READERS =
      Set.of(
          "io.calico4j.core.resource",
          "io.calico4j.core.testing",
          "io.calico4j.calicoctl",
          "io.calico4j.testbed",
          "io.calico4j.benchmarks");

  private static final String OF_NODE = "BGPConfiguration/node.";

  private final Map<String, Map<String, String>> types = new TreeMap<>();
  private final Map<String, String> limits = new TreeMap<>();
  private final Set<String> unread = new TreeSet<>();
  private final Set<String> seen = new TreeSet<>();

  private void load() throws IOException {
    try (InputStream in = FieldsWithoutEffect.class.getResourceAsStream("fields.txt")) {
      String section = "";
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("[")) {
          section = line.substring(1, line.length() - 1);
        } else if (!line.isEmpty() && !line.startsWith("#")) {
          String[] words = line.split(" ", 3);
          limits.put(section + "." + words[0], words.length > 2 ? words[2] : "");
          types.computeIfAbsent(section, s -> new TreeMap<>()).put(words[0], words[1]);
        }
      }
    }
  }

  @Test
  void theTableHoldsWhatNoCodeReads() throws Exception {
    load();
    for (ResourceKind<?> kind : ResourceKind.all()) {
      if (!kind.equals(ResourceKind.FELIX_CONFIGURATION)) {
        walk(kind.kind(), kind.specType());
      }
    }
    assertThat(
            FieldsWithoutEffect.names().stream()
                .filter(name -> !name.contains("=") && !name.startsWith(OF_NODE)))
        .containsExactlyElementsOf(unread);
  }

  /**
   * Of a node's own BGPConfiguration those fields are read that the builder asks {@code own()} for.
   */
  @Test
  void theTableHoldsWhatIsNotReadOfANodesConfiguration() throws Exception {
    load();
    Set<String> left = new TreeSet<>(types.get("BGPConfiguration").keySet());
    left.removeAll(
        Set.of("logSeverityScreen", "listenPort", "prefixAdvertisements", "communities"));
    // Those that are refused, and those that have no effect in any BGPConfiguration.
    left.removeAll(
        Set.of("asNumber", "nodeToNodeMeshEnabled", "nodeMeshPassword", "nodeMeshMaxRestartTime"));
    left.removeAll(Set.of("localWorkloadPeeringIPV4", "localWorkloadPeeringIPV6"));
    assertThat(
            FieldsWithoutEffect.names().stream()
                .filter(name -> name.startsWith(OF_NODE))
                .map(name -> name.substring(OF_NODE.length())))
        .containsExactlyElementsOf(left);
  }

  /** A value that has no effect is one that the field may have. */
  @Test
  void valuesInTheTableAreLegal() throws Exception {
    load();
    for (String name : FieldsWithoutEffect.names()) {
      int end = name.indexOf('=');
      if (end >= 0) {
        String limit = limits.getOrDefault(name.substring(0, end), "");
        assertThat(Pattern.compile("[|]").splitAsStream(limit)).contains(name.substring(end + 1));
      }
    }
  }

  private void walk(String type, Class<?> record) {
    if (!seen.add(type + " " + record.getName())) {
      return;
    }
    Map<String, RecordComponent> components = new TreeMap<>();
    for (RecordComponent component : record.getRecordComponents()) {
      components.put(jsonName(component), component);
    }
    types
        .getOrDefault(type, Map.of())
        .forEach(
            (name, fieldType) -> {
              RecordComponent component = components.get(name);
              if (component == null || !isRead(record, component.getName())) {
                unread.add(type + "." + name);
              } else {
                String element = fieldType.replaceAll("[\\[\\]]", "");
                Class<?> inner = recordOf(component.getGenericType());
                if (inner != null && types.containsKey(element)) {
                  walk(element, inner);
                }
              }
            });
  }

  private static String jsonName(RecordComponent component) {
    return Arrays.stream(component.getDeclaringRecord().getDeclaredFields())
        .filter(field -> field.getName().equals(component.getName()))
        .map(field -> Optional.ofNullable(field.getAnnotation(SerializedName.class)))
        .flatMap(Optional::stream)
        .map(SerializedName::value)
        .findFirst()
        .orElse(component.getName());
  }

  private static Class<?> recordOf(Type type) {
    Type element = type instanceof ParameterizedType list ? list.getActualTypeArguments()[0] : type;
    return element instanceof Class<?> c && c.isRecord() ? c : null;
  }

  /** Tells whether code calls the accessor, or a method of the record that uses the field. */
  private static boolean isRead(Class<?> record, String component) {
    JavaClass type = CLASSES.get(record);
    return type.getField(component).getAccessesToSelf().stream()
        .map(JavaAccess::getOrigin)
        .filter(FieldsWithoutEffectTest::isReading)
        .anyMatch(FieldsWithoutEffectTest::isCalled);
  }

  private static boolean isReading(JavaCodeUnit method) {
    String name = method.getName();
    return !Set.of("<init>", "equals", "hashCode", "toString").contains(name)
        // A copy with something changed.
        && !method.getRawReturnType().equals(method.getOwner());
  }

  private static boolean isCalled(JavaCodeUnit method) {
    return method.getAccessesToSelf().stream()
            .anyMatch(access -> reads(access.getOriginOwner(), method))
        || method.getAccessesToSelf().stream()
            .map(JavaAccess::getOrigin)
            .filter(origin -> origin.getOwner().equals(method.getOwner()))
            .filter(origin -> !origin.equals(method))
            .filter(FieldsWithoutEffectTest::isReading)
            .anyMatch(FieldsWithoutEffectTest::isCalled);
  }

  private static boolean reads(JavaClass caller, JavaCodeUnit method) {
    return !caller.equals(method.getOwner())
        && NO_READERS.stream().noneMatch(p -> caller.getPackageName().startsWith(p));
  }
}
