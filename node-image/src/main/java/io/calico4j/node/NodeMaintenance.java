package io.calico4j.node;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Trouble;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.Janitor;
import io.calico4j.core.endpoint.WorkloadMtu;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.node.address.HostNetwork;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a host does from time to time: keeps the MTU of its workloads in step with its uplink and
 * the pools, tells IPAM the networks of its own interfaces, gives blocks back that were empty twice
 * in a row, except one, and lets the janitor look for endpoints whose container is gone.
 */
final class NodeMaintenance implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NodeMaintenance.class);
  private static final int LOOK_SECONDS = 10;
  private static final int KEPT_BLOCKS = 1;
  private static final String LOOPBACK = "lo";
  private static final String WORKLOADS = "cali";

  private final Kernel kernel;
  private final Ipam ipam;
  private final NodeSettings settings;
  private final ScheduledExecutorService timer = Daemons.timer("maintenance");
  private final Trouble interfaces = new Trouble(log, "the MTU of new workloads cannot be derived");
  private final Trouble blocks = new Trouble(log, "empty blocks are not given back");
  private final Trouble containers =
      new Trouble(log, "endpoints without container are not looked for");
  private volatile int mtu = WorkloadMtu.DEFAULT;
  private Set<Cidr> emptyBefore = Set.of();

  /** Pools that overlap the host's networks, as they were logged. */
  private Set<String> overlaps = Set.of();

  NodeMaintenance(Kernel kernel, Ipam ipam, NodeSettings settings) {
    this.kernel = kernel;
    this.ipam = ipam;
    this.settings = settings;
  }

  /** Does everything once, then again and again. */
  void start() {
    lookAtInterfaces();
    var unusedInterfaces =
        timer.scheduleWithFixedDelay(
            this::lookAtInterfaces, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
    int seconds = settings.blockReleaseSeconds();
    if (seconds > 0) {
      var unusedBlocks =
          timer.scheduleWithFixedDelay(this::releaseBlocks, seconds, seconds, TimeUnit.SECONDS);
    }
  }

  /** Returns the MTU of workloads, in bytes. */
  int mtu() {
    return mtu;
  }

  private void lookAtInterfaces() {
    try {
      List<Resource<IpPoolSpec>> pools = new ArrayList<>();
      for (Entry entry : ipam.reads().list(ResourceKind.IP_POOL.prefix())) {
        ValidationFilter.silent().accept(ResourceKind.IP_POOL, entry).ifPresent(pools::add);
      }
      List<HostNetwork> networks = HostNetwork.read(kernel);
      ipam.putHostNetworks(HostNetwork.cidrs(networks));
      nameOverlaps(pools, networks);
      int now = WorkloadMtu.of(uplinkMtu(), pools.stream().map(Resource::spec).toList());
      if (now != mtu || !StandaloneSettings.hasMtu(settings.libDirectory())) {
        StandaloneSettings.writeMtu(settings.libDirectory(), now);
        log.info("the MTU of new workloads is {}", now);
        mtu = now;
      }
    } catch (DatastoreException | KernelException | IOException | IllegalArgumentException e) {
      interfaces.failed(e);
      return;
    }
    interfaces.done();
  }

  private void nameOverlaps(List<Resource<IpPoolSpec>> pools, List<HostNetwork> networks) {
    Set<String> found = new TreeSet<>();
    for (Resource<IpPoolSpec> pool : pools) {
      for (HostNetwork network : networks) {
        if (pool.spec().network().overlaps(network.cidr())) {
          found.add(
              "IPPool %s (%s) overlaps the host's network %s"
                  .formatted(pool.metadata().name(), pool.spec().cidr(), network));
        }
      }
    }
    found.stream()
        .filter(overlap -> !overlaps.contains(overlap))
        .forEach(overlap -> log.warn("{}: nothing of it is assigned here", overlap));
    overlaps = found;
  }

  private int uplinkMtu() throws KernelException {
    try (Netlink host = kernel.netlink()) {
      return uplinkMtu(settings.ipAddress(), host.addresses(), host.links());
    }
  }

  /**
   * Returns what the interface with the node's address carries. Where that is lo, any other one may
   * carry the traffic between hosts: then what each of those that are up carries.
   */
  static int uplinkMtu(IpAddress own, List<Netlink.InterfaceAddress> addresses, List<Link> links) {
    for (Netlink.InterfaceAddress address : addresses) {
      if (address.address().equals(own)) {
        for (Link link : links) {
          if (link.index() == address.interfaceIndex() && !link.name().equals(LOOPBACK)) {
            return link.mtu();
          }
        }
        return links.stream()
            .filter(link -> link.up() && !link.name().equals(LOOPBACK))
            .filter(link -> !link.name().startsWith(WORKLOADS) && !isTunnel(link))
            .mapToInt(Link::mtu)
            .min()
            .orElse(WorkloadMtu.DEFAULT);
      }
    }
    return WorkloadMtu.DEFAULT;
  }

  /** Tells whether Felix makes the interface: what it carries goes by another one. */
  private static boolean isTunnel(Link link) {
    return link.kind().equals("vxlan") && link.name().endsWith(".calico")
        || link.name().equals("tunl0");
  }

  private void releaseBlocks() {
    try {
      Set<Cidr> empty = ipam.emptyBlocks();
      Set<Cidr> twice = new HashSet<>(empty);
      twice.retainAll(emptyBefore);
      List<Cidr> released = ipam.releaseEmptyBlocks(KEPT_BLOCKS, twice::contains);
      if (!released.isEmpty()) {
        log.info("gave back {}, which were empty", released);
      }
      emptyBefore = empty;
    } catch (DatastoreException | RuntimeException e) {
      blocks.failed(e);
      return;
    }
    blocks.done();
  }

  /** Lets the janitor look at this node's endpoints from now on, unless that is switched off. */
  void clean(Janitor janitor, Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints) {
    int seconds = settings.janitorSeconds();
    if (seconds > 0) {
      var unused =
          timer.scheduleWithFixedDelay(
              () -> collect(janitor, endpoints), seconds, seconds, TimeUnit.SECONDS);
    }
  }

  private void collect(Janitor janitor, Supplier<List<Resource<WorkloadEndpointSpec>>> endpoints) {
    try {
      var unused = janitor.collect(endpoints.get());
    } catch (AttachException | RuntimeException e) {
      containers.failed(e);
      return;
    }
    containers.done();
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
