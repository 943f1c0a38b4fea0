package io.calico4j.core.resource;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * The door through which stored resources reach those who compute with them: a typed value, or
 * absent. A damaged one is reported once for each of its values, and remembered until it is mended
 * or deleted. Safe for many threads.
 */
public final class ValidationFilter {
  private final Consumer<String> report;

  /** By key, the revision and what is wrong with it. */
  private final Map<String, Damage> damaged = new ConcurrentHashMap<>();

  private record Damage(long revision, String reason) {}

  /**
   * Makes a filter.
   *
   * @param report told each damage once, with its key
   */
  public ValidationFilter(Consumer<String> report) {
    this.report = report;
  }

  /** Makes a filter that reports nothing: for those beside which another one reports the same. */
  public static ValidationFilter silent() {
    return new ValidationFilter(damage -> {});
  }

  /** Returns the resource of an entry; empty when it is damaged, whatever its bytes. */
  public <S> Optional<Resource<S>> accept(ResourceKind<S> kind, Entry entry) {
    return accept(entry, () -> ResourceCodec.decode(kind, entry));
  }

  /** Decodes likewise for those who only read: faster, and without the document. */
  public <S> Optional<Resource<S>> acceptWithoutDocument(ResourceKind<S> kind, Entry entry) {
    return accept(entry, () -> ResourceCodec.decodeWithoutDocument(kind, entry));
  }

  private interface Decoding<S> {
    Resource<S> decode() throws ValidationException;
  }

  private <S> Optional<Resource<S>> accept(Entry entry, Decoding<S> decoding) {
    try {
      Resource<S> resource = decoding.decode();
      damaged.remove(entry.key());
      return Optional.of(resource);
    } catch (ValidationException e) {
      refuse(entry, String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  /** Notes that something is wrong with an entry that could be read. */
  public void refuse(Entry entry, String reason) {
    Damage before = damaged.put(entry.key(), new Damage(entry.revision(), reason));
    if (before == null
        || before.revision() != entry.revision()
        || !before.reason().equals(reason)) {
      report.accept(reason);
    }
  }

  /** Forgets a key that is gone, or no longer damaged. */
  public void forget(String key) {
    damaged.remove(key);
  }

  /** Returns what is damaged now: key to reason, ascending. */
  public Map<String, String> damaged() {
    Map<String, String> now = new TreeMap<>();
    damaged.forEach((key, damage) -> now.put(key, damage.reason()));
    return now;
  }
}
