package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.felix.config.LogSeverity;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The log's lines, and which of them there are. */
class LogLinesTest {
  private static final Logger log = LoggerFactory.getLogger(LogLinesTest.class);
  private static final Logger library = LoggerFactory.getLogger("io.netty.channel.Channel");

  private final PrintStream before = System.err;
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @BeforeEach
  void install() {
    System.setErr(LogStream.of(printed));
    LogLines.install(Level.INFO);
  }

  @AfterEach
  void restore() {
    LogLines.setLogged(Level.INFO);
    System.setErr(before);
  }

  private List<String> lines() {
    return printed.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void aLineHasTimeThreadLevelClassAndText() {
    log.info("endpoints={} of {}", 1, "{0}");
    assertThat(lines())
        .hasSize(1)
        .first()
        .asString()
        .matches(
            "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}[+-]\\d{4} \\[\\S+] INFO LogLinesTest"
                + " - endpoints=1 of \\{0}");
  }

  @Test
  void anExceptionFollowsItsLine() {
    log.warn("failed", new IllegalStateException("why"));
    assertThat(lines().get(0)).endsWith(" WARN LogLinesTest - failed");
    assertThat(lines().get(1)).isEqualTo("java.lang.IllegalStateException: why");
    assertThat(lines().get(2)).startsWith("\tat ");
  }

  @Test
  void whatUsesTheJvmsOwnLogIsInItToo() {
    java.util.logging.Logger.getLogger("io.grpc.Channel")
        .log(Level.WARNING, "lost {0}", new Object[] {"etcd"});
    assertThat(lines()).hasSize(1).first().asString().endsWith(" WARN Channel - lost etcd");
  }

  @ParameterizedTest
  @CsvSource({
    "TRACE,TRACE DEBUG INFO WARN ERROR",
    "DEBUG,DEBUG INFO WARN ERROR",
    "INFO,INFO WARN ERROR",
    "WARNING,WARN ERROR",
    "ERROR,ERROR",
    "FATAL,ERROR"
  })
  void theSeverityCountsFromTheNextLineOn(LogSeverity severity, String levels) {
    LogLines.setSeverity(severity);
    log.trace("x");
    log.debug("x");
    log.info("x");
    log.warn("x");
    log.error("x");
    assertThat(lines().stream().map(line -> line.split(" ", -1)[2]))
        .containsExactly(levels.split(" ", -1));
  }

  @Test
  void librariesDoNotTellWhatTheyDoOneByOne() {
    LogLines.setSeverity(LogSeverity.TRACE);
    library.debug("read");
    library.info("new");
    assertThat(lines()).hasSize(1);
    LogLines.setSeverity(LogSeverity.ERROR);
    library.warn("old");
    assertThat(lines()).hasSize(1);
  }
}
