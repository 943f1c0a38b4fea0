package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class LogStreamTest {
  private static final Logger log = LoggerFactory.getLogger(LogStreamTest.class);
  private static final String FORGED = "x\n2026-01-01 WARN Felix - all is open\r\u001b[2K\u2028y";

  private final PrintStream before = System.err;
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @BeforeEach
  void install() {
    LogLines.install(Level.INFO);
  }

  @AfterEach
  void restore() {
    System.setErr(before);
  }

  private String text() {
    return printed.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aValueFromOutsideAddsNoLineToTheLog() {
    System.setErr(LogStream.of(printed));
    log.warn("container={} failed", FORGED);
    assertThat(text().lines()).hasSize(1);
    assertThat(text()).contains("x\\n2026-01-01 WARN", "\\r\\u001b[2K\\u2028y failed");
  }

  @Test
  void aLineThatCannotBeWrittenIsCounted() {
    AtomicBoolean full = new AtomicBoolean();
    System.setErr(
        LogStream.of(
            new OutputStream() {
              @Override
              public void write(int value) throws IOException {
                if (full.get()) {
                  throw new IOException("No space left on device");
                }
              }
            }));
    log.warn("one");
    assertThat(LogStream.errors()).isZero();
    full.set(true);
    log.warn("two");
    log.warn("three");
    full.set(false);
    log.warn("four");
    assertThat(LogStream.errors()).isEqualTo(2);
  }

  @Test
  void neitherDoesTheMessageOfAnException() {
    System.setErr(LogStream.of(printed));
    log.warn("failed", new IllegalStateException(FORGED, new IllegalArgumentException(FORGED)));
    assertThat(text().lines())
        .noneMatch(line -> line.startsWith("2026-01-01 WARN"))
        .anyMatch(line -> line.startsWith("\tat "));
  }
}
