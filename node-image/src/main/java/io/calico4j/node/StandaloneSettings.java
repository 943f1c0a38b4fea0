package io.calico4j.node;

import com.google.gson.JsonObject;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.TeardownRecords;
import io.calico4j.core.endpoint.WorkloadMtu;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.SettingValues;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.SettingsException;
import io.calico4j.core.setting.ValueType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a plugin that works alone must know: the node's name and where etcd is. Taken from the
 * network configuration (upstream's field names), else from the environment, else from what the
 * agent left in its lib directory when it last started.
 *
 * @param node the node's name
 * @param etcd where the datastore is
 * @param runDirectory the agent's run directory
 * @param mtu of workloads as the agent left it, in bytes; 1500 when it never ran
 */
record StandaloneSettings(NodeName node, EtcdConfig etcd, Path runDirectory, int mtu) {
  /** The file in the run directory that {@link io.calico4j.felix.DataplaneLock} locks. */
  static final String DATAPLANE_LOCK = "dataplane.lock";

  private static final Setting<Patience> BUDGET =
      Setting.of(
              "CALICO_ADD_BUDGET_SECONDS",
              ValueType.strict(
                  "a number of seconds, 1 to 100",
                  text -> Patience.ofSeconds("CALICO_ADD_BUDGET_SECONDS", text)),
              new Patience(Patience.DEFAULT),
              "how long an ADD waits for a datastore that is away")
          .orElse(Long.toString(Patience.DEFAULT.toSeconds()));

  /** What an operator may set, in the agent's environment and in that of plugins without agent. */
  static final Settings TABLE =
      new Settings(
          "plugins, with and without agent",
          List.of(
              BUDGET, NodeSettings.NODE, NodeSettings.RUN_DIRECTORY, NodeSettings.LIB_DIRECTORY));

  private static final String NODE_FILE = "nodename";
  private static final String MTU_FILE = "mtu";
  private static final Map<String, String> FIELDS =
      Map.of(
          "etcd_endpoints", "ETCD_ENDPOINTS",
          "etcd_ca_cert_file", "ETCD_CA_CERT_FILE",
          "etcd_cert_file", "ETCD_CERT_FILE",
          "etcd_key_file", "ETCD_KEY_FILE",
          "etcd_discovery_srv", "ETCD_DISCOVERY_SRV",
          "etcd_username", "ETCD_USERNAME",
          "etcd_password", "ETCD_PASSWORD");

  /** Certificates given as text, of several lines. */
  private static final List<String> INLINE = List.of("ETCD_CA_CERT", "ETCD_CERT", "ETCD_KEY");

  private static final String LINE_END = "\\n";

  /** Leaves the agent's own settings for plugins that work alone; only root can read them. */
  static void write(Path libDirectory, NodeName node, Map<String, String> environment)
      throws IOException {
    StringBuilder etcd = new StringBuilder();
    environment.forEach(
        (name, value) -> {
          if (FIELDS.containsValue(name) || INLINE.contains(name)) {
            etcd.append(name).append('=').append(value.replace("\n", LINE_END)).append('\n');
          }
        });
    replace(libDirectory.resolve(LocalEtcd.FILE), etcd.toString(), "rw-------");
    replace(libDirectory.resolve(NODE_FILE), node.text(), "rw-r--r--");
  }

  /**
   * Completes how endpoints are attached, alike for the agent and for a plugin that works alone:
   * how long an ADD waits for etcd, and where detachments are recorded.
   */
  static EndpointSettings endpoints(EndpointSettings settings, Map<String, String> environment) {
    return settings.with(
        BUDGET.read(environment),
        TeardownRecords.directory(NodeSettings.LIB_DIRECTORY.read(environment)));
  }

  /** Leaves the MTU of workloads where upstream's plugins look for it too. */
  static void writeMtu(Path libDirectory, int mtu) throws IOException {
    replace(libDirectory.resolve(MTU_FILE), Integer.toString(mtu), "rw-r--r--");
  }

  /** Tells whether the MTU has been left. */
  static boolean hasMtu(Path libDirectory) {
    return Files.exists(libDirectory.resolve(MTU_FILE));
  }

  private static int mtu(JsonObject configuration, Path libDirectory) throws CniError, IOException {
    if (!hasMtu(libDirectory)) {
      if (NetworkConfiguration.bool(configuration, "require_mtu_file")) {
        throw new CniError(
            CniError.TRY_AGAIN,
            libDirectory.resolve(MTU_FILE)
                + " is missing, and the configuration says require_mtu_file: start calico-node",
            "");
      }
      return WorkloadMtu.DEFAULT;
    }
    String text = Files.readString(libDirectory.resolve(MTU_FILE)).strip();
    return text.matches("[1-9][0-9]{2,4}") ? Integer.parseInt(text) : WorkloadMtu.DEFAULT;
  }

  private static void replace(Path file, String text, String permissions) throws IOException {
    Path fresh =
        Files.createTempFile(
            file.getParent(),
            file.getFileName().toString(),
            ".new",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions)));
    Files.write(fresh, text.getBytes(StandardCharsets.UTF_8));
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Reads the settings for one request; a bad field is a {@link CniError} that names it. */
  static StandaloneSettings of(JsonObject configuration, Map<String, String> environment)
      throws CniError, IOException {
    SettingValues values;
    try {
      values = TABLE.read(environment);
    } catch (SettingsException e) {
      throw new CniError(
          CniError.INVALID_ENVIRONMENT,
          "the environment makes no sense",
          String.valueOf(e.getMessage()));
    }
    Path lib = values.get(NodeSettings.LIB_DIRECTORY);
    EtcdConfig etcd;
    try {
      etcd = EtcdConfig.fromEnvironment(etcd(configuration, environment, lib));
    } catch (IllegalArgumentException e) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "etcd cannot be reached with this configuration",
          String.valueOf(e.getMessage()));
    }
    return new StandaloneSettings(
        node(configuration, values.get(NodeSettings.NODE), lib),
        etcd,
        values.get(NodeSettings.RUN_DIRECTORY),
        mtu(configuration, lib));
  }

  private static Map<String, String> etcd(
      JsonObject configuration, Map<String, String> environment, Path lib)
      throws CniError, IOException {
    Map<String, String> given = new TreeMap<>();
    for (Map.Entry<String, String> field : FIELDS.entrySet()) {
      String value = NetworkConfiguration.string(configuration, field.getKey());
      if (!value.isEmpty()) {
        given.put(field.getValue(), value);
      }
    }
    String authority = NetworkConfiguration.string(configuration, "etcd_authority");
    if (!authority.isEmpty() && !given.containsKey("ETCD_ENDPOINTS")) {
      String scheme = NetworkConfiguration.string(configuration, "etcd_scheme");
      given.put("ETCD_ENDPOINTS", (scheme.isEmpty() ? "http" : scheme) + "://" + authority);
    }
    boolean named = given.containsKey("ETCD_ENDPOINTS");
    boolean inEnvironment = !environment.getOrDefault("ETCD_ENDPOINTS", "").isEmpty();
    return LocalEtcd.complete(!named && inEnvironment ? environment : given, lib);
  }

  private static NodeName node(JsonObject configuration, Optional<NodeName> variable, Path lib)
      throws CniError, IOException {
    String name = name(configuration, variable, lib);
    return NodeName.tryParse(name)
        .orElseThrow(
            () ->
                new CniError(
                    CniError.INVALID_CONFIGURATION,
                    "the node's name \"" + name + "\" must be " + NodeName.FORM + ": set nodename",
                    ""));
  }

  private static String name(JsonObject configuration, Optional<NodeName> variable, Path lib)
      throws CniError, IOException {
    for (String name :
        List.of(
            NetworkConfiguration.string(configuration, "nodename"),
            variable.map(NodeName::text).orElse(""),
            content(configuration, lib),
            NetworkConfiguration.string(configuration, "hostname"))) {
      if (!name.isEmpty()) {
        return name;
      }
    }
    return HostName.read();
  }

  private static String content(JsonObject configuration, Path lib) throws CniError, IOException {
    String given = NetworkConfiguration.string(configuration, "nodename_file");
    Path file = given.isEmpty() ? lib.resolve(NODE_FILE) : Path.of(given);
    if (Files.exists(file)) {
      return Files.readString(file).strip();
    }
    if (!given.isEmpty() && !NetworkConfiguration.bool(configuration, "nodename_file_optional")) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "nodename_file "
              + given
              + " is missing: start calico-node, or set nodename or nodename_file_optional",
          "");
    }
    return "";
  }
}
