package io.calico4j.core.ipam.decision;

import io.calico4j.core.ipam.decision.Block.Owner;
import java.util.ArrayList;
import java.util.List;

/**
 * Those who hold addresses of a block, with the text of its {@code attributes}: the text is long,
 * and an assignment only adds to it.
 *
 * @param list each holds at least one ordinal
 * @param text what is between the brackets
 */
record Owners(List<Owner> list, String text) {
  static final Owners NONE = new Owners(List.of(), "");

  static Owners of(List<Owner> list) {
    return new Owners(list, String.join(",", list.stream().map(Owner::json).toList()));
  }

  Owners plus(Owner owner) {
    List<Owner> more = new ArrayList<>(list.size() + 1);
    more.addAll(list);
    more.add(owner);
    return new Owners(more, list.isEmpty() ? owner.json() : text + "," + owner.json());
  }

  /** Returns the index of an equal one, or {@link Block#FREE}. */
  int indexOf(Owner owner) {
    // What the whole text does not contain need not be compared with each.
    return text.contains(owner.json())
        ? list.stream().map(Owner::json).toList().indexOf(owner.json())
        : Block.FREE;
  }

  /**
   * Drops those who hold nothing.
   *
   * @param allocations by ordinal, the index of the owner here; becomes that in the outcome
   */
  Owners usedBy(int[] allocations) {
    boolean[] used = new boolean[list.size()];
    for (int index : allocations) {
      if (index != Block.FREE) {
        used[index] = true;
      }
    }
    int[] renumbered = new int[used.length];
    List<Owner> left = new ArrayList<>(used.length);
    for (int index = 0; index < used.length; index++) {
      renumbered[index] = left.size();
      if (used[index]) {
        left.add(list.get(index));
      }
    }
    for (int ordinal = 0; ordinal < allocations.length; ordinal++) {
      if (allocations[ordinal] != Block.FREE) {
        allocations[ordinal] = renumbered[allocations[ordinal]];
      }
    }
    return left.size() == list.size() ? this : of(left);
  }
}
