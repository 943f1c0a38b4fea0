package io.calico4j.core;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.net.ServerSocket;
import java.net.Socket;

/** Values know no input or output, and a package only those below it. */
@AnalyzeClasses(packages = "io.calico4j.core", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule addressesAndNamesAreTheLowest =
      noClasses()
          .that()
          .resideInAnyPackage("..core.net..", "..core.name..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..core.model..", "..core.selector..", "..core.resource..");

  @ArchTest
  static final ArchRule selectorsKnowNoResources =
      noClasses()
          .that()
          .resideInAnyPackage("..core.selector..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..core.model..", "..core.resource..");

  @ArchTest
  static final ArchRule resourcesKnowNotHowTheyAreKept =
      noClasses()
          .that()
          .resideInAnyPackage("..core.model..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..core.resource..");

  /** No I/O, no threads and no clock. */
  @ArchTest
  static final ArchRule valuesOnlyCompute =
      noClasses()
          .that()
          .resideInAnyPackage(
              "..core.net..", "..core.name..", "..core.model..", "..core.selector..")
          .should()
          .dependOnClassesThat(
              resideOutsideOfPackages(
                      "io.calico4j..",
                      "com.google.gson..",
                      "org.jspecify..",
                      "java.lang..",
                      "java.math",
                      "java.net",
                      "java.nio.charset",
                      "java.security",
                      "java.util",
                      "java.util.function",
                      "java.util.regex",
                      "java.util.stream")
                  .or(belongToAnyOf(Thread.class, Socket.class, ServerSocket.class)))
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(System.class, "getenv");
}
