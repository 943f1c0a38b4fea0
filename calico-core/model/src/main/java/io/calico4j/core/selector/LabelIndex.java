package io.calico4j.core.selector;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which items each selector selects, kept while labels, parents and selectors come and go. The work
 * for a change depends on what it touches, not on how many items or selectors there are: selectors
 * are found by a label they demand, items by the labels they have. Items inherit labels from
 * parents, as endpoints do from profiles: their own win, then the first parent that has the label.
 *
 * <p>Not safe for several threads.
 *
 * @param <I> identifies an item: an endpoint, a network set
 * @param <S> identifies a selector: an address set, a policy
 */
public final class LabelIndex<I, S> {
  private final Listener<I, S> listener;
  private final Map<I, Item<I, S>> items = new HashMap<>();
  private final Map<String, Parent<I, S>> parents = new HashMap<>();
  private final Map<S, Entry<I, S>> selectors = new HashMap<>();
  private final Map<LabelKey, Set<Item<I, S>>> itemsByKey = new HashMap<>();
  private final Map<LabelKey, Set<Entry<I, S>>> selectorsByKey = new HashMap<>();

  private long matches;
  private long misses;

  /** Selectors that may match whatever the labels are. */
  private final Set<Entry<I, S>> unrestricted = new LinkedHashSet<>();

  /**
   * Hears what changes.
   *
   * @param <I> identifies an item
   * @param <S> identifies a selector
   */
  public interface Listener<I, S> {
    /** The selector now selects the item. */
    void onMatch(S selector, I item);

    /** The selector no longer selects the item. */
    void onUnmatch(S selector, I item);
  }

  private static final class Item<I, S> {
    final I id;
    Map<String, String> own = Map.of();
    List<String> parents = List.of();
    Map<String, String> labels = Map.of();
    Set<Entry<I, S>> matching = Set.of();

    Item(I id) {
      this.id = id;
    }
  }

  private static final class Parent<I, S> {
    Map<String, String> labels = Map.of();
    Set<Item<I, S>> children = Set.of();
  }

  private static final class Entry<I, S> {
    final S id;
    final Selector selector;
    final Set<String> mentions;
    Collection<LabelKey> keys = List.of();
    Set<Item<I, S>> members = Set.of();

    Entry(S id, Selector selector) {
      this.id = id;
      this.selector = selector;
      this.mentions = selector.mentions();
    }

    boolean mentionsAny(Set<String> labels) {
      if (labels.size() <= mentions.size()) {
        return labels.stream().anyMatch(mentions::contains);
      }
      return mentions.stream().anyMatch(labels::contains);
    }
  }

  /** Makes an empty index. */
  public LabelIndex(Listener<I, S> listener) {
    this.listener = listener;
  }

  /** Puts an item, or changes its labels and parents; a parent need not be there (yet). */
  public void putItem(I id, Map<String, String> labels, List<String> parentNames) {
    Item<I, S> item = items.get(id);
    boolean isNew = item == null;
    if (item == null) {
      item = new Item<>(id);
      items.put(id, item);
    }
    item.own = Map.copyOf(labels);
    if (!item.parents.equals(parentNames)) {
      leaveParents(item);
      item.parents = List.copyOf(parentNames);
      for (String name : item.parents) {
        Parent<I, S> parent = parents.computeIfAbsent(name, n -> new Parent<>());
        parent.children = SmallSets.with(parent.children, item);
      }
    }
    refresh(item, isNew);
  }

  /** Removes an item; one that is not there is fine. */
  public void removeItem(I id) {
    Item<I, S> item = items.remove(id);
    if (item == null) {
      return;
    }
    leaveParents(item);
    item.labels.forEach((label, value) -> unindex(item, label, value));
    for (Entry<I, S> entry : item.matching) {
      entry.members = SmallSets.without(entry.members, item);
      listener.onUnmatch(entry.id, id);
    }
  }

  private void leaveParents(Item<I, S> item) {
    for (String name : item.parents) {
      Parent<I, S> parent = parents.get(name);
      if (parent != null) {
        parent.children = SmallSets.without(parent.children, item);
        dropIfUnused(name, parent);
      }
    }
  }

