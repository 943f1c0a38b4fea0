package io.calico4j.core.datastore.etcd;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;

/**
 * How to reach etcd.
 *
 * @param endpoints URLs such as {@code http://127.0.0.1:2379}, at least one
 * @param caFile the CA certificate (PEM), for https
 * @param certFile the client certificate (PEM)
 * @param keyFile the client key (PKCS 8 PEM)
 * @param user the user; used only with a password
 * @param password the password; never logged
 * @param timeout how long one request may take
 */
public record EtcdConfig(
    List<String> endpoints,
    @Nullable Path caFile,
    @Nullable Path certFile,
    @Nullable Path keyFile,
    @Nullable String user,
    @Nullable String password,
    Duration timeout) {
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(5);
  private static final String LOCAL = "http://127.0.0.1:2379";

  /** Checks that there is an endpoint. */
  public EtcdConfig {
    endpoints = List.copyOf(endpoints);
    if (endpoints.isEmpty()) {
      throw new IllegalArgumentException("no etcd endpoint: set ETCD_ENDPOINTS");
    }
  }

  /** Makes a configuration without TLS and authentication. */
  public static EtcdConfig of(List<String> endpoints) {
    return new EtcdConfig(endpoints, null, null, null, null, null, DEFAULT_TIMEOUT);
  }

  /**
   * Reads upstream's variables: ETCD_ENDPOINTS (this host's etcd when empty), ETCD_CA_CERT_FILE,
   * ETCD_USERNAME and so on.
   */
  public static EtcdConfig fromEnvironment(Map<String, String> environment) {
    List<String> endpoints = new ArrayList<>();
    String given = text(environment, "ETCD_ENDPOINTS");
    StringTokenizer tokens = new StringTokenizer(given == null ? LOCAL : given, ", ");
    while (tokens.hasMoreTokens()) {
      endpoints.add(tokens.nextToken());
    }
    String user = text(environment, "ETCD_USERNAME");
    String password = text(environment, "ETCD_PASSWORD");
    boolean login = user != null && password != null;
    return new EtcdConfig(
        endpoints,
        path(environment, "ETCD_CA_CERT_FILE"),
        path(environment, "ETCD_CERT_FILE"),
        path(environment, "ETCD_KEY_FILE"),
        login ? user : null,
        login ? password : null,
        DEFAULT_TIMEOUT);
  }

  private static @Nullable String text(Map<String, String> environment, String name) {
    String value = environment.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  private static @Nullable Path path(Map<String, String> environment, String name) {
    String value = text(environment, name);
    return value == null ? null : Path.of(value);
  }

  /** Prints the endpoints only: no secret reaches a log. */
  @Override
  public String toString() {
    return String.join(",", endpoints);
  }
}
