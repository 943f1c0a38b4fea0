package io.calico4j.calicoctl;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * The connection to the datastore, as upstream's calicoctl reads it: a file of kind
 * CalicoAPIConfig, or the environment when there is no file.
 */
final class ApiConfig {
  static final String DEFAULT_FILE = "/etc/calico/calicoctl.cfg";

  private static final Map<String, String> FIELDS =
      Map.of(
          "etcdEndpoints", "ETCD_ENDPOINTS",
          "etcdUsername", "ETCD_USERNAME",
          "etcdPassword", "ETCD_PASSWORD",
          "etcdKeyFile", "ETCD_KEY_FILE",
          "etcdCertFile", "ETCD_CERT_FILE",
          "etcdCACertFile", "ETCD_CA_CERT_FILE",
          "etcdKey", "ETCD_KEY",
          "etcdCert", "ETCD_CERT",
          "etcdCACert", "ETCD_CA_CERT");

  private ApiConfig() {}

  /**
   * Returns the settings as variables.
   *
   * @throws IllegalArgumentException naming the file and what is wrong with it
   */
  static Map<String, String> read(String file, Map<String, String> environment) {
    Path path = Path.of(file);
    if (!Files.exists(path)) {
      if (!file.equals(DEFAULT_FILE)) {
        throw new IllegalArgumentException(file + " does not exist");
      }
      return environment;
    }
    try {
      Object yaml =
          new Yaml(new SafeConstructor(new LoaderOptions()))
              .load(Files.readString(path, StandardCharsets.UTF_8));
      if (!(new Gson().toJsonTree(yaml) instanceof JsonObject document)) {
        throw new IllegalArgumentException(file + " is not an object of kind CalicoAPIConfig");
      }
      return variables(file, document);
    } catch (YAMLException e) {
      throw new IllegalArgumentException(file + " is no valid YAML: " + problem(e));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Says what is wrong and where, without the lines themselves: there may be a password in them.
   */
  private static String problem(YAMLException e) {
    return e instanceof MarkedYAMLException marked && marked.getProblemMark() != null
        ? "see line " + (marked.getProblemMark().getLine() + 1)
        : e.getClass().getSimpleName();
  }

  private static Map<String, String> variables(String file, JsonObject document) {
    JsonElement kind = document.get("kind");
    if (kind == null || !kind.equals(new com.google.gson.JsonPrimitive("CalicoAPIConfig"))) {
      throw new IllegalArgumentException(file + ": kind " + kind + " is not CalicoAPIConfig");
    }
    Map<String, String> variables = new HashMap<>();
    if (document.get("spec") instanceof JsonObject spec) {
      for (Map.Entry<String, JsonElement> field : spec.entrySet()) {
        String value = field.getValue().isJsonPrimitive() ? field.getValue().getAsString() : "";
        String variable = FIELDS.get(field.getKey());
        if (field.getKey().equals("datastoreType")) {
          if (!value.equals("etcdv3")) {
            throw new IllegalArgumentException(
                file + ": datastoreType \"" + value + "\" is not supported: use etcdv3");
          }
        } else if (variable == null) {
          throw new IllegalArgumentException(
              file + ": spec." + field.getKey() + " is unknown, known are " + FIELDS.keySet());
        } else {
          variables.put(variable, value);
        }
      }
    }
    return variables;
  }
}
