package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class LogStreamTest {
  private static final Logger log = LoggerFactory.getLogger(LogStreamTest.class);
  private static final String FORGED = "x\n2026-01-01 WARN Felix - all is open\r\u001b[2K\u2028y";

  private final PrintStream before = System.err;
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

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
  void neitherDoesTheMessageOfAnException() {
    System.setErr(LogStream.of(printed));
    log.warn("failed", new IllegalStateException(FORGED, new IllegalArgumentException(FORGED)));
    assertThat(text().lines())
        .noneMatch(line -> line.startsWith("2026-01-01 WARN"))
        .anyMatch(line -> line.startsWith("\tat "));
  }
}
