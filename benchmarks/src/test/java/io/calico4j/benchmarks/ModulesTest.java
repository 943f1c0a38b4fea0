package io.calico4j.benchmarks;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds the table of who may know whom. This module sees all others, so the test is here. */
class ModulesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.calico4j");

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
