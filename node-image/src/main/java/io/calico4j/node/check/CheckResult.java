package io.calico4j.node.check;

import java.util.List;

/**
 * What one look at the host has found.
 *
 * @param subject what was looked at
 * @param state how it is
 * @param detail what was found, in words
 * @param remedy what to do where it is not fine; empty where it is
 */
public record CheckResult(String subject, State state, String detail, String remedy) {
  /** How something is. */
  public enum State {
    /** As it ought to be. */
    OK("ok"),
    /** calico-node works without it, or puts it right itself. */
    WARNING("warning"),
    /** calico-node cannot work. */
    MISSING("MISSING");

    private final String word;

    State(String word) {
      this.word = word;
    }
  }

  static CheckResult ok(String subject, String detail) {
    return new CheckResult(subject, State.OK, detail, "");
  }

  static CheckResult warning(String subject, String detail, String remedy) {
    return new CheckResult(subject, State.WARNING, detail, remedy);
  }

  static CheckResult missing(String subject, String detail, String remedy) {
    return new CheckResult(subject, State.MISSING, detail, remedy);
  }

  /** Prints results as a table, with a remedy below each that is not fine. */
  public static String table(List<CheckResult> results) {
    int width = results.stream().mapToInt(each -> each.subject().length()).max().orElse(0);
    StringBuilder text = new StringBuilder();
    for (CheckResult each : results) {
      text.append(String.format("%-" + width + "s  %-7s  ", each.subject(), each.state().word));
      text.append(each.detail()).append('\n');
      if (!each.remedy().isEmpty()) {
        text.append(" ".repeat(width + 2)).append("-> ").append(each.remedy()).append('\n');
      }
    }
    return text.toString();
  }

  /** Tells whether calico-node can work. */
  public static boolean isFine(List<CheckResult> results) {
    return results.stream().noneMatch(each -> each.state() == State.MISSING);
  }
}
