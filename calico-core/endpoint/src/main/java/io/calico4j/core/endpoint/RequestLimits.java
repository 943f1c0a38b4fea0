package io.calico4j.core.endpoint;

import io.calico4j.core.model.ReservedLabels;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Map.Entry;

/**
 * How much one request may bring, in every plugin: an endpoint is kept in the memory of every host.
 * Lengths of labels and annotations are Kubernetes'; numbers are ours, well above what is in use.
 */
final class RequestLimits {
  static final int LABELS = 128;
  static final int LABEL_NAME = 63;
  static final int LABEL_PREFIX = 253;
  static final int LABEL_VALUE = 63;
  static final int ANNOTATIONS = 256 << 10;
  static final int PROFILES = 64;
  static final int ADDRESSES = 256;
  static final int NETWORKS = 256;
  static final int PORTS = 128;

  private RequestLimits() {}

  /** Demands labels of an endpoint; an {@link IllegalArgumentException} names limit and number. */
  static void requireLabels(Map<String, String> labels) {
    requireCount("labels", labels.size(), LABELS);
    for (Entry<String, String> label : labels.entrySet()) {
      String key = label.getKey();
      if (ReservedLabels.contain(key)) {
        throw new IllegalArgumentException(
            "label \""
                + abbreviate(key)
                + "\" is reserved: no workload sets labels that begin with "
                + String.join(", ", ReservedLabels.PREFIXES)
                + "; join a network or group, or take another key");
      }
      int slash = key.lastIndexOf('/');
      requireLength("the prefix of label", key, slash, LABEL_PREFIX);
      requireLength("the name of label", key, key.length() - slash - 1, LABEL_NAME);
      requireLength("the value of label", key, label.getValue().length(), LABEL_VALUE);
    }
  }

  /** Demands annotations of an endpoint. */
  static void requireAnnotations(Map<String, String> annotations) {
    long size = 0;
    for (Entry<String, String> annotation : annotations.entrySet()) {
      size += annotation.getKey().getBytes(StandardCharsets.UTF_8).length;
      size += annotation.getValue().getBytes(StandardCharsets.UTF_8).length;
    }
    if (size > ANNOTATIONS) {
      throw new IllegalArgumentException(
          "the annotations have " + size + " bytes, but at most " + ANNOTATIONS + " are kept");
    }
  }

  /** Demands that there are not more of something than can be. */
  static void requireCount(String what, int count, int limit) {
    if (count > limit) {
      throw new IllegalArgumentException(
          count + " " + what + " are asked for, but an endpoint has at most " + limit);
    }
  }

  private static void requireLength(String what, String of, int length, int limit) {
    if (length > limit) {
      throw new IllegalArgumentException(
          what
              + " \""
              + abbreviate(of)
              + "\" has "
              + length
              + " characters, but at most "
              + limit
              + " can be");
    }
  }

  private static String abbreviate(String text) {
    return text.length() <= 64 ? text : text.substring(0, 64) + "…";
  }
}
