package io.calico4j.core.cni;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a network configuration, upstream's and those of calico-rkt and calico-cni before
 * it: which form each has, and which values of it are refused. Fields that are not listed belong to
 * other programs and are ignored, as the spec wants it.
 */
public final class ConfigurationFields {
  private static final String DOT = "\\.";

  /** Every field, in the order of the README that explains them. */
  public static final List<Field> ALL =
      List.of(
          new Field("name", Form.STRING, true),
          new Field("cniVersion", Form.STRING, true),
          new Field("type", Form.STRING, false),
          new Field("ipam.type", Form.STRING, true),
          new Field("ipam.assign_ipv4", Form.FLAG, true),
          new Field("ipam.assign_ipv6", Form.FLAG, true),
          new Field("ipam.ipv4_pools", Form.LIST, true),
          new Field("ipam.ipv6_pools", Form.LIST, true),
          new Field("ipam.subnet", Form.STRING, true),
          new Field("ipam.routes", Form.LIST, true),
          new Field("include_default_routes", Form.BOOLEAN, true),
          new Field("mtu", Form.NUMBER, true),
          new Field("require_mtu_file", Form.BOOLEAN, true),
          new Field("dns", Form.OBJECT, true),
          new Field("policy.type", Form.STRING, true),
          new Field("container_settings.allow_ip_forwarding", Form.BOOLEAN, true),
          new Field("feature_control.floating_ips", Form.BOOLEAN, false),
          new Field("feature_control.ip_addrs_no_ipam", Form.BOOLEAN, true),
          new Field("feature_control.allowed_source_prefixes", Form.BOOLEAN, false),
          new Field("allowed_requests.profiles", Form.LIST, true),
          new Field("allowed_requests.groups", Form.LIST, true),
          new Field("allowed_requests.namespaces", Form.LIST, true),
          new Field("allowed_requests.addresses", Form.LIST, true),
          new Field("allowed_requests.floating_ips", Form.LIST, true),
          new Field("allowed_requests.source_prefixes", Form.LIST, true),
          new Field("allowed_requests.pools", Form.LIST, true),
          new Field("allowed_requests.label_prefixes", Form.LIST, true),
          new Field("device_type", Form.STRING, true),
          new Field("dataplane_options", Form.OBJECT, true),
          new Field("runtimeConfig", Form.OBJECT, true),
          new Field("args", Form.OBJECT, true),
          new Field("datastore_type", Form.STRING, true),
          new Field("nodename", Form.STRING, true),
          new Field("nodename_file", Form.STRING, true),
          new Field("nodename_file_optional", Form.BOOLEAN, true),
          new Field("hostname", Form.STRING, true),
          new Field("etcd_endpoints", Form.STRING, true),
          new Field("etcd_discovery_srv", Form.STRING, true),
          new Field("etcd_ca_cert_file", Form.STRING, true),
          new Field("etcd_cert_file", Form.STRING, true),
          new Field("etcd_key_file", Form.STRING, true),
          new Field("etcd_username", Form.STRING, true),
          new Field("etcd_password", Form.STRING, true),
          new Field("etcd_authority", Form.STRING, true),
          new Field("etcd_scheme", Form.STRING, true),
          new Field("log_level", Form.STRING, true),
          new Field("log_level_stderr", Form.STRING, true),
          new Field("log_level_file", Form.STRING, false),
          new Field("log_file_path", Form.STRING, false),
          new Field("log_file_max_size", Form.NUMBER, false),
          new Field("log_file_max_age", Form.NUMBER, false),
          new Field("log_file_max_count", Form.NUMBER, false),
          new Field("num_queues", Form.NUMBER, false),
          new Field("kubernetes", Form.OBJECT, false),
          new Field("policy.k8s_api_root", Form.STRING, false),
          new Field("policy.k8s_auth_token", Form.STRING, false),
          new Field("policy.k8s_certificate_authority", Form.STRING, false),
          new Field("policy.k8s_client_certificate", Form.STRING, false),
          new Field("policy.k8s_client_key", Form.STRING, false),
          new Field("ipam_lock_file", Form.STRING, false),
          new Field("readiness_gates", Form.LIST, false),
          new Field("policy_setup_timeout_seconds", Form.NUMBER, false),
          new Field("endpoint_status_dir", Form.STRING, false),
          new Field("windows_use_single_network", Form.BOOLEAN, false),
          new Field("windows_disable_host_subnet_nat_exclusion", Form.BOOLEAN, false),
          new Field("windows_loopback_DSR", Form.BOOLEAN, false));

  private static final Set<String> LOG_LEVELS =
      Set.of("trace", "debug", "info", "warning", "warn", "error", "fatal", "panic", "none");

  private ConfigurationFields() {}

  /**
   * One field.
   *
   * @param path its name, with the names of the objects it is in before it
   * @param form what its value must look like
   * @param acts whether it changes anything here; else the README says why it does not
   */
  public record Field(String path, Form form, boolean acts) {}

