package io.calico4j.benchmarks;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds the table of who may know whom. This module sees all others, so the test is here. */
class ModulesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.calico4j");

  private static final Set<String> MAY_NAME =
      Set.of("AnnotationColumns.java", "IpamDelegate.java", "WorkloadEndpointName.java");

  private static final Path CNI = Path.of("io/calico4j/core/cni");

  @ParameterizedTest
  @CsvSource({
    "core,felix",
    "core,rkt",
    "core,mesos",
    "core,node",
    "core,calicoctl",
    "core,testbed",
    "felix,rkt",
    "felix,mesos",
    "felix,node",
    "felix,calicoctl",
    "rkt,felix",
    "rkt,mesos",
    "rkt,node",
    "mesos,felix",
    "mesos,rkt",
    "mesos,node",
    "calicoctl,rkt",
    "calicoctl,mesos",
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

  /** To explain policy calicoctl calculates as Felix does; it programs nothing. */
  @Test
  void calicoctlKnowsNothingOfFelixButItsCalculation() {
    noClasses()
        .that()
        .resideInAPackage("io.calico4j.calicoctl..")
        .should()
        .dependOnClassesThat(
            resideInAnyPackage("io.calico4j.felix..")
                .and(
                    not(
                        resideInAnyPackage(
                            "io.calico4j.felix.calculation..", "io.calico4j.felix.explain.."))))
        .check(CLASSES);
  }

  /** Inside calico-core Maven's modules hold the direction; this holds it within a module. */
  @ParameterizedTest
  @CsvSource({
    "net,model",
    "net,selector",
    "net,resource",
    "selector,model",
    "selector,resource",
    "model,resource",
    "kernel,model",
    "kernel,selector",
    "kernel,resource",
    "datastore.etcd,resource",
    "ipam.decision,datastore",
    "ipam.decision,model",
    "endpoint,cni",
    "endpoint,plugin",
    "plugin,cni",
    "plugin,endpoint",
  })
  void aPackageOfCoreDoesNotKnow(String one, String other) {
    noClasses()
        .that()
        .resideInAPackage("io.calico4j.core." + one + "..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.calico4j.core." + other)
        .check(CLASSES);
  }

  /** What decides has no I/O, no threads and no clock. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "io.calico4j.core.net..",
        "io.calico4j.core.model..",
        "io.calico4j.core.selector..",
        "io.calico4j.core.ipam.decision..",
        "io.calico4j.felix.calculation..",
        "io.calico4j.felix.explain..",
        "io.calico4j.felix.rules..",
      })
  void aPurePackageOnlyComputes(String pure) {
    noClasses()
        .that()
        .resideInAPackage(pure)
        .should()
        .dependOnClassesThat(
            belongToAnyOf(Thread.class, Clock.class, Socket.class, ServerSocket.class)
                .or(
                    resideInAnyPackage("java.nio.file..", "java.nio.channels..")
                        .or(resideInAnyPackage("java.util.concurrent")))
                .or(resideInAnyPackage("io.calico4j.core.kernel..", "org.slf4j..")))
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(System.class, "getenv")
        .check(CLASSES);
  }

  /**
   * What depends on an orchestrator is in its own module and handed over by node-image. Left are
   * upstream's rules for names of endpoints, the columns of calicoctl, and the name of a program.
   * The spec's own word is free in its package.
   */
  @ParameterizedTest
  @CsvSource({
    "calico-core,mesos|rkt|net-modules|^cni$",
    "felix,mesos|rkt|net-modules|^cni$",
    "calicoctl,mesos|rkt|net-modules|^cni$",
    "rkt-plugin,mesos|net-modules",
    "mesos-isolator,rkt"
  })
  void codeNamesNoOrchestratorOutsideItsModule(String module, String names) throws Exception {
    Pattern literal = Pattern.compile("\"([^\"\\\\\n]*+(?:\\\\.[^\"\\\\\n]*+)*+)\"");
    Pattern name = Pattern.compile(names);
    try (Stream<Path> files = Files.walk(Path.of("..", module))) {
      List<Path> sources =
          files
              .filter(file -> file.toString().contains("/src/main/java/"))
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

  @Test
  void etcdAndJnrStayBehindTheirSeams() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.calico4j.core.datastore.etcd..", "io.calico4j.benchmarks..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.etcd..", "io.grpc..")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "io.calico4j.core.datastore.etcd..",
            "io.calico4j.node.http..",
            "io.calico4j.benchmarks..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.netty..")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "io.calico4j.core.kernel.linux..",
            "io.calico4j.core.plugin..",
            "io.calico4j.felix.dataplane.nft..",
            "io.calico4j.benchmarks..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jnr..")
        .check(CLASSES);
  }
}
