package io.calico4j.felix;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.config.FelixSources;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.felix.rules.RulesetManager;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Felix for a plugin that works alone: reads everything, writes the whole table in one transaction,
 * and forgets. While an agent holds the {@link DataplaneLock} it does nothing and says so.
 */
public final class OneShotFelix implements EndpointReadiness {
  private static final Logger log = LoggerFactory.getLogger(OneShotFelix.class);

  private final String node;
  private final FelixSources sources;
  private final Datastore datastore;
  private final Kernel kernel;
  private final Path lockFile;
  private final Set<IpAddress> datastoreAddresses;

  /**
   * Makes one; nothing is touched before it is asked.
   *
   * @param datastoreAddresses what etcd is reached by; no floating address takes them
   */
  public OneShotFelix(
      String node,
      Map<String, String> environment,
      Datastore datastore,
      Kernel kernel,
      Path lockFile,
      Set<IpAddress> datastoreAddresses) {
    this.datastoreAddresses = Set.copyOf(datastoreAddresses);
    this.node = node;
    sources = FelixSources.ofHost(environment);
    this.datastore = datastore;
    this.kernel = kernel;
    this.lockFile = lockFile;
  }

  @Override
  public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    Resource<WorkloadEndpointSpec> seen = program(timeout).get(endpoint.path());
    return seen != null && seen.revision() >= revision;
  }

  @Override
  public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    return !program(timeout).containsKey(endpoint.path());
  }

  /**
   * Programs the present policy.
   *
   * @return this node's endpoints by key; none when that was not possible
   */
  private Map<String, Resource<WorkloadEndpointSpec>> program(Duration timeout)
      throws InterruptedException {
    try (DataplaneLock lock = DataplaneLock.take(lockFile, timeout).orElse(null)) {
      if (lock == null) {
        log.warn("{} is held: calico-node is starting here, or another plugin works", lockFile);
        return Map.of();
      }
      Calculation calculation =
          new Calculation(
              node,
              new ValidationFilter(damage -> log.error("damaged resource: {}", damage)),
              datastoreAddresses);
      for (Entry entry : datastore.list(ResourceKind.ROOT).entries()) {
        boolean unused = calculation.update(entry.key(), entry);
      }
      FelixConfig config = sources.resolve(calculation.configurations());
      if (calculation.asksForInterfaces()) {
        boolean unused =
            calculation.putInterfaces(HostInterfaces.read(kernel, config.excludedInterfaces()));
      }
      try (NftablesDataplane dataplane =
          new NftablesDataplane(
              new LibNftables(), kernel.nftSets(), () -> 0, kernel::awaitPackets)) {
        RulesetManager ruleset = new RulesetManager(dataplane.table());
        // Nobody would read what the rules log.
        ruleset.configure(config.withoutFlowLogs());
        ruleset.accept(calculation.flush());
        ruleset.putLoopback(HostLoopback.networks(kernel), calculation.nodeAddresses());
        dataplane.apply();
        if (config.ipForwarding()) {
          new Forwarding(kernel).enable(calculation::usesIpv6);
        }
        calculation.refusedAddresses().forEach(text -> log.error("{}", text));
      }
      return calculation.localEndpoints();
    } catch (IOException | DatastoreException | KernelException | NftException e) {
      log.error("rules could not be programmed: {}", e.getMessage());
      return Map.of();
    }
  }
}
