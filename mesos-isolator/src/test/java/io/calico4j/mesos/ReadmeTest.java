package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** An operator finds every error text of the module in its README. */
class ReadmeTest {
  private static final Pattern ERROR =
      Pattern.compile(
          "(?:new (?:RefusedRequestException|CniError|IllegalArgumentException|AgentUnavailableException)"
              + "|unusable)\\(");
  private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"");

  @Test
  void everyErrorTextIsExplained() throws Exception {
    String readme = Files.readString(Path.of("README.md"));
    List<String> texts = errorTexts();
    assertThat(texts).hasSizeGreaterThan(40);
    assertThat(texts).allSatisfy(text -> assertThat(readme).contains(text));
  }

  /** Returns the longest literal of each error's message. */
  private static List<String> errorTexts() throws IOException {
    List<String> texts = new ArrayList<>();
    try (Stream<Path> files = Files.list(Path.of("src/main/java/io/calico4j/mesos"))) {
      for (Path file : files.sorted().toList()) {
        String source = Files.readString(file);
        Matcher error = ERROR.matcher(source);
        while (error.find()) {
          String arguments = arguments(source, error.end()).replaceAll("\"\\s*\\+\\s*\"", "");
          LITERAL
              .matcher(arguments)
              .results()
              .map(literal -> literal.group(1).replace("\\\"", "\"").strip())
              .max(Comparator.comparingInt(String::length))
              .ifPresent(texts::add);
        }
      }
    }
    return texts;
  }

  private static String arguments(String source, int start) {
    int depth = 1;
    boolean quoted = false;
    int at = start;
    while (depth > 0) {
      char c = source.charAt(at);
      if (c == '"' && source.charAt(at - 1) != '\\') {
        quoted = !quoted;
      } else if (!quoted) {
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      }
      at++;
    }
    return source.substring(start, at - 1);
  }
}
