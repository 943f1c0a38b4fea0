package io.calico4j.core.cni;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a runtime asks for one container, besides the configuration of its network: in CNI_ARGS, in
 * {@code runtimeConfig} (CNI's CONVENTIONS.md, the capabilities {@code ips} and {@code mac}), and
 * in {@code args} ({@code cni} of CONVENTIONS.md, and {@code cni.projectcalico.org} with the names
 * of upstream's pod annotations).
 *
 * @param fixed addresses to assign exactly
 * @param unmanaged addresses that are not in any pool and that no IPAM keeps
 * @param floating addresses that are translated to the container's
 * @param allowedSources networks it may send from
 * @param mac of its interface
 * @param labels of its endpoint
 * @param annotations of its endpoint: what Kubernetes calls the pod
 */
record ContainerArguments(
    List<IpAddress> fixed,
    List<IpAddress> unmanaged,
    List<IpAddress> floating,
    List<Cidr> allowedSources,
    Optional<MacAddress> mac,
    Map<String, String> labels,
    Map<String, String> annotations) {
  private static final String UPSTREAM = "args.\"cni.projectcalico.org\".";

  /** Kubernetes' arguments, and the annotations that keep them. */
  private static final Map<String, String> RECORDED =
      Map.of(
          "K8S_POD_NAMESPACE", "io.calico4j/k8s-pod-namespace",
          "K8S_POD_NAME", "io.calico4j/k8s-pod-name",
          "K8S_POD_UID", "io.calico4j/k8s-pod-uid");

  private static final Set<String> KNOWN =
      Set.of(
          "IGNOREUNKNOWN",
          "IP",
          "MAC",
          "FLOATING_IPS",
          "ALLOWED_SOURCE_PREFIXES",
          "K8S_POD_INFRA_CONTAINER_ID");

  /** Copies the collections. */
  ContainerArguments {
    fixed = List.copyOf(fixed);
    unmanaged = List.copyOf(unmanaged);
    floating = List.copyOf(floating);
    allowedSources = List.copyOf(allowedSources);
    labels = Map.copyOf(labels);
    annotations = Map.copyOf(annotations);
  }

  /**
   * Reads a request; code 4 for CNI_ARGS, 7 for the configuration. Fixed addresses come from
   * whoever runs the runtime, who is root, and are free unless the operator lists which; floating
   * addresses and sources always need the operator's list.
   */
  static ContainerArguments of(CniRequest request) throws CniError {
    requireKnown(request.arguments());
    NetworkConfiguration configuration = request.configuration();
    JsonObject conventional = configuration.args("cni");
    JsonObject upstream = configuration.args("cni.projectcalico.org");
    List<Asked> fixed = Asked.argument(request, "IP");
    fixed.addAll(Asked.field(conventional, "args.cni.", "ips"));
    fixed.addAll(Asked.field(configuration.runtimeConfig(), "runtimeConfig.", "ips"));
    List<Asked> floating = Asked.argument(request, "FLOATING_IPS");
    floating.addAll(Asked.field(upstream, UPSTREAM, "floatingIPs"));
    List<Asked> sources = Asked.argument(request, "ALLOWED_SOURCE_PREFIXES");
    sources.addAll(Asked.field(upstream, UPSTREAM, "allowedSourcePrefixes"));
    List<Asked> unmanaged = Asked.field(upstream, UPSTREAM, "ipAddrsNoIpam");
    requireAllowed(configuration, "ip_addrs_no_ipam", unmanaged);
    AllowedRequests allowed = AllowedRequests.of(configuration);
    for (Asked address : floating) {
      allowed.requireFloating(address.name(), address.address());
    }
    if (allowed.mentions("addresses")) {
      for (Asked address : fixed) {
        allowed.requireAddress(address.name(), address.address());
      }
    }
    List<Cidr> networks = new ArrayList<>();
    for (Asked source : sources) {
      allowed.requireSource(source.name(), source.network());
      networks.add(source.network());
    }
    Map<String, String> labels = labels(conventional);
    for (String key : labels.keySet()) {
      allowed.requireLabel("args.cni.labels", key);
    }
    return new ContainerArguments(
        addresses(fixed),
        addresses(unmanaged),
        addresses(floating),
        networks,
        mac(request),
        labels,
        recorded(request.arguments()));
  }

  private static List<IpAddress> addresses(List<Asked> asked) throws CniError {
    List<IpAddress> addresses = new ArrayList<>();
    for (Asked text : asked) {
      IpAddress address = text.address();
      if (!addresses.contains(address)) {
        addresses.add(address);
      }
    }
    return addresses;
  }

  private static Map<String, String> recorded(Map<String, String> arguments) {
    Map<String, String> annotations = new TreeMap<>();
    RECORDED.forEach(
        (name, annotation) -> {
          String value = arguments.getOrDefault(name, "");
          if (!value.isEmpty()) {
            annotations.put(annotation, value);
          }
        });
    return annotations;
  }

  /** The reference library's rule: unknown arguments are an error unless the caller says not. */
  private static void requireKnown(Map<String, String> arguments) throws CniError {
    String ignore = arguments.getOrDefault("IGNOREUNKNOWN", "0").toLowerCase(Locale.ROOT);
    if (!Set.of("1", "true", "0", "false").contains(ignore)) {
      throw new CniError(
          CniError.INVALID_ENVIRONMENT,
          "CNI_ARGS has IgnoreUnknown=" + ignore + ", which is neither true, 1, false nor 0",
          "");
    }
    if (ignore.equals("1") || ignore.equals("true")) {
      return;
    }
    for (String name : arguments.keySet()) {
      if (!KNOWN.contains(name) && !RECORDED.containsKey(name)) {
        throw new CniError(
            CniError.INVALID_ENVIRONMENT,
            "CNI_ARGS has " + name + ", which is unknown: remove it or add IgnoreUnknown=1",
            "known: IgnoreUnknown, IP, MAC, FLOATING_IPS, ALLOWED_SOURCE_PREFIXES, K8S_POD_NAMESPACE,"
                + " K8S_POD_NAME, K8S_POD_UID, K8S_POD_INFRA_CONTAINER_ID");
      }
    }
  }

  private static void requireAllowed(
      NetworkConfiguration configuration, String feature, List<Asked> asked) throws CniError {
    if (!asked.isEmpty() && !configuration.allows(feature)) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          asked.get(0).name()
              + " is not allowed in network "
              + configuration.name()
              + ": its configuration needs \"feature_control\": {\""
              + feature
              + "\": true}",
          "");
    }
  }

  private static Optional<MacAddress> mac(CniRequest request) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    List<Asked> asked = Asked.text(configuration.runtimeConfig(), "runtimeConfig.", "mac");
    asked.addAll(Asked.text(configuration.args("cni"), "args.cni.", "mac"));
    asked.addAll(Asked.argument(request, "MAC"));
    return asked.isEmpty() ? Optional.empty() : Optional.of(asked.get(0).mac());
  }

  private static Map<String, String> labels(JsonObject arguments) throws CniError {
    JsonElement list = arguments.get("labels");
    Map<String, String> labels = new TreeMap<>();
    if (list == null || list.isJsonNull()) {
      return labels;
    }
    if (!(list instanceof JsonArray array)) {
      throw NetworkConfiguration.invalid("args.cni.labels", list, "a list of labels");
    }
    for (JsonElement item : array) {
      String key =
          item.isJsonObject() ? NetworkConfiguration.string(item.getAsJsonObject(), "key") : "";
      if (!key.matches("([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")) {
        throw NetworkConfiguration.invalid(
            "args.cni.labels", item, "a label such as {\"key\":\"app\",\"value\":\"web\"}");
      }
      String value = NetworkConfiguration.string(item.getAsJsonObject(), "value");
      if (!value.matches("([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")) {
        throw NetworkConfiguration.invalid(
            "args.cni.labels",
            item,
            "a label: its value may have 63 letters, digits or _.- between letters or digits");
      }
      labels.put(key, value);
    }
    return labels;
  }

  /**
   * A text, and where it stands for messages.
   *
   * @param code the CNI code of an error in it
   */
  private record Asked(String name, String text, int code) {
    static List<Asked> argument(CniRequest request, String name) {
      List<Asked> asked = new ArrayList<>();
      String value = request.arguments().getOrDefault(name, "");
      if (!value.isEmpty()) {
        for (String text : value.split(",", -1)) {
          asked.add(new Asked("CNI_ARGS " + name, text, CniError.INVALID_ENVIRONMENT));
        }
      }
      return asked;
    }

    static List<Asked> field(JsonObject object, String group, String name) throws CniError {
      List<Asked> asked = new ArrayList<>();
      for (String text : NetworkConfiguration.strings(object, name)) {
        asked.add(new Asked(group + name, text, CniError.INVALID_CONFIGURATION));
      }
      return asked;
    }

    static List<Asked> text(JsonObject object, String group, String name) throws CniError {
      List<Asked> asked = new ArrayList<>();
      String text = NetworkConfiguration.string(object, name);
      if (!text.isEmpty()) {
        asked.add(new Asked(group + name, text, CniError.INVALID_CONFIGURATION));
      }
      return asked;
    }

    /** Reads an address; the prefix length that a runtime may add is not the endpoint's. */
    IpAddress address() throws CniError {
      String bare = Cidr.tryParse(text).isPresent() ? text.replaceFirst("/.*", "") : text;
      return IpAddress.tryParse(bare).orElseThrow(() -> invalid("an address such as 10.65.0.9"));
    }

    Cidr network() throws CniError {
      return Cidr.tryParse(text).orElseThrow(() -> invalid("a network such as 10.66.0.0/24"));
    }

    MacAddress mac() throws CniError {
      try {
        MacAddress mac = new MacAddress(text);
        if ((mac.toBytes()[0] & 1) == 0 && !mac.text().equals("00:00:00:00:00:00")) {
          return mac;
        }
      } catch (IllegalArgumentException e) {
        throw invalid("a MAC address such as 02:00:00:00:00:01");
      }
      throw invalid(
          "the MAC address of one interface: its first octet must be even, and not all 0");
    }

    private CniError invalid(String wanted) {
      return new CniError(code, name + ": \"" + text + "\" is not " + wanted, "");
    }
  }
}
