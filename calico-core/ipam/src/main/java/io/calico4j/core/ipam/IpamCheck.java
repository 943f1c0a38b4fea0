package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Compares what IPAM says with what is used. Reads only. An address that is being assigned or
 * released while this runs may be reported: what counts is what two runs report.
 */
public final class IpamCheck {
  private final Map<Cidr, Block> blocks = new TreeMap<>();
  private final Map<String, Map<Cidr, Integer>> held = new TreeMap<>();
  private final Map<IpAddress, List<String>> users = new TreeMap<>();
  private final List<Problem> problems = new ArrayList<>();

  private IpamCheck() {}

  /** What can be wrong. */
  public enum Kind {
    /** Assigned, but no endpoint and no node uses it. */
    LEAKED,
    /** Used by an endpoint or node, inside a pool, but not assigned. */
    NOT_ASSIGNED,
    /** Used by several endpoints or nodes. */
    SEVERAL_USERS,
    /** An endpoint of a node that is not there; the subject is namespace/name. */
    NO_NODE,
    /** A handle that counts more, or fewer, addresses than it holds. */
    WRONG_HANDLE,
    /** A host's affinity to a block that is another's, or is not there. */
    WRONG_AFFINITY,
    /** A block, handle or affinity that cannot be read. */
    UNREADABLE
  }

  /**
   * One fault.
   *
   * @param kind what is wrong
   * @param subject the address, handle or key
   * @param detail what was found, for people
   * @param leak the assignment nobody uses, for LEAKED; else null
   * @param revision the modification revision of the key it was found in; 0 when it is absent, or
   *     when the problem is not about one key
   */
  public record Problem(
      Kind kind, String subject, String detail, @Nullable Leak leak, long revision) {}

  /**
   * An assignment that nobody uses.
   *
   * @param address the address
   * @param owner what is recorded with it
   * @param sequence the block's sequence number at the assignment: another one is another
   *     assignment
   */
  public record Leak(IpAddress address, Block.Owner owner, long sequence) {}

  /** Returns which endpoints and nodes use an address, for people; empty when none does. */
  public static List<String> usersOf(Datastore datastore, IpAddress address)
      throws DatastoreException {
    IpamCheck check = new IpamCheck();
    check.readUsers(datastore);
    return check.users.getOrDefault(address, List.of());
  }

  /** Reads the cluster and returns what is wrong, in the order of {@link Kind}. */
  public static List<Problem> run(Datastore datastore) throws DatastoreException {
    IpamCheck check = new IpamCheck();
    check.readBlocks(datastore);
    check.readUsers(datastore);
    check.compare(new ResourceClient(datastore).list(ResourceKind.IP_POOL));
    for (Entry entry : datastore.list(IpamKeys.ROOT).entries()) {
      check.checkKey(entry);
    }
    check.held.forEach(
        (handle, counts) ->
            check.add(Kind.WRONG_HANDLE, handle, "holds " + counts + " and has no handle key", 0));
    check.problems.sort(
        java.util.Comparator.comparing(Problem::kind).thenComparing(Problem::subject));
    return List.copyOf(check.problems);
  }

  private void add(Kind kind, String subject, String detail, long revision) {
    problems.add(new Problem(kind, subject, detail, null, revision));
  }

  private void readBlocks(Datastore datastore) throws DatastoreException {
    for (IpFamily family : IpFamily.values()) {
      for (Entry entry : datastore.list(IpamKeys.blocks(family)).entries()) {
        try {
          Block block = Block.parse(entry.value());
          blocks.put(block.cidr(), block);
          for (IpAddress address : block.addresses(owner -> true)) {
            Block.Owner owner = block.owner(address);
            if (owner != null && owner.handleId() != null) {
              held.computeIfAbsent(owner.handleId(), h -> new TreeMap<>())
                  .merge(block.cidr(), 1, Integer::sum);
            }
          }
        } catch (IllegalArgumentException e) {
          add(Kind.UNREADABLE, entry.key(), String.valueOf(e.getMessage()), entry.revision());
        }
      }
    }
  }