  /** The forms of values. */
  public enum Form {
    /** Text. */
    STRING("a string"),
    /** true or false. */
    BOOLEAN("true or false"),
    /** A number, or one written as text. */
    NUMBER("a number"),
    /** A flag that upstream writes as text. */
    FLAG("\"true\" or \"false\""),
    /** A list. */
    LIST("a list"),
    /** An object. */
    OBJECT("an object");

    private final String wanted;

    Form(String wanted) {
      this.wanted = wanted;
    }

    private boolean fits(JsonElement value) {
      if (!(value instanceof JsonPrimitive primitive)) {
        return this == LIST && value.isJsonArray() || this == OBJECT && value.isJsonObject();
      }
      return switch (this) {
        case STRING -> primitive.isString();
        case BOOLEAN -> primitive.isBoolean();
        case NUMBER -> primitive.isNumber() || primitive.getAsString().matches("[0-9]+");
        case FLAG -> primitive.getAsString().matches("true|false");
        case LIST, OBJECT -> false;
      };
    }
  }

  /** Checks every field of a configuration; code 7 names field, value and remedy. */
  public static void check(JsonObject document) throws CniError {
    for (Field field : ALL) {
      Optional<JsonElement> value = find(document, field.path());
      if (value.isPresent() && !field.form().fits(value.get())) {
        throw NetworkConfiguration.invalid(field.path(), value.get(), field.form().wanted);
      }
    }
    Optional<JsonElement> granted = find(document, AllowedRequests.FIELD);
    if (granted.isPresent() && granted.get() instanceof JsonObject object) {
      AllowedRequests.check(object);
    }
    demand(document, "datastore_type", Set.of("etcdv3"), "Calico4J keeps its data in etcd");
    demand(document, "device_type", Set.of("veth"), "a container is connected by a veth pair");
    demand(document, "dataplane_options.type", Set.of("linux"), "there is no other dataplane");
    demand(
        document,
        "policy.type",
        Set.of("k8s", "k8s-annotations"),
        "the network's own profile is made when it is left out, and none with \"k8s\"");
    for (String level : List.of("log_level", "log_level_stderr")) {
      demand(document, level, LOG_LEVELS, "it is the least severity that is logged");
    }
    if (document.toString().contains("\"usePodCidr\"")) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "ipam: subnet \"usePodCidr\" is not supported, because there is no Kubernetes node to ask:"
              + " write the subnet of this host",
          "");
    }
  }

  /**
   * Refuses a field whose name is a slip of one that is read: it would have no effect, in silence.
   * For ADD and STATUS: what has been attached with such a configuration can be deleted.
   */
  static void refuseSlips(JsonObject document) throws CniError {
    refuseSlips("", document);
    for (String group : List.of("ipam", "policy", "container_settings", "feature_control")) {
      if (document.get(group) instanceof JsonObject object) {
        // Another IPAM plugin has fields of its own.
        boolean foreign =
            group.equals("ipam")
                && object.get("type") instanceof JsonPrimitive type
                && !type.getAsString().equals("calico-ipam");
        if (!foreign) {
          refuseSlips(group + ".", object);
        }
      }
    }
  }

  private static void refuseSlips(String prefix, JsonObject object) throws CniError {
    Set<String> known =
        ALL.stream()
            .map(Field::path)
            .filter(path -> path.startsWith(prefix))
            .map(path -> path.substring(prefix.length()).replaceFirst("\\..*", ""))
            .collect(Collectors.toSet());
    for (String name : object.keySet()) {
      Optional<String> meant = Spelling.slip(name, known);
      if (meant.isPresent() && !object.has(meant.get())) {
        throw new CniError(
            CniError.INVALID_CONFIGURATION,
            prefix + name + " is unknown: did you mean " + prefix + meant.get() + "?",
            "");
      }
    }
  }

  private static void demand(JsonObject document, String path, Set<String> supported, String reason)
      throws CniError {
    Optional<JsonElement> value = find(document, path);
    if (value.isEmpty()
        || value.get() instanceof JsonPrimitive primitive
            && (primitive.getAsString().isEmpty()
                || supported.contains(primitive.getAsString().toLowerCase(Locale.ROOT)))) {
      return;
    }
    throw new CniError(
        CniError.INVALID_CONFIGURATION,
        path
            + ": "
            + value.get()
            + " is not supported: leave it out or use "
            + String.join(", ", supported.stream().sorted().toList()),
        reason);
  }

  /** Returns a field's value; empty when it or an object around it is absent or null. */
  private static Optional<JsonElement> find(JsonObject document, String path) throws CniError {
    @Nullable JsonElement at = document;
    StringBuilder name = new StringBuilder();
    for (String part : path.split(DOT, -1)) {
      if (at == null || at.isJsonNull()) {
        return Optional.empty();
      }
      if (!at.isJsonObject()) {
        throw NetworkConfiguration.invalid(name.toString(), at, Form.OBJECT.wanted);
      }
      at = at.getAsJsonObject().get(part);
      name.append(name.isEmpty() ? "" : ".").append(part);
    }
    return at == null || at.isJsonNull() ? Optional.empty() : Optional.of(at);
  }
}
