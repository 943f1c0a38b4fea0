package io.calico4j.core.datastore;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What fails again and again has two lines. */
class TroubleTest {
  private static final String NAME = TroubleTest.class.getName();

  private final List<String> lines = new ArrayList<>();
  private final Logger logger = Logger.getLogger(NAME);
  private final Trouble trouble =
      new Trouble(LoggerFactory.getLogger(NAME), "blocks are not given back");
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord line) {
          lines.add(line.getLevel() + " " + line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void listen() {
    logger.setUseParentHandlers(false);
    logger.setLevel(Level.INFO);
    logger.addHandler(handler);
  }

  @AfterEach
  void leave() {
    logger.removeHandler(handler);
  }

  @Test
  void itsBeginAndItsEndAreLogged() {
    trouble.done();
    assertThat(lines).isEmpty();
    trouble.failed(new ConflictException("changed", null));
    trouble.failed(new IllegalStateException("other"));
    trouble.done();
    trouble.done();
    assertThat(lines)
        .containsExactly(
            "WARNING blocks are not given back now, it is tried again: changed",
            "INFO it is over that blocks are not given back");
  }

  @Test
  void aDatastoreThatIsNotReachedIsNoReasonOfItsOwn() {
    trouble.failed(new IllegalStateException(new UnreachableException("away", true, null)));
    trouble.failed(new UnreachableException("away", true, null));
    trouble.done();
    assertThat(lines).isEmpty();
    trouble.failed(new UnavailableException("permission denied", true, null));
    assertThat(lines).hasSize(1);
  }
}
