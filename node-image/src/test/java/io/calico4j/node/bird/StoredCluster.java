package io.calico4j.node.bird;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.SecretKeySelector;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.testing.Resources;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What is stored of a cluster, as JSON with single quotes, and what a node makes of it. */
final class StoredCluster {
  private final TreeMap<String, Entry> entries = new TreeMap<>();
  private final Map<String, String> secrets = new TreeMap<>();
  private final List<Resource<WorkloadEndpointSpec>> workloads = new ArrayList<>();
  private RouterId routerId = RouterId.ADDRESS;
  private List<String> notes = List.of();

  /** Makes nodes a (rack 1), b (rack 1, AS 64513) and c (rack 2). */
  static StoredCluster ofThree() {
    return new StoredCluster()
        .node("a", "{'rack':'1'}", "{'ipv4Address':'192.0.2.11/24'}")
        .node("b", "{'rack':'1'}", "{'ipv4Address':'192.0.2.12/24','asNumber':64513}")
        .node("c", "{'rack':'2'}", "{'ipv4Address':'198.51.100.13/24'}");
  }

  /** Makes nodes a and b with addresses of both families. */
  static StoredCluster ofBothFamilies() {
    return new StoredCluster()
        .node("a", "{}", "{'ipv4Address':'192.0.2.11/24','ipv6Address':'2001:db8::11/64'}")
        .node("b", "{'b':''}", "{'ipv4Address':'192.0.2.12/24','ipv6Address':'2001:db8::12/64'}");
  }

  StoredCluster put(String key, String json) {
    entries.put(key, new Entry(key, json.replace('\'', '"'), 1));
    return this;
  }

  StoredCluster put(Entry entry) {
    entries.put(entry.key(), entry);
    return this;
  }

  StoredCluster remove(String key) {
    entries.remove(key);
    return this;
  }

  private StoredCluster resource(ResourceKind<?> kind, String name, String labels, String spec) {
    return put(
        kind.prefix() + name,
        "{'apiVersion':'projectcalico.org/v3','kind':'%s','metadata':{'name':'%s','labels':%s},'spec':%s}"
            .formatted(kind.kind(), name, labels, spec));
  }

  StoredCluster node(String name, String labels, String bgp) {
    return resource(ResourceKind.NODE, name, labels, "{'bgp':" + bgp + "}");
  }

  StoredCluster peer(String name, String spec) {
    return resource(ResourceKind.BGP_PEER, name, "{}", spec);
  }

  StoredCluster filter(String name, String spec) {
    return resource(ResourceKind.BGP_FILTER, name, "{}", spec);
  }

  StoredCluster configuration(String spec) {
    return configuration("default", spec);
  }

  StoredCluster configuration(String name, String spec) {
    return resource(ResourceKind.BGP_CONFIGURATION, name, "{}", spec);
  }

  StoredCluster pool(String name, String spec) {
    return resource(ResourceKind.IP_POOL, name, "{}", spec);
  }

  StoredCluster block(String node, String family, String block) {
    return put("/calico/ipam/v2/host/" + node + "/" + family + "/block/" + block, CONFIRMED);
  }

  static final String CONFIRMED = "{'state':'confirmed'}";

  /** Gives a key of a secret, {@code name/key}, a value. */
  StoredCluster secret(String path, String value) {
    secrets.put(path, value);
    return this;
  }

  StoredCluster workload(String name, Map<String, String> labels, String... addresses) {
    workloads.add(Resources.endpoint("a", name).labels(labels).addresses(addresses).build());
    return this;
  }

  StoredCluster routerId(String text) {
    routerId = new RouterId(text);
    return this;
  }

  Optional<BgpView> find(String node) {
    BgpViewBuilder builder =
        new BgpViewBuilder(new NodeName(node), entries, routerId, this::secret, workloads);
    Optional<BgpView> view = builder.build();
    notes = builder.notes();
    return view;
  }

  private Passwords.Found secret(SecretKeySelector.KeyRef key) {
    String value = secrets.get(key.name() + "/" + key.key());
    return value == null
        ? Passwords.Found.none("it is missing")
        : Passwords.Found.of(new Password(value));
  }

  BgpView view(String node) {
    return find(node).orElseThrow();
  }

  /** Returns the IPv4 part of a view. */
  BgpView.Family v4(String node) {
    return view(node).families().get(0);
  }

  String render(String node) {
    return BirdConfigRenderer.render(view(node));
  }

  /** Returns the notes of the view made last. */
  List<String> notes() {
    return notes;
  }
}
