package io.calico4j.core.endpoint;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** CNI stands above endpoints and the plugin socket, which know neither it nor each other. */
@AnalyzeClasses(
    packages = {"io.calico4j.core.endpoint", "io.calico4j.core.cni", "io.calico4j.core.plugin"},
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule endpointsKnowNoPlugin =
      noClasses()
          .that()
          .resideInAnyPackage("..core.endpoint..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..core.cni..", "..core.plugin..");

  @ArchTest
  static final ArchRule theSocketKnowsNoEndpoint =
      noClasses()
          .that()
          .resideInAnyPackage("..core.plugin..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..core.cni..", "..core.endpoint..");

  @ArchTest
  static final ArchRule nativeCodeIsCalledByTheSocketAlone =
      noClasses()
          .that()
          .resideOutsideOfPackages("..core.plugin..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jnr..");
}
