package io.calico4j.core.ipam;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.selector.Selector;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Gives a node's ends of tunnels their addresses, or takes them back when no pool needs them
 * ({@code node/pkg/allocateip}). Safe to repeat, and meant to be: at start and after every change
 * of a pool or of the Node.
 */
public final class TunnelAddresses {
  private static final Retry AGAIN = Retry.refused(10, List.of(ConflictException.class));

  private final ResourceClient resources;
  private final Ipam ipam;

  /** For the node that the IPAM assigns for. */
  public TunnelAddresses(Datastore datastore, Ipam ipam) {
    this.resources = new ResourceClient(datastore);
    this.ipam = ipam;
  }

  /** The tunnels a node may have an end of. */
  public enum Tunnel {
    /** IPIP, {@code tunl0}. */
    IPIP(IpFamily.IPV4, "ipip-tunnel-addr-", "ipipTunnelAddress"),
    /** VXLAN over IPv4. */
    VXLAN(IpFamily.IPV4, "vxlan-tunnel-addr-", "vxlanTunnelAddress"),
    /** VXLAN over IPv6. */
    VXLAN_V6(IpFamily.IPV6, "vxlan-v6-tunnel-addr-", "vxlanV6TunnelAddress");

    private final IpFamily family;
    private final String handlePrefix;
    private final String type;

    Tunnel(IpFamily family, String handlePrefix, String type) {
      this.family = family;
      this.handlePrefix = handlePrefix;
      this.type = type;
    }

    private boolean isUsedBy(IpPoolSpec pool) {
      String mode = this == IPIP ? pool.ipipMode() : pool.vxlanMode();
      return pool.network().family() == family && mode != null && !mode.equals("Never");
    }

    private @Nullable String addressOf(NodeSpec node) {
      return switch (this) {
        case IPIP -> node.bgp() == null ? null : node.bgp().ipv4IPIPTunnelAddr();
        case VXLAN -> node.ipv4VXLANTunnelAddr();
        case VXLAN_V6 -> node.ipv6VXLANTunnelAddr();
      };
    }

    private NodeSpec with(NodeSpec node, @Nullable String address) {
      return switch (this) {
        case IPIP -> node.withIpipTunnelAddress(address);
        case VXLAN -> node.withVxlanTunnelAddress(address);
        case VXLAN_V6 -> node.withVxlanV6TunnelAddress(address);
      };
    }
  }

  /**
   * Puts all tunnels of the node in order.
   *
   * @return the Node as it is afterwards
   * @throws IpamException when a pool needs a tunnel and has no address for it
   */
  public NodeSpec reconcile() throws DatastoreException, IpamException {
    NodeSpec node = node().spec();
    for (Tunnel tunnel : Tunnel.values()) {
      node = reconcile(tunnel);
    }
    return node;
  }

  private NodeSpec reconcile(Tunnel tunnel) throws DatastoreException, IpamException {
    try {
      return AGAIN.run(Exception.class, () -> reconcileOnce(tunnel));
    } catch (DatastoreException | IpamException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private NodeSpec reconcileOnce(Tunnel tunnel) throws DatastoreException, IpamException {
    Resource<NodeSpec> node = node();
    List<Resource<IpPoolSpec>> pools = candidates(tunnel, node.metadata().labels());
    HandleId handle = handle(tunnel);
    String recorded = tunnel.addressOf(node.spec());
    Optional<IpAddress> keep = pools.isEmpty() ? Optional.empty() : kept(tunnel, recorded, pools);
    String wanted = null;
    if (keep.isPresent()) {
      wanted = keep.get().toString();
    } else {
      ipam.release(handle);
      if (!pools.isEmpty()) {
        wanted = assign(tunnel, handle, pools).toString();
      }
    }
    return java.util.Objects.equals(wanted, recorded)
        ? node.spec()
        : resources.update(node.withSpec(tunnel.with(node.spec(), wanted))).spec();
  }

  private HandleId handle(Tunnel tunnel) {
    return new HandleId(tunnel.handlePrefix + ipam.node());
  }

  /** Returns the recorded address if it is ours and in a pool for the tunnel. */
  private Optional<IpAddress> kept(
      Tunnel tunnel, @Nullable String recorded, List<Resource<IpPoolSpec>> pools)
      throws DatastoreException {
    if (recorded == null || recorded.isEmpty()) {
      return inHand(tunnel, pools);
    }
    Optional<IpAddress> address = IpAddress.tryParse(recorded);
    if (address.isEmpty() || !isWithin(address.get(), pools)) {
      return Optional.empty();
    }
    Optional<Block.Owner> owner = ipam.ownerOf(address.get());
    boolean ours =
        owner.isPresent()
            && tunnel.type.equals(owner.get().secondary().get("type"))
            && ipam.node().is(owner.get().secondary().get("node"));
    return ours ? address : Optional.empty();
  }

  /** What an interrupted attempt assigned and did not record. */
  private Optional<IpAddress> inHand(Tunnel tunnel, List<Resource<IpPoolSpec>> pools)
      throws DatastoreException {
    return ipam.addressesOf(handle(tunnel)).stream()
        .filter(address -> isWithin(address, pools))
        .findFirst();
  }

  private static boolean isWithin(IpAddress address, List<Resource<IpPoolSpec>> pools) {
    return pools.stream().anyMatch(pool -> pool.spec().network().contains(address));
  }

  private IpAddress assign(Tunnel tunnel, HandleId handle, List<Resource<IpPoolSpec>> pools)
      throws DatastoreException, IpamException {
    List<String> names = pools.stream().map(pool -> pool.metadata().name()).toList();
    boolean v4 = tunnel.family == IpFamily.IPV4;
    return ipam.assign(
            new AssignRequest(
                AssignRequest.Use.Tunnel,
                handle,
                v4 ? 1 : 0,
                v4 ? 0 : 1,
                v4 ? names : List.of(),
                v4 ? List.of() : names,
                List.of(),
                Map.of("node", ipam.node().text(), "type", tunnel.type)),
            Ipam.FurtherWrites.NONE)
        .addresses()
        .get(0);
  }

  private List<Resource<IpPoolSpec>> candidates(Tunnel tunnel, Map<String, String> labels)
      throws DatastoreException {
    // A damaged pool is left out, and the others go on; Felix names it.
    return resources.list(ResourceKind.IP_POOL, ValidationFilter.silent()).stream()
        .filter(pool -> pool.spec().enabled() && pool.spec().allows("Tunnel"))
        .filter(pool -> tunnel.isUsedBy(pool.spec()))
        .filter(pool -> selects(pool.spec().nodeSelector(), labels))
        .toList();
  }

  private static boolean selects(@Nullable String selector, Map<String, String> labels) {
    try {
      return selector == null || Selector.parse(selector).matches(labels);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private Resource<NodeSpec> node() throws DatastoreException {
    return resources
        .get(ResourceKind.NODE, "", ipam.node().text())
        .orElseThrow(
            () ->
                new io.calico4j.core.datastore.NotFoundException(
                    "there is no Node " + ipam.node(), null));
  }
}
