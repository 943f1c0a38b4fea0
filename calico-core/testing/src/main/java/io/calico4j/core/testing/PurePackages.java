package io.calico4j.core.testing;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.lang.ArchRule;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Clock;

/** The rule for packages that decide. */
public final class PurePackages {
  private PurePackages() {}

  /** Demands that packages have no I/O, no threads and no clock. */
  public static ArchRule onlyCompute(String... packages) {
    return noClasses()
        .that()
        .resideInAnyPackage(packages)
        .should()
        .dependOnClassesThat(
            belongToAnyOf(Thread.class, Clock.class, Socket.class, ServerSocket.class)
                .or(
                    resideInAnyPackage(
                        "java.nio.file..",
                        "java.nio.channels..",
                        "java.util.concurrent",
                        "io.calico4j.core.kernel..",
                        "org.slf4j..")))
        .orShould()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(System.class, "getenv");
  }
}
