package io.calico4j.felix.calculation;

import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec.NamedPort;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.selector.LabelIndex;
import io.calico4j.core.selector.Selector;
import io.calico4j.felix.calculation.DataplaneUpdate.AddressSetUpdate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The members of the address sets that rules of this node ask for, over all endpoints and network
 * sets of the cluster. A change costs what it touches: the sets that the item's labels enter or
 * leave, and its own addresses. A network that several items have is counted.
 */
final class AddressSetIndex {
  private final Map<String, Item> items = new HashMap<>();
  private final Map<AddressSetId, CountedMembers> sets = new HashMap<>();
  private final Map<String, UnreadableSet> unreadable = new HashMap<>();
  private final Set<AddressSetId> changed = new LinkedHashSet<>();
  private int workloadEndpoints;
  private int hostEndpoints;
  private final LabelIndex<String, AddressSetId> index =
      new LabelIndex<>(
          new LabelIndex.Listener<>() {
            @Override
            public void onMatch(AddressSetId set, String key) {
              count(set, membersOf(set, items.get(key)), true);
            }

            @Override
            public void onUnmatch(AddressSetId set, String key) {
              count(set, membersOf(set, items.get(key)), false);
            }
          });

  /**
   * What selectors select: an endpoint or a network set.
   *
   * @param networks as members, without repetitions
   */
  private record Item(List<Member> networks, List<NamedPort> ports) {
    static Item of(List<Cidr> networks, List<NamedPort> ports) {
      return new Item(
          networks.stream().distinct().<Member>map(Member.Network::new).toList(), ports);
    }
  }

  /** How many items give a set each of its members, and what changed since the last flush. */
  private static final class CountedMembers {
    final Map<Member, Integer> counts = new HashMap<>();
    final Set<Member> added = new LinkedHashSet<>();
    final Set<Member> removed = new LinkedHashSet<>();
    boolean incomplete;

    void add(Member member) {
      if (counts.merge(member, 1, Integer::sum) == 1 && !removed.remove(member)) {
        added.add(member);
      }
    }

    void remove(Member member) {
      if (counts.computeIfPresent(member, (m, count) -> count == 1 ? null : count - 1) == null
          && !added.remove(member)) {
        removed.add(member);
      }
    }
  }

  /** Puts an endpoint or a network set, or changes it. */
  void putItem(
      String key,
      Map<String, String> labels,
      List<String> profiles,
      List<Cidr> networks,
      List<NamedPort> ports) {
    Item item = Item.of(networks, ports);
    Item before = items.put(key, item);
    if (before == null) {
      count(key, 1);
    }
    if (before != null && !before.equals(item)) {
      for (AddressSetId set : index.selectorsOf(key)) {
        count(set, membersOf(set, item), true);
        count(set, membersOf(set, before), false);
      }
    }
    index.putItem(key, labels, profiles);
  }

  /** Removes an endpoint or a network set; one that is not there is fine. */
  void removeItem(String key) {
    if (items.containsKey(key)) {
      index.removeItem(key);
      items.remove(key);
      count(key, -1);
    }
  }

  private void count(String key, int change) {
    if (key.startsWith(ResourceKind.WORKLOAD_ENDPOINT.prefix())) {
      workloadEndpoints += change;
    } else if (key.startsWith(ResourceKind.HOST_ENDPOINT.prefix())) {
      hostEndpoints += change;
    }
  }

  /** Returns how many workload endpoints there are. */
  int workloadEndpoints() {
    return workloadEndpoints;
  }

  /** Returns how many host endpoints there are. */
  int hostEndpoints() {
    return hostEndpoints;
  }

  /** Returns how much the index holds and has done. */
  LabelIndex.Figures figures() {
    return index.figures();
  }

  /** Returns the networks of an endpoint or network set; none when it is not there. */
  List<Cidr> networksOf(String key) {
    Item item = items.get(key);
    return item == null
        ? List.of()
        : item.networks().stream().map(network -> ((Member.Network) network).cidr()).toList();
  }

  /** Gives a profile the labels that its endpoints inherit; none remove it. */
  void putProfile(String name, Map<String, String> labels) {
    index.putParent(name, labels);
  }

  /** Puts a network set that is damaged, or takes it away (null). */
  void putUnreadable(String key, @Nullable UnreadableSet set) {
    UnreadableSet before = set == null ? unreadable.remove(key) : unreadable.put(key, set);
    if (before != null || set != null) {
      sets.forEach(
          (id, members) -> {
            boolean incomplete = mayLackMembers(id);
            if (incomplete != members.incomplete) {
              members.incomplete = incomplete;
              changed.add(id);
            }
          });
    }
  }

  private boolean mayLackMembers(AddressSetId id) {
    return selectorOf(id)
        .filter(selector -> unreadable.values().stream().anyMatch(set -> set.maySelect(selector)))
        .isPresent();
  }

  private static Optional<Selector> selectorOf(AddressSetId id) {
    if (id instanceof AddressSetId.Selected selected) {
      return Optional.of(selected.selector());
    }
    return id instanceof AddressSetId.NamedPorts ports
        ? Optional.of(ports.selector())
        : Optional.empty();
  }

  /** Begins to keep the members of a set. */
  void use(AddressSetId id) {
    CountedMembers members = new CountedMembers();
    members.incomplete = mayLackMembers(id);
    sets.put(id, members);
    changed.add(id);
    if (id instanceof AddressSetId.Networks listed) {
      listed.networks().stream().distinct().map(Member.Network::new).forEach(members::add);
    }
    selectorOf(id).ifPresent(selector -> index.putSelector(id, selector));
  }

  /** Ends to keep them. */
  void release(AddressSetId id) {
    index.removeSelector(id);
    sets.remove(id);
    changed.remove(id);
  }

  /** Returns what changed since the last call. */
  List<AddressSetUpdate> takeChanges() {
    List<AddressSetUpdate> updates = new ArrayList<>(changed.size());
    for (AddressSetId id : changed) {
      CountedMembers members = sets.get(id);
      if (members != null) {
        updates.add(
            new AddressSetUpdate(
                id, List.copyOf(members.added), List.copyOf(members.removed), members.incomplete));
        members.added.clear();
        members.removed.clear();
      }
    }
    changed.clear();
    return updates;
  }

  /**
   * Tells whether an item has the address as a single one. Asks every item.
   *
   * @param prefix what the keys of the items begin with
   */
  boolean isTaken(IpAddress address, String prefix) {
    Member wanted = new Member.Network(address.toCidr());
    return items.entrySet().stream()
        .anyMatch(
            item ->
                item.getKey().startsWith(prefix) && item.getValue().networks().contains(wanted));
  }

  private void count(AddressSetId id, Stream<Member> members, boolean comes) {
    CountedMembers counted = sets.get(id);
    if (counted != null) {
      members.forEach(comes ? counted::add : counted::remove);
      changed.add(id);
    }
  }

  private static Stream<Member> membersOf(AddressSetId id, @Nullable Item item) {
    if (item == null) {
      return Stream.empty();
    }
    if (id instanceof AddressSetId.NamedPorts named) {
      Set<Member> ports = new HashSet<>();
      for (NamedPort port : item.ports()) {
        if (named.names().contains(port.name()) && port.protocol().equals(named.protocol())) {
          for (Member network : item.networks()) {
            IpAddress address = ((Member.Network) network).cidr().address();
            ports.add(new Member.Port(address, port.protocol(), port.port()));
          }
        }
      }
      return ports.stream();
    }
    return item.networks().stream();
  }
}
