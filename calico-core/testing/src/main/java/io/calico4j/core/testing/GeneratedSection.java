package io.calico4j.core.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A part of a README that is made from code, between {@code <!-- NAME -->} and {@code <!-- end of
 * NAME -->}. With {@code -Dreadme.write=true} the test writes it instead of comparing it.
 */
public final class GeneratedSection {
  private GeneratedSection() {}

  /** Checks that a file has this text in its section. */
  public static void check(Path file, String name, String text) throws IOException {
    String begin = "<!-- " + name + " -->\n";
    String end = "<!-- end of " + name + " -->\n";
    String all = Files.readString(file);
    assertThat(all).containsOnlyOnce(begin).containsOnlyOnce(end);
    int from = all.indexOf(begin) + begin.length();
    int to = all.indexOf(end);
    String wanted = "\n" + text.strip() + "\n\n";
    if (Boolean.getBoolean("readme.write")) {
      Files.writeString(file, all.substring(0, from) + wanted + all.substring(to));
      return;
    }
    assertThat(all.substring(from, to))
        .as(file + ", section " + name + "; -Dreadme.write=true writes it anew")
        .isEqualTo(wanted);
  }
}
