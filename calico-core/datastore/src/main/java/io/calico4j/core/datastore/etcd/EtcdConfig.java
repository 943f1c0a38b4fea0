package io.calico4j.core.datastore.etcd;

import io.calico4j.core.net.IpAddress;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;

/**
 * How to reach etcd.
 *
 * @param endpoints URLs such as {@code http://127.0.0.1:2379}, at least one, all of one scheme,
 *     without user and password, so that they may be printed
 * @param tls what https needs; null for http
 * @param user the user; used only with a password
 * @param password the password; never logged
 * @param timeout how long one request may take
 */
public record EtcdConfig(
    List<String> endpoints,
    @Nullable Tls tls,
    @Nullable String user,
    @Nullable String password,
    Duration timeout) {
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(5);
  private static final String LOCAL = "http://127.0.0.1:2379";

  /** Checks that there is an endpoint, and that certificates are not given in vain. */
  public EtcdConfig {
    endpoints = List.copyOf(endpoints);
    if (endpoints.isEmpty()) {
      throw new IllegalArgumentException("no etcd endpoint: set ETCD_ENDPOINTS");
    }
    for (int i = 0; i < endpoints.size(); i++) {
      if (endpoints.get(i).contains("@")) {
        throw new IllegalArgumentException(
            "etcd endpoint number "
                + (i + 1)
                + " (…"
                + endpoints.get(i).substring(endpoints.get(i).lastIndexOf('@'))
                + ") has a user or password in it: give them as ETCD_USERNAME and ETCD_PASSWORD"
                + " (in a network configuration etcd_username and etcd_password)");
      }
    }
    long secure = endpoints.stream().filter(e -> e.startsWith("https://")).count();
    if (endpoints.stream().anyMatch(e -> !e.matches("https?://.+"))) {
      throw new IllegalArgumentException(
          "etcd endpoints " + endpoints + ": write each as http://HOST:PORT or https://HOST:PORT");
    }
    for (String endpoint : endpoints) {
      if (host(endpoint) == null) {
        throw new IllegalArgumentException(
            "etcd endpoint " + endpoint + " names no host: write it as http://HOST:PORT");
      }
    }
    if (secure != 0 && secure != endpoints.size()) {
      throw new IllegalArgumentException(
          "etcd endpoints " + endpoints + " mix http and https: use one of them");
    }
    if (secure == 0 && tls != null) {
      throw new IllegalArgumentException(
          "etcd endpoints "
              + endpoints
              + " are not encrypted, although certificates are set: write https://");
    }
    if (secure != 0 && tls == null) {
      tls = Tls.SYSTEM;
    }
  }

  private static @Nullable String host(String endpoint) {
    try {
      return new URI(endpoint).getHost();
    } catch (URISyntaxException e) {
      return null;
    }
  }

  /** Makes a configuration without TLS and authentication. */
  public static EtcdConfig of(List<String> endpoints) {
    return new EtcdConfig(endpoints, null, null, null, DEFAULT_TIMEOUT);
  }

  /** Returns the same with another time for one request. */
  public EtcdConfig withTimeout(Duration timeout) {
    return new EtcdConfig(endpoints, tls, user, password, timeout);
  }

  /**
   * Reads upstream's variables: ETCD_ENDPOINTS (this host's etcd when empty); ETCD_CA_CERT_FILE,
   * ETCD_CERT_FILE and ETCD_KEY_FILE, or the certificates themselves in ETCD_CA_CERT, ETCD_CERT and
   * ETCD_KEY; ETCD_USERNAME with ETCD_PASSWORD.
   *
   * @throws IllegalArgumentException naming the variable, its value and what to do
   */
  public static EtcdConfig fromEnvironment(Map<String, String> environment) {
    if (text(environment, "ETCD_DISCOVERY_SRV").isPresent()) {
      throw new IllegalArgumentException(
          "ETCD_DISCOVERY_SRV is not supported: name the members in ETCD_ENDPOINTS");
    }
    Optional<Tls> tls = Tls.fromEnvironment(environment);
    List<String> endpoints = new ArrayList<>();
    StringTokenizer tokens =
        new StringTokenizer(text(environment, "ETCD_ENDPOINTS").orElse(LOCAL), ", \t\r\n");
    while (tokens.hasMoreTokens()) {
      endpoints.add(url(tokens.nextToken(), tls.isPresent()));
    }
    Optional<String> user = text(environment, "ETCD_USERNAME");
    Optional<String> password = text(environment, "ETCD_PASSWORD");
    boolean login = user.isPresent() && password.isPresent();
    return new EtcdConfig(
        endpoints,
        tls.orElse(null),
        login ? user.get() : null,
        login ? password.get() : null,
        DEFAULT_TIMEOUT);
  }

  /** As etcd's Go client: a scheme in any case, and none where HOST:PORT is enough. */
  private static String url(String endpoint, boolean secure) {
    int scheme = endpoint.indexOf("://");
    if (scheme >= 0) {
      return endpoint.substring(0, scheme).toLowerCase(Locale.ROOT) + endpoint.substring(scheme);
    }
    return endpoint.matches("(\\[[0-9a-fA-F:.]+]|[A-Za-z0-9._-]+):[0-9]{1,5}")
        ? (secure ? "https://" : "http://") + endpoint
        : endpoint;
  }

  /** Returns the addresses of the endpoints, as far as their names can be resolved now. */
  public Set<IpAddress> addresses() {
    Set<IpAddress> addresses = new LinkedHashSet<>();
    for (String endpoint : endpoints) {
      try {
        for (InetAddress address : InetAddress.getAllByName(host(endpoint))) {
          addresses.add(IpAddress.ofBytes(address.getAddress()));
        }
      } catch (UnknownHostException e) {
        // Then etcd is not reached by it either.
      }
    }
    return addresses;
  }

  /** Returns a variable's value; an empty one counts as absent. */
  static Optional<String> text(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).filter(value -> !value.isEmpty());
  }

  /** Prints the endpoints only: no secret reaches a log. */
  @Override
  public String toString() {
    return String.join(",", endpoints);
  }
}
