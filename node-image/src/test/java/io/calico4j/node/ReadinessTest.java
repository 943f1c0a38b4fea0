package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What /readiness says. */
class ReadinessTest {
  @Test
  void itIs503AndSaysWhyWhileAnyComponentIsInTrouble() {
    AtomicReference<Optional<String>> bird = new AtomicReference<>(Optional.empty());
    try (Readiness readiness = new Readiness()) {
      readiness.add("Felix", Optional::empty);
      readiness.add("Bird", bird::get);
      assertThat(readiness.page().status()).isEqualTo(200);
      assertThat(readiness.page().text()).isEqualTo("Bird: ready\nFelix: ready\n");
      bird.set(Optional.of("bird does not answer any more"));
      assertThat(readiness.page().status()).isEqualTo(503);
      assertThat(readiness.page().text())
          .isEqualTo("Bird: not ready: bird does not answer any more\nFelix: ready\n");
    }
  }
}
