package io.calico4j.core.kernel;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The kernel is reached by one package, which knows addresses and nothing else of Calico. */
@AnalyzeClasses(
    packages = "io.calico4j.core.kernel",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule theKernelKnowsAddressesAlone =
      noClasses()
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.calico4j..")
                  .and(resideOutsideOfPackages("..core.kernel..", "..core.net..")));

  @ArchTest
  static final ArchRule nativeCodeIsCalledByOnePackage =
      noClasses()
          .that()
          .resideOutsideOfPackages("..core.kernel.linux..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jnr..");
}
