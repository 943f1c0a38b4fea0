package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationException;
import io.calico4j.core.selector.SelectorSyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The cluster's IPPools, by name, and which of them a node may use. */
final class Pools {
  private final List<Pool> all;
  private final Reads reads;
  private final DecodeCache cache;
  private final NodeName node;
  private final AssignRequest.Use use;

  private Pools(
      List<Pool> all, Reads reads, DecodeCache cache, NodeName node, AssignRequest.Use use) {
    this.all = all;
    this.reads = reads;
    this.cache = cache;
    this.node = node;
    this.use = use;
  }

  /** A pool with its name and its network, which is read off the spec once. */
  record Pool(String name, IpPoolSpec spec, Cidr network) {}

  /** Reads all pools, to choose from for a use. */
  static Pools read(Reads reads, DecodeCache cache, NodeName node, AssignRequest.Use use)
      throws DatastoreException {
    List<Pool> pools = new ArrayList<>();
    for (Entry entry : reads.list(ResourceKind.IP_POOL.prefix())) {
      try {
        pools.add(cache.get(entry, Pool.class, Pools::decode));
      } catch (InvalidResourceException e) {
        // It is left out, and the others go on; Felix names it.
      }
    }
    return new Pools(List.copyOf(pools), reads, cache, node, use);
  }

  private static Pool decode(Entry entry) throws ValidationException {
    Resource<IpPoolSpec> pool = ResourceCodec.decode(ResourceKind.IP_POOL, entry);
    try {
      return new Pool(pool.metadata().name(), pool.spec(), pool.spec().network());
    } catch (IllegalArgumentException e) {
      throw new ValidationException(entry.key() + ": " + e.getMessage(), e);
    }
  }

  /** Returns the enabled pool a fixed address lies in. */
  Pool holding(IpAddress address) throws IpamException {
    Pool pool =
        all.stream()
            .filter(p -> p.spec().enabled() && p.network().contains(address))
            .findFirst()
            .orElseThrow(
                () ->
                    new IpamException(
                        "address "
                            + address
                            + " is in no enabled IPPool: choose one inside "
                            + names(all)));
    if (!pool.spec().allows(use.name())) {
      throw new IpamException(
          "address " + address + ": IPPool " + pool.name() + " does not allow the use " + use);
    }
    return pool;
  }

  /** Returns the pools of the names or CIDRs; with none, every pool that selects the node. */
  List<Pool> usable(IpFamily family, List<String> wanted) throws DatastoreException, IpamException {
    List<Pool> ofFamily = all.stream().filter(p -> p.network().family() == family).toList();
    List<Pool> usable = new ArrayList<>();
    IpamException unusable = null;
    if (wanted.isEmpty()) {
      Map<String, String> labels = nodeLabels();
      for (Pool pool : ofFamily) {
        try {
          if (selects(pool, labels)) {
            usable.add(pool);
          }
        } catch (IpamException e) {
          unusable = e;
        }
      }
    }
    for (String name : wanted) {
      usable.add(named(name, family, ofFamily));
    }
    if (usable.isEmpty() && unusable != null) {
      throw unusable;
    }
    if (usable.isEmpty()) {
      throw new IpamException(
          "no configured Calico pools for node "
              + node
              + " ("
              + family.keyName()
              + "); the pools are "
              + names(all));
    }
    return usable;
  }

  private boolean selects(Pool pool, Map<String, String> labels) throws IpamException {
    return pool.spec().enabled()
        && pool.spec().allows(use.name())
        && !"Manual".equals(pool.spec().assignmentMode())
        && matches(pool, pool.spec().nodeSelector(), labels)
        // Outside Kubernetes a namespace has no labels.
        && matches(pool, pool.spec().namespaceSelector(), Map.of());
  }

  private boolean matches(Pool pool, @Nullable String selector, Map<String, String> labels)
      throws IpamException {
    try {
      return selector == null || cache.selector(selector).matches(labels);
    } catch (SelectorSyntaxException e) {
      throw new IpamException(
          "IPPool " + pool.name() + " cannot be used, put it right: " + e.getMessage());
    }
  }

  private Pool named(String name, IpFamily family, List<Pool> ofFamily) throws IpamException {
    Pool pool =
        ofFamily.stream()
            .filter(p -> p.name().equals(name) || p.spec().cidr().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    new IpamException(
                        "there is no "
                            + family.keyName()
                            + " IPPool \""
                            + name
                            + "\": the pools are "
                            + names(all)));
    if (!pool.spec().enabled()) {
      throw new IpamException("IPPool \"" + name + "\" is disabled");
    }
    if (!pool.spec().allows(use.name())) {
      throw new IpamException("IPPool \"" + name + "\" does not allow the use " + use);
    }
    return pool;
  }

  private Map<String, String> nodeLabels() throws DatastoreException, IpamException {
    Entry entry =
        reads
            .get(ResourceKey.of(ResourceKind.NODE, node.text()).path())
            .orElseThrow(
                () ->
                    new IpamException(
                        "node " + node + " has no Node resource: is calico-node running there?"));
    return cache
        .get(entry, Resource.class, e -> ResourceCodec.decode(ResourceKind.NODE, e))
        .metadata()
        .labels();
  }

  /** Names pools for a message. */
  static String names(List<Pool> pools) {
    return pools.isEmpty()
        ? "(none)"
        : String.join(
            ", ", pools.stream().map(p -> p.name() + " (" + p.spec().cidr() + ")").toList());
  }
}
