package io.calico4j.core.datastore;

import io.calico4j.core.model.Entry;
import java.util.List;

/**
 * The answer to a list: a consistent view of all keys below a prefix.
 *
 * @param entries ascending by key
 * @param revision the store's revision of the read; watch from {@code revision + 1} to go on
 */
public record Listing(List<Entry> entries, long revision) {
  /** Copies the entries. */
  public Listing {
    entries = List.copyOf(entries);
  }
}