  private void dropIfUnused(String name, Parent<I, S> parent) {
    if (parent.children.isEmpty() && parent.labels.isEmpty()) {
      parents.remove(name);
    }
  }

  /** Gives a parent its labels; an empty map removes it. */
  public void putParent(String name, Map<String, String> labels) {
    Parent<I, S> parent = parents.computeIfAbsent(name, n -> new Parent<>());
    if (!parent.labels.equals(labels)) {
      parent.labels = Map.copyOf(labels);
      parent.children.forEach(child -> refresh(child, false));
    }
    dropIfUnused(name, parent);
  }

  /** Puts a selector, or exchanges it. */
  public void putSelector(S id, Selector selector) {
    Entry<I, S> before = selectors.get(id);
    if (before != null && before.selector.equals(selector)) {
      return;
    }
    Entry<I, S> entry = new Entry<>(id, selector);
    selectors.put(id, entry);
    register(entry);
    for (Item<I, S> item : candidates(entry)) {
      if (matches(entry, item.labels) && !entry.members.contains(item)) {
        entry.members = SmallSets.with(entry.members, item);
        item.matching = SmallSets.with(item.matching, entry);
        if (before == null || !before.members.contains(item)) {
          listener.onMatch(id, item.id);
        }
      }
    }
    if (before != null) {
      forget(before);
      for (Item<I, S> item : before.members) {
        if (!entry.members.contains(item)) {
          listener.onUnmatch(id, item.id);
        }
      }
    }
  }

  /** Removes a selector; its members are told to go. One that is not there is fine. */
  public void removeSelector(S id) {
    Entry<I, S> entry = selectors.remove(id);
    if (entry != null) {
      forget(entry);
      entry.members.forEach(item -> listener.onUnmatch(id, item.id));
    }
  }

  /** Returns what a selector selects. */
  public List<I> membersOf(S id) {
    Entry<I, S> entry = selectors.get(id);
    return entry == null ? List.of() : entry.members.stream().map(item -> item.id).toList();
  }

  /** Returns the selectors that select an item; none when it is not there. */
  public List<S> selectorsOf(I id) {
    Item<I, S> item = items.get(id);
    return item == null ? List.of() : item.matching.stream().map(entry -> entry.id).toList();
  }

  /** Returns an item's own and inherited labels; empty when it is not there. */
  public Map<String, String> labelsOf(I id) {
    Item<I, S> item = items.get(id);
    return item == null ? Map.of() : Collections.unmodifiableMap(item.labels);
  }

  private boolean matches(Entry<I, S> entry, Map<String, String> labels) {
    boolean matching = entry.selector.matches(labels);
    if (matching) {
      matches++;
    } else {
      misses++;
    }
    return matching;
  }

  /** Returns how much it holds and has done. */
  public Figures figures() {
    return new Figures(
        items.size(), selectors.size() - unrestricted.size(), unrestricted.size(), matches, misses);
  }

  /**
   * How much an index holds and has done.
   *
   * @param items how many items there are
   * @param restricted how many selectors are found by a label that they demand
   * @param unrestricted how many are compared with every item
   * @param matches how often a selector was compared with an item and selected it
   * @param misses how often it did not
   */
  public record Figures(int items, int restricted, int unrestricted, long matches, long misses) {}

  /** Files a selector under the restriction that fewest others are filed under. */
  private void register(Entry<I, S> entry) {
    Set<LabelKey> best = null;
    int load = Integer.MAX_VALUE;
    for (Set<LabelKey> restriction : entry.selector.restrictions()) {
      int others = 0;
      for (LabelKey key : restriction) {
        others += selectorsByKey.getOrDefault(key, Set.of()).size();
      }
      if (others < load) {
        best = restriction;
        load = others;
      }
    }
    if (best == null) {
      unrestricted.add(entry);
    } else {
      entry.keys = best;
      best.forEach(key -> add(selectorsByKey, key, entry));
    }
  }

  private void forget(Entry<I, S> entry) {
    unrestricted.remove(entry);
    for (LabelKey key : entry.keys) {
      remove(selectorsByKey, key, entry);
    }
    entry.members.forEach(item -> item.matching = SmallSets.without(item.matching, entry));
  }

  private static <T> void add(Map<LabelKey, Set<T>> index, LabelKey key, T element) {
    index.put(key, SmallSets.with(index.getOrDefault(key, Set.of()), element));
  }

