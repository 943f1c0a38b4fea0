package io.calico4j.core.ipam;

import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.resource.ValidationException;
import io.calico4j.core.selector.Selector;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps what has been decoded from blocks, pools and nodes, so that an assignment does not decode
 * every block it looks at. An entry counts only for the revision it was made of.
 */
final class DecodeCache {
  private final Map<String, Decoded> values = new ConcurrentHashMap<>();

  /** By their texts; there are as many as the pools have had. */
  private final Map<String, Selector> selectors = new ConcurrentHashMap<>();

  private record Decoded(long revision, Object value) {}

  /** Decodes a value. */
  interface Decoder<T> {
    /** Decodes; throws when the value cannot be read. */
    T decode(Entry entry) throws ValidationException, InvalidResourceException;
  }

  /** Returns the decoded value of an entry. */
  <T> T get(Entry entry, Class<T> type, Decoder<T> decoder) throws InvalidResourceException {
    Decoded known = values.get(entry.key());
    if (known != null && known.revision() == entry.revision() && type.isInstance(known.value())) {
      return type.cast(known.value());
    }
    T value;
    try {
      value = decoder.decode(entry);
    } catch (ValidationException e) {
      throw new InvalidResourceException(String.valueOf(e.getMessage()), e);
    }
    values.put(entry.key(), new Decoded(entry.revision(), value));
    return value;
  }

  /** Returns the selector that a text says; it is parsed once. */
  Selector selector(String text) {
    return selectors.computeIfAbsent(text, Selector::parse);
  }

  /** Remembers what this process itself has written. */
  void put(String key, long revision, Object value) {
    values.put(key, new Decoded(revision, value));
  }
}
