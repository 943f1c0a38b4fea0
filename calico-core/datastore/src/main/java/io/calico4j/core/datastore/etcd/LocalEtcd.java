package io.calico4j.core.datastore.etcd;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How programs on an agent's host find etcd without being told: calico-node leaves its own ETCD_*
 * variables in {@code etcd.env} of its lib directory, one {@code NAME=value} a line, with line ends
 * written as {@code \n}, readable by root only.
 */
public final class LocalEtcd {
  /** The file's name in calico-node's lib directory. */
  public static final String FILE = "etcd.env";

  /** The variable that names calico-node's lib directory. */
  public static final String LIB_VARIABLE = "CALICO_LIB_DIR";

  private static final String DEFAULT_LIB = "/var/lib/calico";
  private static final String ENDPOINTS = "ETCD_ENDPOINTS";
  private static final String LINE_END = "\\n";
  private static final List<String> CREDENTIALS =
      List.of(
          "ETCD_CA_CERT_FILE",
          "ETCD_CERT_FILE",
          "ETCD_KEY_FILE",
          "ETCD_CA_CERT",
          "ETCD_CERT",
          "ETCD_KEY");

  private LocalEtcd() {}

  /** Returns calico-node's lib directory: CALICO_LIB_DIR, else /var/lib/calico. */
  public static Path libDirectory(Map<String, String> environment) {
    return Path.of(EtcdConfig.text(environment, LIB_VARIABLE).orElse(DEFAULT_LIB));
  }

  /**
   * Completes variables with what the agent left. They are returned as they are when they name
   * another etcd, or certificates. When they name none, or this host's own etcd as it was reached
   * before it had certificates ({@code http://127.0.0.1:2379}), the agent's are returned; without
   * an agent's file they are returned unchanged.
   *
   * @throws IllegalArgumentException when the agent's file is there and cannot be read
   */
  public static Map<String, String> complete(Map<String, String> given, Path libDirectory) {
    Path file = libDirectory.resolve(FILE);
    String endpoints = EtcdConfig.text(given, ENDPOINTS).orElse("");
    boolean mayBeOwn = endpoints.isEmpty() || isLoopback(endpoints);
    if (!mayBeOwn
        || CREDENTIALS.stream().anyMatch(name -> EtcdConfig.text(given, name).isPresent())
        || !Files.exists(file)) {
      return given;
    }
    Map<String, String> left;
    try {
      left = read(file);
    } catch (IOException e) {
      if (!endpoints.isEmpty()) {
        return given;
      }
      throw new IllegalArgumentException(
          file + " cannot be read (" + e + "): run this as root, or set " + ENDPOINTS, e);
    }
    if (endpoints.isEmpty()) {
      return left;
    }
    String own = left.getOrDefault(ENDPOINTS, "");
    return isLoopback(own) && own.startsWith("https:") && port(own) == port(endpoints)
        ? left
        : given;
  }

  private static Map<String, String> read(Path file) throws IOException {
    Map<String, String> variables = new TreeMap<>();
    for (String line : Files.readAllLines(file)) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        variables.put(
            line.substring(0, equals), line.substring(equals + 1).replace(LINE_END, "\n"));
      }
    }
    return variables;
  }

  private static boolean isLoopback(String endpoint) {
    return endpoint.matches("https?://(127\\.0\\.0\\.1|localhost|\\[::1])(:[0-9]{1,5})?/?");
  }

  private static int port(String endpoint) {
    int port = URI.create(endpoint).getPort();
    return port == -1 ? 2379 : port;
  }
}
