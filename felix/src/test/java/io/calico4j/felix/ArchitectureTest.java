package io.calico4j.felix;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.calico4j.core.testing.PurePackages;

/** What calculates does not program, and nftables is reached by one package. */
@AnalyzeClasses(
    packages = "io.calico4j.felix",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule calculationOnlyComputes =
      PurePackages.onlyCompute(
          "io.calico4j.felix.calculation..",
          "io.calico4j.felix.explain..",
          "io.calico4j.felix.rules..");

  @ArchTest
  static final ArchRule nativeCodeIsCalledByOnePackage =
      noClasses()
          .that()
          .resideOutsideOfPackages("..felix.dataplane.nft..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jnr..");
}
