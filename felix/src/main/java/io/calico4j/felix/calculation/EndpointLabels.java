package io.calico4j.felix.calculation;

import io.calico4j.core.model.HostEndpointSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What selectors see of an endpoint. */
final class EndpointLabels {
  /** Labels of the namespace and of the service account: only their profiles give them. */
  private static final List<String> INHERITED = List.of("pcns.", "pcsa.");

  private static final String NAMESPACE = "projectcalico.org/namespace";
  private static final String SERVICE_ACCOUNT = "projectcalico.org/serviceaccount";

  private EndpointLabels() {}

  /** Returns an endpoint's own labels, without those that it has no right to. */
  static Map<String, String> of(Resource<WorkloadEndpointSpec> endpoint) {
    Map<String, String> labels = new TreeMap<>(endpoint.metadata().labels());
    labels.keySet().removeIf(label -> INHERITED.stream().anyMatch(label::startsWith));
    String account = endpoint.spec().serviceAccountName();
    if (account != null && !account.isEmpty()) {
      labels.put(SERVICE_ACCOUNT, account);
    }
    return labels;
  }

  /** Returns a host endpoint's own labels; it belongs to no namespace, whatever it says. */
  static Map<String, String> ofHost(Resource<HostEndpointSpec> endpoint) {
    Map<String, String> labels = new TreeMap<>(endpoint.metadata().labels());
    labels
        .keySet()
        .removeIf(
            label -> label.equals(NAMESPACE) || INHERITED.stream().anyMatch(label::startsWith));
    return labels;
  }

  /** Returns those of the texts that are networks. */
  static List<Cidr> networksOf(List<String> texts) {
    return texts.stream().flatMap(text -> Cidr.tryParse(text).stream()).toList();
  }
}
