package io.calico4j.node;

import io.calico4j.felix.config.LogSeverity;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/**
 * The log's lines on standard error: {@code 2026-11-27T18:58:33.603+0000 [thread] WARN Felix -
 * text}, and below it the lines of an exception. It is the only handler of java.util.logging, where
 * SLF4J and gRPC log, so that how much is logged can change while the process runs.
 */
final class LogLines extends Handler {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSZ").withZone(ZoneId.systemDefault());

  /** Kept, because java.util.logging forgets a logger, with its level, that no reference holds. */
  private static final Logger ALL = Logger.getLogger("");

  private static final Logger PROJECT = Logger.getLogger("io.calico4j");

  private final SimpleFormatter messages = new SimpleFormatter();

  private LogLines() {}

  /** Has everything logged so that is as severe; to be called before anything is logged. */
  static void install(Level level) {
    for (Handler handler : ALL.getHandlers()) {
      ALL.removeHandler(handler);
    }
    LogLines lines = new LogLines();
    lines.setLevel(Level.ALL);
    ALL.addHandler(lines);
    setLogged(level);
  }

  /** Changes what is logged, from the next line on. */
  static void setSeverity(LogSeverity severity) {
    setLogged(
        switch (severity) {
          case TRACE -> Level.FINEST;
          case DEBUG -> Level.FINE;
          case INFO -> Level.INFO;
          case WARNING -> Level.WARNING;
          case ERROR, FATAL -> Level.SEVERE;
        });
  }

  /** Libraries never log more than INFO: what they do one by one is not Calico's. */
  static void setLogged(Level level) {
    PROJECT.setLevel(level);
    ALL.setLevel(level.intValue() < Level.INFO.intValue() ? Level.INFO : level);
  }

  @Override
  public synchronized void publish(LogRecord entry) {
    if (!isLoggable(entry)) {
      return;
    }
    System.err.println(
        TIME.format(Instant.ofEpochMilli(entry.getMillis()))
            + " ["
            + Thread.currentThread().getName()
            + "] "
            + word(entry.getLevel())
            + " "
            + shortName(String.valueOf(entry.getLoggerName()))
            + " - "
            + messages.formatMessage(entry));
    Throwable thrown = entry.getThrown();
    if (thrown != null) {
      thrown.printStackTrace(System.err);
    }
  }

  private static String shortName(String logger) {
    return logger.substring(logger.lastIndexOf('.') + 1);
  }

  private static String word(Level level) {
    int value = level.intValue();
    if (value >= Level.SEVERE.intValue()) {
      return "ERROR";
    }
    if (value >= Level.WARNING.intValue()) {
      return "WARN";
    }
    if (value >= Level.INFO.intValue()) {
      return "INFO";
    }
    return value >= Level.FINE.intValue() ? "DEBUG" : "TRACE";
  }

  @Override
  public void flush() {
    System.err.flush();
  }

  @Override
  public void close() {}
}
