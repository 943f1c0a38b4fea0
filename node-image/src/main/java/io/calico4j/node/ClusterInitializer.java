package io.calico4j.node;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.AlreadyExistsException;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.AsNumber;
import io.calico4j.core.model.ClusterInformationSpec;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.TierSpec;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.node.address.HostAddress;
import io.calico4j.node.address.NodeAddresses;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Writes what every cluster and every node must have before anything is assigned or routed. */
final class ClusterInitializer {
  private static final Retry AGAIN =
      Retry.refused(5, List.of(ConflictException.class, AlreadyExistsException.class));

  private final ResourceClient resources;
  private final NodeSettings settings;

  ClusterInitializer(ResourceClient resources, NodeSettings settings) {
    this.resources = resources;
    this.settings = settings;
  }

  void run() throws DatastoreException {
    createIfAbsent(
        ResourceKind.CLUSTER_INFORMATION,
        "default",
        new ClusterInformationSpec(
            UUID.randomUUID().toString().replace("-", ""), "bgp", "v3.33.0", true));
    createIfAbsent(ResourceKind.TIER, "default", new TierSpec(1_000_000d, "Deny"));
    createIfAbsent(ResourceKind.TIER, "kube-admin", new TierSpec(1_000d, "Pass"));
    createIfAbsent(ResourceKind.TIER, "kube-baseline", new TierSpec(10_000_000d, "Pass"));
    createIfAbsent(
        ResourceKind.FELIX_CONFIGURATION,
        "default",
        new FelixConfigurationSpec("Info", null, null, "0s", null, null, null, null, null));
    createIfAbsent(
        ResourceKind.FELIX_CONFIGURATION,
        "node." + settings.node(),
        new FelixConfigurationSpec(null, "Return", null, null, null, null, null, null, null));
    if (settings.defaultPools() && !hasPools()) {
      createIfAbsent(
          ResourceKind.IP_POOL,
          "default-ipv4-ippool",
          new IpPoolSpec(
              settings.poolCidr(), null, null, true, null, null, null, null, null, null, null));
    }
    registerNode();
  }

  /** Tells whether there are pools, damaged ones too. */
  private boolean hasPools() throws DatastoreException {
    ValidationFilter damaged = ValidationFilter.silent();
    return !resources.list(ResourceKind.IP_POOL, damaged).isEmpty() || !damaged.damaged().isEmpty();
  }

  private <S> void createIfAbsent(ResourceKind<S> kind, String name, S spec)
      throws DatastoreException {
    try {
      if (resources.get(kind, "", name).isPresent()) {
        return;
      }
    } catch (InvalidResourceException e) {
      // It is there, damaged; Felix names it, and the defaults hold until it is mended.
      return;
    }
    try {
      resources.create(Resource.create(kind, Metadata.named(null, name), spec));
    } catch (AlreadyExistsException e) {
      // Another node was faster.
    }
  }

  private void registerNode() throws DatastoreException {
    refuseDuplicateAddress();
    var unused = AGAIN.run(DatastoreException.class, this::writeNode);
  }

  private Resource<NodeSpec> writeNode() throws DatastoreException {
    Optional<Resource<NodeSpec>> stored =
        resources.get(ResourceKind.NODE, "", settings.node().text());
    NodeSpec old = stored.map(Resource::spec).orElse(NodeSpec.EMPTY);
    NodeSpec spec =
        new NodeSpec(
            bgp(old),
            old.ipv4VXLANTunnelAddr(),
            old.vxlanTunnelMACAddr(),
            old.ipv6VXLANTunnelAddr(),
            old.vxlanTunnelMACAddrV6(),
            addresses());
    return stored.isPresent()
        ? resources.update(stored.get().withSpec(spec))
        : resources.create(
            Resource.create(ResourceKind.NODE, Metadata.named(null, settings.node().text()), spec));
  }

  private NodeSpec.Bgp bgp(NodeSpec old) {
    NodeSpec.Bgp before = old.bgp();
    AsNumber asNumber =
        settings.asNumber().isEmpty()
            ? before == null ? null : before.asNumber()
            : AsNumber.parse(settings.asNumber());
    return new NodeSpec.Bgp(
        asNumber,
        settings.addresses().ipv4().text(),
        ipv6(before),
        before == null ? null : before.ipv4IPIPTunnelAddr(),
        before == null ? null : before.routeReflectorClusterID());
  }

  private @Nullable String ipv6(NodeSpec.@Nullable Bgp before) {
    NodeAddresses own = settings.addresses();
    return own.ipv6()
        .map(HostAddress::text)
        .orElse(before == null || own.withoutIpv6() ? null : before.ipv6Address());
  }

  private List<NodeSpec.Address> addresses() {
    NodeAddresses own = settings.addresses();
    return Stream.concat(Stream.of(own.ipv4()), own.ipv6().stream())
        .map(address -> new NodeSpec.Address(address.text(), "CalicoNodeIP"))
        .toList();
  }

  private void refuseDuplicateAddress() throws DatastoreException {
    for (Resource<NodeSpec> other : resources.list(ResourceKind.NODE)) {
      NodeSpec.Bgp bgp = other.spec().bgp();
      if (!settings.node().is(other.metadata().name())
          && bgp != null
          && bgp.ipv4Address() != null
          && bgp.ipv4Address().startsWith(settings.ipAddress() + "/")) {
        throw new IllegalArgumentException(
            "node "
                + other.metadata().name()
                + " has the address "
                + settings.ipAddress()
                + " already: set IP, or delete that node");
      }
    }
  }
}