  private void readUsers(Datastore datastore) throws DatastoreException {
    ResourceClient resources = new ResourceClient(datastore);
    List<Resource<NodeSpec>> nodes = resources.list(ResourceKind.NODE);
    Set<String> names =
        nodes.stream().map(node -> node.metadata().name()).collect(Collectors.toSet());
    for (Resource<WorkloadEndpointSpec> endpoint : resources.list(ResourceKind.WORKLOAD_ENDPOINT)) {
      endpoint
          .spec()
          .ipNetworks()
          .forEach(text -> use(text, "WorkloadEndpoint " + endpoint.metadata().name()));
      if (!names.contains(endpoint.spec().node())) {
        add(
            Kind.NO_NODE,
            endpoint.key().namespace() + "/" + endpoint.key().name(),
            "node " + endpoint.spec().node() + " does not exist: delete what is left of it",
            endpoint.revision());
      }
    }
    for (Resource<NodeSpec> node : nodes) {
      NodeSpec.Bgp bgp = node.spec().bgp();
      Stream.of(
              Optional.ofNullable(node.spec().ipv4VXLANTunnelAddr()),
              Optional.ofNullable(node.spec().ipv6VXLANTunnelAddr()),
              Optional.ofNullable(bgp).map(NodeSpec.Bgp::ipv4IPIPTunnelAddr))
          .flatMap(Optional::stream)
          .forEach(text -> use(text, "Node " + node.metadata().name()));
    }
  }

  private void use(String text, String user) {
    Cidr.tryParse(text)
        .ifPresent(cidr -> users.computeIfAbsent(cidr.address(), a -> new ArrayList<>()).add(user));
  }

  private void compare(List<Resource<IpPoolSpec>> pools) {
    for (Block block : blocks.values()) {
      for (IpAddress address : block.addresses(owner -> true)) {
        Block.Owner owner = block.owner(address);
        if (owner != null && !users.containsKey(address)) {
          problems.add(
              new Problem(
                  Kind.LEAKED,
                  address.toString(),
                  "handle " + owner.handleId() + ", " + owner.secondary(),
                  new Leak(address, owner, block.assignedAt(address)),
                  0));
        }
      }
    }
    users.forEach(
        (address, by) -> {
          if (by.size() > 1) {
            add(Kind.SEVERAL_USERS, address.toString(), String.join(", ", by), 0);
          }
          boolean assigned =
              blocks.values().stream().anyMatch(block -> block.owner(address) != null);
          boolean pooled =
              pools.stream()
                  .anyMatch(p -> p.spec().enabled() && p.spec().network().contains(address));
          if (!assigned && pooled) {
            add(Kind.NOT_ASSIGNED, address.toString(), String.join(", ", by), 0);
          }
        });
  }

  private void checkKey(Entry entry) {
    String rest = entry.key().substring(IpamKeys.ROOT.length());
    try {
      if (rest.startsWith("handle/")) {
        String handle = rest.substring("handle/".length());
        Map<Cidr, Integer> counted = Handle.parse(entry.value()).counts();
        Map<Cidr, Integer> found = held.remove(handle);
        if (!counted.equals(found == null ? Map.of() : found)) {
          add(
              Kind.WRONG_HANDLE,
              handle,
              "counts " + counted + ", holds " + found,
              entry.revision());
        }
      } else if (rest.startsWith("host/")) {
        Cidr cidr = IpamKeys.tryCidrOf(entry.key()).orElse(null);
        if (cidr == null) {
          add(Kind.UNREADABLE, entry.key(), "the key names no block", entry.revision());
          return;
        }
        String host = rest.substring("host/".length(), rest.indexOf('/', "host/".length()));
        Block block = blocks.get(cidr);
        if (block == null || !("host:" + host).equals(block.affinity())) {
          add(
              Kind.WRONG_AFFINITY,
              entry.key(),
              block == null ? "there is no such block" : "the block is " + block.affinity(),
              entry.revision());
        }
      }
    } catch (IllegalArgumentException e) {
      add(Kind.UNREADABLE, entry.key(), String.valueOf(e.getMessage()), entry.revision());
    }
  }
}
