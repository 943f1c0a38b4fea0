package io.calico4j.felix.dataplane.route;

import io.calico4j.core.kernel.KernelException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What ought to be in the kernel, what is there, and the difference: at start, after a change and
 * after interference by others alike. Not for several threads.
 */
final class DeltaTracker<K, V> {
  private final Map<K, V> desired = new HashMap<>();
  private final Map<K, V> actual = new HashMap<>();
  private final Set<K> differing = new LinkedHashSet<>();

  /** Writes an entry to the kernel, or deletes it there. */
  interface Change<V> {
    void make(V value) throws KernelException;
  }

  /** Puts what ought to be there. */
  void put(K key, V value) {
    desired.put(key, value);
    compare(key);
  }

  /** Takes away what ought to be there no more. */
  void remove(K key) {
    desired.remove(key);
    compare(key);
  }

  /** Takes away everything that ought to be there. */
  void clear() {
    desired.clear();
    compareAll();
  }

  /**
   * Takes over what is there.
   *
   * @return how many entries are not as they were written
   */
  int readBack(Map<K, V> found) {
    int interfered = 0;
    for (Map.Entry<K, V> written : actual.entrySet()) {
      if (!written.getValue().equals(found.get(written.getKey()))) {
        interfered++;
      }
    }
    actual.clear();
    actual.putAll(found);
    compareAll();
    return interfered;
  }

  private void compareAll() {
    differing.clear();
    differing.addAll(actual.keySet());
    differing.addAll(desired.keySet());
    differing.removeIf(key -> isSame(key));
  }

  private boolean isSame(K key) {
    V wanted = desired.get(key);
    return wanted == null ? !actual.containsKey(key) : wanted.equals(actual.get(key));
  }

  private void compare(K key) {
    if (isSame(key)) {
      differing.remove(key);
    } else {
      differing.add(key);
    }
  }

  /** Returns what ought to be there; null for nothing. */
  @Nullable V desired(K key) {
    return desired.get(key);
  }

  /** Tells whether nothing ought to be there, and nothing is. */
  boolean isEmpty() {
    return desired.isEmpty() && actual.isEmpty();
  }

  /**
   * Deletes what ought not to be there. What fails is tried at the next call.
   *
   * @return the first failure; null when all is done
   */
  @Nullable KernelException delete(Change<V> deletion) {
    KernelException failure = null;
    for (K key : List.copyOf(differing)) {
      V present = actual.get(key);
      if (present == null || desired.containsKey(key)) {
        continue;
      }
      try {
        deletion.make(present);
        actual.remove(key);
        differing.remove(key);
      } catch (KernelException e) {
        failure = failure == null ? e : failure;
      }
    }
    return failure;
  }

  /**
   * Writes what is missing or different. What fails is tried at the next call.
   *
   * @return the first failure; null when all is done
   */
  @Nullable KernelException write(Change<V> write) {
    KernelException failure = null;
    for (K key : new ArrayList<>(differing)) {
      V wanted = desired.get(key);
      if (wanted == null) {
        continue;
      }
      try {
        write.make(wanted);
        actual.put(key, wanted);
        differing.remove(key);
      } catch (KernelException e) {
        failure = failure == null ? e : failure;
      }
    }
    return failure;
  }
}
