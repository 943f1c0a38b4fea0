package io.calico4j.calicoctl;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** To explain policy calicoctl calculates as Felix does; it programs nothing. */
@AnalyzeClasses(
    packages = "io.calico4j.calicoctl",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule felixIsItsCalculation =
      noClasses()
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.calico4j.felix..")
                  .and(resideOutsideOfPackages("..felix.calculation..", "..felix.explain..")));
}