  private static <T> void remove(Map<LabelKey, Set<T>> index, LabelKey key, T element) {
    Set<T> rest = SmallSets.without(index.getOrDefault(key, Set.of()), element);
    if (rest.isEmpty()) {
      index.remove(key);
    } else {
      index.put(key, rest);
    }
  }

  /** Returns the items that may match, by the restriction that leaves fewest. */
  private Collection<Item<I, S>> candidates(Entry<I, S> entry) {
    Collection<Item<I, S>> fewest = items.values();
    for (Set<LabelKey> restriction : entry.selector.restrictions()) {
      int count = 0;
      for (LabelKey key : restriction) {
        count += itemsByKey.getOrDefault(key, Set.of()).size();
      }
      if (count < fewest.size()) {
        List<Item<I, S>> some = new ArrayList<>(count);
        restriction.forEach(key -> some.addAll(itemsByKey.getOrDefault(key, Set.of())));
        fewest = some;
      }
    }
    return fewest;
  }

  private void refresh(Item<I, S> item, boolean isNew) {
    Map<String, String> before = item.labels;
    Map<String, String> after = new HashMap<>();
    for (String name : item.parents) {
      Parent<I, S> parent = parents.get(name);
      if (parent != null) {
        parent.labels.forEach(after::putIfAbsent);
      }
    }
    after.putAll(item.own);
    Set<String> changed = changed(before, after);
    if (changed.isEmpty() && !isNew) {
      return;
    }
    item.labels = after.equals(item.own) ? item.own : Map.copyOf(after);
    for (String label : changed) {
      reindex(item, label, before.get(label), after.get(label));
    }
    List<Entry<I, S>> ended = new ArrayList<>();
    for (Entry<I, S> entry : item.matching) {
      if (entry.mentionsAny(changed) && !matches(entry, after)) {
        ended.add(entry);
      }
    }
    List<Entry<I, S>> begun = new ArrayList<>();
    collect(unrestricted, item, changed, isNew, begun);
    after.forEach(
        (label, value) -> {
          collect(selectorsByKey.get(new LabelKey(label, value)), item, changed, isNew, begun);
          collect(selectorsByKey.get(new LabelKey(label, null)), item, changed, isNew, begun);
        });
    for (Entry<I, S> entry : begun) {
      if (!item.matching.contains(entry)) {
        item.matching = SmallSets.with(item.matching, entry);
        entry.members = SmallSets.with(entry.members, item);
        listener.onMatch(entry.id, item.id);
      }
    }
    for (Entry<I, S> entry : ended) {
      item.matching = SmallSets.without(item.matching, entry);
      entry.members = SmallSets.without(entry.members, item);
      listener.onUnmatch(entry.id, item.id);
    }
  }

  private void collect(
      @Nullable Set<Entry<I, S>> entries,
      Item<I, S> item,
      Set<String> changed,
      boolean isNew,
      List<Entry<I, S>> into) {
    if (entries == null) {
      return;
    }
    for (Entry<I, S> entry : entries) {
      if ((isNew || entry.mentionsAny(changed)) && matches(entry, item.labels)) {
        into.add(entry);
      }
    }
  }

  private static Set<String> changed(Map<String, String> before, Map<String, String> after) {
    Set<String> changed = new HashSet<>();
    after.forEach(
        (label, value) -> {
          if (!value.equals(before.get(label))) {
            changed.add(label);
          }
        });
    for (String label : before.keySet()) {
      if (!after.containsKey(label)) {
        changed.add(label);
      }
    }
    return changed;
  }

  private void reindex(
      Item<I, S> item, String label, @Nullable String before, @Nullable String after) {
    if (before != null) {
      remove(itemsByKey, new LabelKey(label, before), item);
    }
    if (after != null) {
      add(itemsByKey, new LabelKey(label, after), item);
    }
    if (before == null && after != null) {
      add(itemsByKey, new LabelKey(label, null), item);
    } else if (before != null && after == null) {
      remove(itemsByKey, new LabelKey(label, null), item);
    }
  }

  private void unindex(Item<I, S> item, String label, String value) {
    reindex(item, label, value, null);
  }
}
