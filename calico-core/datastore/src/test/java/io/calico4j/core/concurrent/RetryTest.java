package io.calico4j.core.concurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RetryTest {
  private final AtomicInteger runs = new AtomicInteger();

  private int failing(int times) throws IOException {
    if (runs.incrementAndGet() <= times) {
      throw new FileNotFoundException("run " + runs.get());
    }
    return runs.get();
  }

  @Test
  void whatIsRefusedIsRunAgainUpToTheBound() throws Exception {
    Retry retry = Retry.refused(3, List.of(FileNotFoundException.class));
    assertThat(retry.run(IOException.class, () -> failing(2))).isEqualTo(3);
    runs.set(0);
    assertThatThrownBy(() -> retry.run(IOException.class, () -> failing(Integer.MAX_VALUE)))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessage("run 3");
  }

  @Test
  void whatFailsForAnotherReasonIsNotRunAgain() {
    Retry retry = Retry.refused(3, List.of(IllegalStateException.class));
    assertThatThrownBy(() -> retry.run(IOException.class, () -> failing(1)))
        .isInstanceOf(FileNotFoundException.class);
    assertThat(runs).hasValue(1);
  }

  @Test
  void withinItsBudgetAnOperationThatIsSafeToRedoIsRunAgain() throws Exception {
    Retry retry =
        Retry.safeToRedo("it", Duration.ofMinutes(1), e -> e instanceof FileNotFoundException);
    assertThat(retry.run(IOException.class, () -> failing(3))).isEqualTo(4);
    runs.set(0);
    Retry spent = Retry.safeToRedo("it", Duration.ofMillis(150), e -> true);
    assertThatThrownBy(() -> spent.run(IOException.class, () -> failing(Integer.MAX_VALUE)))
        .isInstanceOf(FileNotFoundException.class);
  }
}
