package io.calico4j.core.endpoint;

import com.google.common.util.concurrent.Striped;
import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What ADD, CHECK and DEL mean for every orchestrator. Attaching assigns addresses and registers
 * the endpoint in one transaction, wires the sandbox while Felix programs the rules, and returns
 * once those are in the kernel; any failure takes everything back. All operations may be repeated,
 * and detaching reads what exists instead of assuming what ought to. Safe for many threads;
 * operations on one endpoint take turns.
 */
public final class EndpointService implements Janitor.Reclaimer, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EndpointService.class);
  private static final int LOCKS = 256;
  private static final int TEARDOWN_SECONDS = 5;

  private final Ipam ipam;
  private final EndpointSettings settings;
  private final EndpointRegistry registry;
  private final Netlink host;
  private final Conntrack conntrack;
  private final ConnectionPurge purge;
  private final LinkReaper reaper;
  private final EndpointAttacher attacher;
  private final EndpointChecker checker;
  private final EndpointDetacher detacher;
  private final EndpointCollector collector;

  /** Operations on one endpoint take turns. */
  private final Striped<Lock> locks = Striped.lock(LOCKS);

  private final ScheduledExecutorService timer = Daemons.timer("endpoint-reclaimer");

  /** Opens a netlink socket and finishes link deletions that an earlier process left. */
  public EndpointService(
      Datastore datastore,
      Kernel kernel,
      EndpointReadiness readiness,
      Ipam ipam,
      EndpointSettings settings,
      EndpointStep.Observer steps)
      throws KernelException {
    this.ipam = ipam;
    this.settings = settings;
    ResourceClient resources = new ResourceClient(datastore);
    host = kernel.netlink();
    conntrack = kernel.conntrack();
    purge = new ConnectionPurge(conntrack, settings.deferLinkDeletion());
    checker = new EndpointChecker(resources, kernel, host);
    registry =
        new EndpointRegistry(
            datastore,
            resources,
            ipam,
            steps,
            settings.deferLinkDeletion()
                ? (task, seconds) -> {
                  var unused = timer.schedule(task, seconds, TimeUnit.SECONDS);
                }
                : (task, seconds) -> {},
            this::unlessLinked);
    reaper = new LinkReaper(kernel, host, settings.deferLinkDeletion());
    reaper.finish();
    detacher =
        new EndpointDetacher(
            ipam, registry, readiness, settings, steps, host, purge, reaper, locks);
    collector =
        new EndpointCollector(
            datastore, resources, ipam.node(), registry, checker, detacher, locks);
    attacher =
        new EndpointAttacher(
            kernel,
            host,
            reaper,
            resources,
            registry,
            readiness,
            settings,
            steps,
            new AddressGuard(ipam, host, settings.datastoreAddresses()),
            checker,
            detacher,
            purge,
            locks);
    if (detacher.records() && settings.deferLinkDeletion()) {
      // The first time when plugins have added their steps.
      var unused =
          timer.scheduleWithFixedDelay(detacher::finishAll, 1, TEARDOWN_SECONDS, TimeUnit.SECONDS);
    }
  }

  /**
   * Makes a step of detachments known under a name that is in records on the disk. Records that ask
   * for it wait until then.
   */
  public void addStep(String name, DetachStep step) {
    detacher.addStep(name, step);
  }

  /** Returns the budget of an attach. */
  public Patience patience() {
    return settings.patience();
  }

  /** Returns the node this attaches endpoints to. */
  public NodeName node() {
    return ipam.node();
  }

  /**
   * Attaches an interface; an endpoint that is there already gives the same answer again. While the
   * datastore does not answer this is repeated within the budget of the settings: each attempt
   * takes back what it has begun, and goes on with what an earlier one has stored after all.
   */
  public Attachment attach(AttachRequest request, NetworkNamespace sandbox) throws AttachException {
    long start = System.nanoTime();
    long end = start + settings.patience().budget().toNanos();
    try {
      return settings
          .patience()
          .run(
              "attach " + request.identity(),
              AttachException.class,
              () -> attacher.attach(request, sandbox, end));
    } catch (AttachException e) {
      if (!Patience.isAway(e)) {
        throw e;
      }
      throw new AttachException(
          e.reason(),
          e.getMessage()
              + "; waited "
              + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)
              + " s for the datastore, the budget of an ADD is "
              + settings.patience().budget().toSeconds()
              + " s",
          e);
    }
  }

  /**
   * Checks that an attached endpoint is complete: registered, wired, addressed.
   *
   * @throws AttachException naming what is missing
   */
  public Attachment check(EndpointIdentity identity, NetworkNamespace sandbox)
      throws AttachException {
    return checker.check(identity, sandbox);
  }

  /**
   * Detaches an interface: takes the link out of service, then releases its addresses and its
   * registration in one transaction. What is not there is fine. Conntrack entries of the addresses
   * go meanwhile, or soon: whoever gets one of the addresses here waits until they are gone. While
   * the datastore is away the rest is recorded on this host, and calico-node does it later.
   */
  public void detach(EndpointIdentity identity) throws AttachException {
    detacher.detach(identity, null);
  }

  /**
   * Detaches an interface, and does a step before its endpoint leaves the datastore; both are
   * recorded together.
   */
  public void detach(EndpointIdentity identity, DetachStep.Asked step) throws AttachException {
    detacher.detach(identity, step);
  }

  /**
   * Releases the addresses that {@code calico-ipam} assigned for an interface of another plugin.
   * While the datastore is away this is recorded on this host, and calico-node does it later.
   */
  public void releaseAddresses(EndpointIdentity identity) throws DatastoreException {
    detacher.releaseAddresses(identity);
  }

  /**
   * Finishes a recorded release of such addresses: before others are assigned for the interface.
   */
  public void finishRelease(EndpointIdentity identity) throws DatastoreException {
    detacher.finishRelease(identity);
  }

  /**
   * Waits until the conntrack entries that earlier owners of the addresses have left are deleted.
   * An attach does so itself; this is for addresses that were assigned otherwise, before they are
   * given to anybody.
   */
  public void awaitForgotten(Collection<IpAddress> addresses) {
    purge.await(addresses);
  }

  /**
   * Has the conntrack entries of addresses deleted: of a workload that was wired otherwise, when
   * its link is out of service and before its addresses are released.
   */
  public void forget(Collection<IpAddress> addresses) {
    purge.forget(Set.copyOf(addresses));
  }

  /** Returns how many detachments the datastore has not heard of yet. */
  public int pendingTeardowns() {
    return detacher.pending();
  }

  /**
   * Detaches this node's endpoints of a network, as far as they are not to be kept. Goes on after
   * an error; endpoints that do not say which network they are of stay.
   *
   * @throws AttachException with the first error, after all have been tried
   */
  public void detachOthers(String network, Predicate<EndpointIdentity> kept)
      throws AttachException {
    collector.detachOthers(network, kept);
  }

  /**
   * Tells whether an attachment could be made now; reads the datastore.
   *
   * @throws AttachException when it could not, and why
   */
  public void requireAvailable(AssignRequest addresses) throws AttachException {
    try {
      registry.requireReady();
      ipam.tryAssign(addresses);
    } catch (DatastoreException | IpamException e) {
      throw new AttachException(Reason.TRY_AGAIN, String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public boolean isLinked(EndpointIdentity identity) throws AttachException {
    return checker.isLinked(identity);
  }

  @Override
  public boolean detachIfGone(EndpointIdentity identity, long revision) throws AttachException {
    return collector.detachIfGone(identity, revision);
  }

  /** Runs the task while nobody attaches the endpoint, unless its pair is in the kernel. */
  private void unlessLinked(EndpointIdentity identity, Runnable task) {
    Lock lock = locks.get(identity.key());
    lock.lock();
    try {
      if (!isLinked(identity)) {
        task.run();
      }
    } catch (AttachException e) {
      log.warn("registration of {} is left: {}", identity, e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Finishes pending deletions of links and of conntrack entries, and closes the netlink socket.
   */
  @Override
  public void close() {
    timer.shutdownNow();
    attacher.close();
    reaper.close();
    purge.close();
    conntrack.close();
    host.close();
  }
}
