package io.calico4j.node;

import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.ValueType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The variables that say where etcd is. {@link EtcdConfig} makes them a connection; here they are
 * named, and each is checked alone.
 */
final class EtcdSettings {
  /** The port for clients of an etcd of this host's own. */
  static final Setting<Integer> CLIENT_PORT =
      Setting.of(
          "CALICO_ETCD_CLIENT_PORT",
          port(),
          2379,
          "the port of an etcd of this host's own, on 127.0.0.1");

  /** Its port for other members, of which there are none. */
  static final Setting<Integer> PEER_PORT =
      Setting.of("CALICO_ETCD_PEER_PORT", port(), 2380, "its port for other members");

  /** At which size its file is full. */
  static final Setting<Integer> QUOTA =
      Setting.of(
          "CALICO_ETCD_QUOTA_MEGABYTES",
          ValueType.integer("16 to 8192", 16, 8192),
          2048,
          "the size of its file at which it refuses writes");

  private static final Setting<String> ENDPOINTS =
      Setting.of(
              "ETCD_ENDPOINTS",
              ValueType.strict(
                      "comma-separated URLs, all http://HOST:PORT or all https://HOST:PORT,"
                          + " without user and password",
                      EtcdSettings::checked)
                  .showing(EtcdSettings::withoutUser),
              "",
              "where etcd is")
          .orElse("empty: an etcd of this host's own, for root only");

  private static final Setting<String> DISCOVERY =
      Setting.of(
          "ETCD_DISCOVERY_SRV",
          ValueType.of(
              "empty, for it is not supported: name the members in ETCD_ENDPOINTS",
              text -> Optional.empty()),
          "",
          "no effect here");

  /** Those of which files are named. */
  private static final List<Setting<String>> FILES =
      List.of(
          Setting.of(
                  "ETCD_CA_CERT_FILE", file(), "", "PEM certificates that etcd's is verified with")
              .orElse("the system's"),
          Setting.of("ETCD_CERT_FILE", file(), "", "this client's PEM certificate"),
          Setting.of("ETCD_KEY_FILE", file(), "", "that certificate's PEM key"));

  /** Certificates given as text, of several lines. */
  private static final List<Setting<String>> INLINE =
      List.of(
          Setting.of("ETCD_CA_CERT", pem(), "", "the text instead of ETCD_CA_CERT_FILE"),
          Setting.of("ETCD_CERT", pem(), "", "the text instead of ETCD_CERT_FILE"),
          Setting.of("ETCD_KEY", pem(), "", "the text instead of ETCD_KEY_FILE"));

  private static final List<Setting<String>> LOGIN =
      List.of(
          Setting.of("ETCD_USERNAME", ValueType.text("any text"), "", "etcd's user"),
          Setting.of("ETCD_PASSWORD", ValueType.secret("any text"), "", "that user's password"));

  /** What an operator may set. */
  static final Settings TABLE =
      new Settings(
          "etcd",
          Stream.of(
                  Stream.<Setting<?>>of(ENDPOINTS),
                  FILES.stream(),
                  INLINE.stream(),
                  LOGIN.stream(),
                  Stream.of(DISCOVERY, CLIENT_PORT, PEER_PORT, QUOTA))
              .flatMap(settings -> settings)
              .<Setting<?>>map(setting -> setting)
              .toList());

  private EtcdSettings() {}

  /** Tells whether etcd is this host's own. */
  static boolean isOwn(Map<String, String> environment) {
    return ENDPOINTS.read(environment).isEmpty();
  }

  private static String checked(String text) {
    EtcdConfig unused = EtcdConfig.fromEnvironment(Map.of("ETCD_ENDPOINTS", text));
    return text;
  }

  /** Leaves out what stands before an at sign: there may be a password in it. */
  private static String withoutUser(String text) {
    int at = text.lastIndexOf('@');
    return at < 0 ? text : "…" + text.substring(at);
  }

  private static ValueType<Integer> port() {
    return ValueType.integer("a port, 1 to 65535", 1, 65535);
  }

  private static ValueType<String> file() {
    return ValueType.strict("a path", text -> Path.of(text).toString());
  }

  private static ValueType<String> pem() {
    return ValueType.secret("PEM text");
  }
}
