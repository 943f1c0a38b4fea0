package io.calico4j.node;

import io.calico4j.core.model.PrintableText;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Standard error as the log: what one call prints is one line, whatever is in it. The logger prints
 * each record, and a stack trace each of its lines, with one call, so that no name or message from
 * outside can add a line that looks like the log's own.
 */
final class LogStream extends PrintStream {
  private LogStream(OutputStream out) {
    super(out, true, StandardCharsets.UTF_8);
  }

  /** A log that writes to another stream. */
  static PrintStream of(OutputStream out) {
    return new LogStream(out);
  }

  private final AtomicLong errors = new AtomicLong();

  /** Returns how many lines of the log could not be written; 0 before it is installed. */
  static long errors() {
    return System.err instanceof LogStream log ? log.errors.get() : 0;
  }

  private void count() {
    // It stays set otherwise, whatever is written after.
    if (checkError()) {
      errors.incrementAndGet();
      clearError();
    }
  }

  /** Replaces {@link System#err}; to be called before anything is logged. */
  static void install() {
    System.setErr(new LogStream(new FileOutputStream(FileDescriptor.err)));
  }

  @Override
  public void println(@Nullable String text) {
    super.println(PrintableText.of(String.valueOf(text)));
    count();
  }

  @Override
  public void println(@Nullable Object object) {
    super.println(PrintableText.of(String.valueOf(object)));
    count();
  }
}
