package io.calico4j.felix.rules;

import io.calico4j.core.net.Cidr;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Networks without those that lie inside another one, kept while networks come and go: nftables
 * refuses a set of intervals that overlap.
 */
final class NetworkCover {
  /** Hears which networks come to lie outside all others, and which do no more. */
  interface Listener {
    /** The network belongs to the cover. */
    void onAdd(Cidr network);

    /** The network does not belong to it any more. */
    void onRemove(Cidr network);
  }

  private final TreeSet<Cidr> all = new TreeSet<>();
  private final TreeSet<Cidr> cover = new TreeSet<>();
  private final Listener listener;

  NetworkCover(Listener listener) {
    this.listener = listener;
  }

  /** Tells whether there is no network. */
  boolean isEmpty() {
    return all.isEmpty();
  }

  /** Adds a network; one that is there is fine. */
  void add(Cidr network) {
    if (!all.add(network)) {
      return;
    }
    // Of networks that do not overlap, only the one before it can hold it.
    Cidr before = cover.floor(network);
    if (before != null && before.contains(network)) {
      return;
    }
    Cidr inside = cover.higher(network);
    while (inside != null && network.contains(inside)) {
      cover.remove(inside);
      listener.onRemove(inside);
      inside = cover.higher(network);
    }
    cover.add(network);
    listener.onAdd(network);
  }

  /** Removes a network; one that is not there is fine. */
  void remove(Cidr network) {
    if (!all.remove(network) || !cover.remove(network)) {
      return;
    }
    listener.onRemove(network);
    Cidr last = null;
    for (Cidr inside = all.higher(network);
        inside != null && network.contains(inside);
        inside = all.higher(inside)) {
      if (!isInside(inside, last)) {
        cover.add(inside);
        listener.onAdd(inside);
        last = inside;
      }
    }
  }

  private static boolean isInside(Cidr network, @Nullable Cidr other) {
    return other != null && other.contains(network);
  }
}
