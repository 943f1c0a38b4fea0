package io.calico4j.core.datastore;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** etcd stays behind its seam. */
@AnalyzeClasses(
    packages = {"io.calico4j.core.datastore", "io.calico4j.core.concurrent"},
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule etcdIsSpokenByOnePackage =
      noClasses()
          .that()
          .resideOutsideOfPackages("..core.datastore.etcd..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.etcd..", "io.grpc..", "io.netty..");

  @ArchTest
  static final ArchRule etcdKnowsNoResources =
      noClasses()
          .that()
          .resideInAnyPackage("..core.datastore.etcd..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..core.resource..");
}
