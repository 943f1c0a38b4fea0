package io.calico4j.benchmarks;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Holds the table of who may know whom. This module sees all others, so the test is here; each
 * module's {@code ArchitectureTest} holds what is its own.
 */
class ModulesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.calico4j");

  private static final Set<String> MAY_NAME =
      Set.of("AnnotationColumns.java", "IpamDelegate.java", "WorkloadEndpointName.java");

  private static final Path TESTING = Path.of("..", "calico-core", "testing");
  private static final Path CNI = Path.of("io/calico4j/core/cni");

  @ParameterizedTest
  @CsvSource({
    "core,felix",
    "core,rkt",
    "core,mesos",
    "core,libnetwork",
    "core,node",
    "core,calicoctl",
    "core,testbed",
    "felix,rkt",
    "felix,mesos",
    "felix,libnetwork",
    "felix,node",
    "felix,calicoctl",
    "rkt,felix",
    "rkt,mesos",
    "rkt,libnetwork",
    "rkt,node",
    "mesos,felix",
    "mesos,rkt",
    "mesos,libnetwork",
    "mesos,node",
    "libnetwork,felix",
    "libnetwork,rkt",
    "libnetwork,mesos",
    "libnetwork,node",
    "calicoctl,rkt",
    "calicoctl,mesos",
    "calicoctl,libnetwork",
    "calicoctl,node",
    "node,testbed",
    "testbed,benchmarks"
  })
  void aModuleDoesNotKnow(String module, String other) {
    noClasses()
        .that()
        .resideInAPackage("io.calico4j." + module + "..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.calico4j." + other + "..")
        .check(CLASSES);
  }

  /**
   * What depends on an orchestrator is in its own module and handed over by node-image. Left are
   * upstream's rules for names of endpoints, the columns of calicoctl, and the name of a program.
   * The spec's own word is free in its package, and what makes examples for tests is no product.
   */
  @ParameterizedTest
  @CsvSource({
    "calico-core,mesos|rkt|libnetwork|docker|net-modules|^cni$",
    "felix,mesos|rkt|libnetwork|net-modules|^cni$",
    "calicoctl,mesos|rkt|net-modules|^cni$",
    "rkt-plugin,mesos|net-modules|libnetwork",
    "mesos-isolator,rkt|libnetwork",
    "libnetwork-plugin,rkt|mesos"
  })
  void codeNamesNoOrchestratorOutsideItsModule(String module, String names) throws Exception {
    Pattern literal = Pattern.compile("\"([^\"\\\\\n]*+(?:\\\\.[^\"\\\\\n]*+)*+)\"");
    Pattern name = Pattern.compile(names);
    try (Stream<Path> files = Files.walk(Path.of("..", module))) {
      List<Path> sources =
          files
              .filter(file -> file.toString().contains("/src/main/java/"))
              .filter(file -> !file.startsWith(TESTING))
              .filter(file -> file.toString().endsWith(".java"))
              .toList();
      assertThat(sources).isNotEmpty();
      assertThat(
              sources.stream()
                  .filter(file -> !MAY_NAME.contains(file.getFileName().toString()))
                  .filter(
                      file ->
                          literal
                              .matcher(read(file))
                              .results()
                              .map(found -> found.group(1))
                              .filter(
                                  text -> !(text.equals("cni") && file.getParent().endsWith(CNI)))
                              .anyMatch(text -> name.matcher(text).find())))
          .isEmpty();
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("io.calico4j.(**)").should().beFreeOfCycles().check(CLASSES);
  }
}
