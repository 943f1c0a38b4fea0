package io.calico4j.node;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** calico-node reaches etcd and the kernel through core; its own server is one package. */
@AnalyzeClasses(packages = "io.calico4j.node", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule etcdAndTheKernelAreReachedThroughCore =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.etcd..", "io.grpc..", "jnr..");

  @ArchTest
  static final ArchRule nettyServesHttpAlone =
      noClasses()
          .that()
          .resideOutsideOfPackages("..node.http..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.netty..");
}
