package io.calico4j.core.ipam;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.calico4j.core.testing.PurePackages;

/** What decides about addresses does not read or write them. */
@AnalyzeClasses(
    packages = "io.calico4j.core.ipam",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule decisionsOnlyCompute =
      PurePackages.onlyCompute("io.calico4j.core.ipam.decision..");

  @ArchTest
  static final ArchRule decisionsKnowNoDatastore =
      noClasses()
          .that()
          .resideInAnyPackage("..core.ipam.decision..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..core.datastore..", "..core.model..");
}
