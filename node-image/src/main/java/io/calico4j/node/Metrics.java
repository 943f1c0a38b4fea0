package io.calico4j.node;

import java.util.Locale;

/** The Prometheus text format, version 0.0.4. */
final class Metrics {
  static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private Metrics() {}

  /** Prints what begins a metric: its help text and its type. */
  static String head(String name, String type, String help) {
    return "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }

  /** Prints a metric without labels. */
  static String single(String name, String type, String help, long value) {
    return head(name, type, help) + name + " " + value + "\n";
  }

  /** Prints a sample; labels come as {@code name, value, name, value …}. */
  static String sample(String name, Number value, String... labels) {
    StringBuilder text = new StringBuilder(name);
    for (int i = 0; i + 1 < labels.length; i += 2) {
      text.append(i == 0 ? '{' : ',').append(labels[i]).append("=\"");
      text.append(labels[i + 1].replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"));
      text.append('"');
    }
    if (labels.length > 0) {
      text.append('}');
    }
    String number =
        value instanceof Double d ? String.format(Locale.ROOT, "%.6f", d) : value.toString();
    return text.append(' ').append(number).append('\n').toString();
  }
}
