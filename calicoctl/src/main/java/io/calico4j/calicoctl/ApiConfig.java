package io.calico4j.calicoctl;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.WrittenNumber;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

  private static final String KUBERNETES = "it is of the Kubernetes datastore, use etcdv3";
  private static final Map<String, String> REFUSED =
      Map.of(
          "etcdDiscoverySrv", "name the members in etcdEndpoints",
          "kubeconfig", KUBERNETES,
          "kubeconfigInline", KUBERNETES,
          "k8sAPIEndpoint", KUBERNETES,
          "k8sKeyFile", KUBERNETES,
          "k8sCertFile", KUBERNETES,
          "k8sCAFile", KUBERNETES,
          "k8sAPIToken", KUBERNETES,
          "k8sInsecureSkipTLSVerify", KUBERNETES,
          "k8sCurrentContext", KUBERNETES);
  private static final Set<String> TOP = Set.of("apiVersion", "kind", "metadata", "spec");

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
      requireEtcd("DATASTORE_TYPE", environment.getOrDefault("DATASTORE_TYPE", ""));
      return environment;
    }
    try {
      List<JsonElement> documents =
          YamlJson.read(Files.readString(path, StandardCharsets.UTF_8), 1);
      if (documents.isEmpty() || !(documents.get(0) instanceof JsonObject document)) {
        throw new IllegalArgumentException(file + " is not an object of kind CalicoAPIConfig");
      }
      return variables(file, document);
    } catch (YamlJson.Problem e) {
      // Not the text itself: there may be a password in it.
      throw new IllegalArgumentException(
          file + " is no valid YAML" + (e.line() > 0 ? ": see line " + e.line() : ""));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, String> variables(String file, JsonObject document) {
    JsonElement kind = document.get("kind");
    for (String field : document.keySet()) {
      if (FIELDS.containsKey(field) || REFUSED.containsKey(field)) {
        throw new IllegalArgumentException(file + ": " + field + " belongs below spec");
      }
      if (!TOP.contains(field)) {
        throw new IllegalArgumentException(file + ": " + field + " is unknown, known are " + TOP);
      }
    }
    if (kind == null || !kind.equals(new JsonPrimitive("CalicoAPIConfig"))) {
      throw new IllegalArgumentException(file + ": kind " + kind + " is not CalicoAPIConfig");
    }
    JsonElement version = document.get("apiVersion");
    if (version != null && !version.equals(new JsonPrimitive(ResourceCodec.API_VERSION))) {
      throw new IllegalArgumentException(
          file + ": apiVersion " + version + " is not " + ResourceCodec.API_VERSION);
    }
    Map<String, String> variables = new HashMap<>();
    if (document.get("spec") instanceof JsonObject spec) {
      for (Map.Entry<String, JsonElement> field : spec.entrySet()) {
        String value = text(file, field.getKey(), field.getValue());
        String variable = FIELDS.get(field.getKey());
        String refusal = REFUSED.get(field.getKey());
        if (field.getKey().equals("datastoreType")) {
          requireEtcd(file + ": datastoreType", value);
        } else if (variable != null) {
          variables.put(variable, value);
        } else if (refusal == null) {
          throw new IllegalArgumentException(
              file + ": spec." + field.getKey() + " is unknown, known are " + FIELDS.keySet());
        } else if (!value.isEmpty()) {
          throw new IllegalArgumentException(
              file + ": spec." + field.getKey() + " is not supported: " + refusal);
        }
      }
    }
    return variables;
  }

  private static void requireEtcd(String name, String type) {
    if (!type.isEmpty() && !type.equals("etcdv3")) {
      throw new IllegalArgumentException(name + " \"" + type + "\" is not supported: use etcdv3");
    }
  }

  private static String text(String file, String field, JsonElement value) {
    if (value.isJsonNull()) {
      return "";
    }
    if (!(value instanceof JsonPrimitive primitive)) {
      throw new IllegalArgumentException(file + ": spec." + field + " is no text");
    }
    return primitive.isNumber() && primitive.getAsNumber() instanceof WrittenNumber number
        ? number.text()
        : primitive.getAsString();
  }
}
