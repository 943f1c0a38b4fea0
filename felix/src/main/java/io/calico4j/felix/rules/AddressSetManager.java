package io.calico4j.felix.rules;

import io.calico4j.core.model.Protocol;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.selector.Selector;
import io.calico4j.felix.calculation.AddressSetId;
import io.calico4j.felix.calculation.DataplaneUpdate.AddressSetUpdate;
import io.calico4j.felix.calculation.Member;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Address sets as sets of nftables. What a selector selects becomes a hash set of its single
 * addresses for each family and, as long as there is any, a set of its networks; a rule's own list
 * becomes a set of networks; named ports become a set of addresses with ports.
 */
final class AddressSetManager {
  private final TableWriter table;
  private final Map<AddressSetId, Kept> sets = new HashMap<>();

  /** What rules depend on, besides the members. */
  private static final class Kept {
    final Map<IpFamily, NetworkCover> networks = new EnumMap<>(IpFamily.class);
    boolean incomplete;
  }

  AddressSetManager(TableWriter table) {
    this.table = table;
  }

  /**
   * Takes over what has changed.
   *
   * @return whether rules that ask for the set must be rendered anew
   */
  boolean update(AddressSetUpdate update) {
    AddressSetId id = update.id();
    Kept kept = sets.get(id);
    boolean isNew = kept == null;
    if (kept == null) {
      kept = new Kept();
      sets.put(id, kept);
      declare(id);
    }
    boolean changed = !isNew && kept.incomplete != update.incomplete();
    kept.incomplete = update.incomplete();
    for (Member member : update.added()) {
      changed |= add(id, kept, member);
    }
    for (Member member : update.removed()) {
      changed |= remove(id, kept, member);
    }
    return changed;
  }

  /** Removes a set. */
  void remove(AddressSetId id) {
    Kept kept = sets.remove(id);
    if (kept == null) {
      return;
    }
    for (IpFamily family : IpFamily.values()) {
      if (id instanceof AddressSetId.Selected selected) {
        table.removeSet(addresses(selected.selector(), family));
      } else if (id instanceof AddressSetId.NamedPorts ports) {
        table.removeSet(ports(ports, family));
      }
    }
    kept.networks.keySet().forEach(family -> table.removeSet(networks(id, family)));
  }

  private void declare(AddressSetId id) {
    for (IpFamily family : IpFamily.values()) {
      if (id instanceof AddressSetId.Selected selected) {
        table.putSet(addresses(selected.selector(), family), SetType.addresses(family));
      } else if (id instanceof AddressSetId.NamedPorts ports) {
        table.putSet(ports(ports, family), SetType.ports(family));
      }
    }
  }

  private boolean add(AddressSetId id, Kept kept, Member member) {
    if (member instanceof Member.Port port) {
      table.addMember(ports((AddressSetId.NamedPorts) id, port.address().family()), member);
      return false;
    }
    Cidr cidr = ((Member.Network) member).cidr();
    if (cidr.isSingle() && id instanceof AddressSetId.Selected selected) {
      table.addMember(addresses(selected.selector(), cidr.family()), member);
      return false;
    }
    boolean first = !kept.networks.containsKey(cidr.family());
    kept.networks.computeIfAbsent(cidr.family(), family -> cover(id, family)).add(cidr);
    return first;
  }

  private boolean remove(AddressSetId id, Kept kept, Member member) {
    if (member instanceof Member.Port port) {
      table.removeMember(ports((AddressSetId.NamedPorts) id, port.address().family()), member);
      return false;
    }
    Cidr cidr = ((Member.Network) member).cidr();
    if (cidr.isSingle() && id instanceof AddressSetId.Selected selected) {
      table.removeMember(addresses(selected.selector(), cidr.family()), member);
      return false;
    }
    NetworkCover cover = kept.networks.get(cidr.family());
    if (cover == null) {
      return false;
    }
    cover.remove(cidr);
    if (!cover.isEmpty()) {
      return false;
    }
    kept.networks.remove(cidr.family());
    table.removeSet(networks(id, cidr.family()));
    return true;
  }

  private NetworkCover cover(AddressSetId id, IpFamily family) {
    String name = networks(id, family);
    table.putSet(name, SetType.networks(family));
    return new NetworkCover(
        new NetworkCover.Listener() {
          @Override
          public void onAdd(Cidr network) {
            table.addMember(name, new Member.Network(network));
          }

          @Override
          public void onRemove(Cidr network) {
            table.removeMember(name, new Member.Network(network));
          }
        });
  }

  /** Tells whether a set has networks of a family, beside single addresses. */
  boolean hasNetworks(AddressSetId id, IpFamily family) {
    Kept kept = sets.get(id);
    return kept != null && kept.networks.containsKey(family);
  }

  /** Tells whether members may be missing, because a network set is damaged. */
  boolean mayLackMembers(Selector selector) {
    Kept kept = sets.get(new AddressSetId.Selected(selector));
    return kept != null && kept.incomplete;
  }

  private static String family(IpFamily family) {
    return family == IpFamily.IPV4 ? "cali40" : "cali60";
  }

  /** Returns the name of the set of a selector's single addresses: upstream's. */
  static String addresses(Selector selector, IpFamily family) {
    return family(family) + selector.id().replace(':', '-');
  }

  /** Returns the name of the set of networks. */
  static String networks(AddressSetId id, IpFamily family) {
    String text =
        id instanceof AddressSetId.Selected selected
            ? "selected " + selected.selector().canonical()
            : ((AddressSetId.Networks) id)
                .networks().stream().map(Cidr::toString).collect(Collectors.joining(" "));
    return family(family) + "net-" + Digest.of(text);
  }

  /** Returns the name of the set of named ports. */
  static String ports(AddressSetId.NamedPorts ports, IpFamily family) {
    Protocol protocol = ports.protocol();
    return family(family)
        + "n-"
        + Digest.of(
            ports.selector().canonical()
                + "\n"
                + String.join("\n", ports.names())
                + "\n"
                + protocol.number());
  }
}
