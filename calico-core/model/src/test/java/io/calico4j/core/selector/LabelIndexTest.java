package io.calico4j.core.selector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The index says what evaluating every selector on every item would say, by events only. */
class LabelIndexTest {
  private final Map<String, Set<String>> heard = new TreeMap<>();
  private final LabelIndex<String, String> index = new LabelIndex<>(new Recorder());

  /** Fails on an event that changes nothing. */
  private final class Recorder implements LabelIndex.Listener<String, String> {
    @Override
    public void onMatch(String selector, String item) {
      assertThat(heard.computeIfAbsent(selector, s -> new HashSet<>()).add(item))
          .as("%s begins to match %s", selector, item)
          .isTrue();
    }

    @Override
    public void onUnmatch(String selector, String item) {
      assertThat(heard.getOrDefault(selector, Set.of()).remove(item))
          .as("%s stops to match %s", selector, item)
          .isTrue();
    }
  }

  private Set<String> matched(String selector) {
    return heard.getOrDefault(selector, Set.of());
  }

  @Test
  void ownLabelsWinThenTheFirstParent() {
    index.putSelector("s", Selector.parse("a == 'own'"));
    index.putSelector("p", Selector.parse("b == 'first'"));
    index.putItem("x", Map.of("a", "own"), List.of("p1", "p2"));
    index.putParent("p2", Map.of("a", "inherited", "b", "second"));
    assertThat(matched("s")).containsExactly("x");
    assertThat(matched("p")).isEmpty();
    index.putParent("p1", Map.of("b", "first"));
    assertThat(matched("p")).containsExactly("x");
    assertThat(index.labelsOf("x")).containsOnly(Map.entry("a", "own"), Map.entry("b", "first"));
    index.putParent("p1", Map.of());
    assertThat(matched("p")).isEmpty();
    index.putItem("x", Map.of(), List.of("p2"));
    assertThat(matched("s")).isEmpty();
    index.removeItem("x");
    index.removeItem("x");
    assertThat(index.labelsOf("x")).isEmpty();
  }

  @Test
  void selectorsWithoutADemandSeeNewItems() {
    index.putSelector("all", Selector.all());
    index.putSelector("not", Selector.parse("!has(a)"));
    index.putSelector("never", Selector.parse("a in {}"));
    index.putItem("x", Map.of(), List.of());
    assertThat(index.membersOf("all")).containsExactly("x");
    assertThat(matched("not")).containsExactly("x");
    index.putItem("x", Map.of("a", "1"), List.of());
    assertThat(matched("not")).isEmpty();
    assertThat(index.membersOf("never")).isEmpty();
    index.removeSelector("all");
    assertThat(matched("all")).isEmpty();
  }

  private static final List<String> LABELS = List.of("a", "b", "c", "d");
  private static final List<String> VALUES = List.of("1", "2", "3");

  private static String pick(List<String> from, Random random) {
    return from.get(random.nextInt(from.size()));
  }

  private static Map<String, String> labels(Random random) {
    Map<String, String> labels = new HashMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      labels.put(pick(LABELS, random), pick(VALUES, random));
    }
    return labels;
  }

  private static String expression(Random random, int depth) {
    String label = pick(LABELS, random);
    return switch (random.nextInt(depth == 0 ? 7 : 10)) {
      case 0 -> label + " == '" + pick(VALUES, random) + "'";
      case 1 -> label + " != '" + pick(VALUES, random) + "'";
      case 2 -> "has(" + label + ")";
      case 3 -> label + " in {'1','2'}";
      case 4 -> label + " not in {'1'}";
      case 5 -> label + " starts with '1'";
      case 6 -> "all()";
      case 7 -> "!(" + expression(random, depth - 1) + ")";
      case 8 -> "(" + expression(random, depth - 1) + " && " + expression(random, depth - 1) + ")";
      default -> "(" + expression(random, depth - 1) + " || " + expression(random, depth - 1) + ")";
    };
  }

  @Property(tries = 60)
  void theIndexAgreesWithEvaluation(@ForAll long seed) {
    new LabelIndexTest().agrees(seed);
  }

  private void agrees(long seed) {
    Random random = new Random(seed);
    Map<String, Map<String, String>> items = new TreeMap<>();
    Map<String, List<String>> parentsOf = new TreeMap<>();
    Map<String, Map<String, String>> parents = new TreeMap<>();
    Map<String, Selector> selectors = new TreeMap<>();
    for (int step = 0; step < 120; step++) {
      String id = Integer.toString(random.nextInt(6));
      switch (random.nextInt(6)) {
        case 0, 1 -> {
          items.put(id, labels(random));
          List<String> names = new ArrayList<>();
          for (int i = random.nextInt(3); i > 0; i--) {
            String name = "p" + random.nextInt(3);
            if (!names.contains(name)) {
              names.add(name);
            }
          }
          parentsOf.put(id, names);
          index.putItem(id, items.get(id), names);
        }
        case 2 -> {
          items.remove(id);
          index.removeItem(id);
        }
        case 3 -> {
          parents.put("p" + random.nextInt(3), labels(random));
          parents.forEach(index::putParent);
        }
        case 4 -> {
          selectors.put(id, Selector.parse(expression(random, 2)));
          index.putSelector(id, selectors.get(id));
        }
        default -> {
          selectors.remove(id);
          index.removeSelector(id);
        }
      }
      for (Map.Entry<String, Selector> selector : selectors.entrySet()) {
        Set<String> expected = new HashSet<>();
        items.forEach(
            (item, own) -> {
              Map<String, String> all = new HashMap<>();
              for (String parent : parentsOf.get(item)) {
                parents.getOrDefault(parent, Map.of()).forEach(all::putIfAbsent);
              }
              all.putAll(own);
              if (selector.getValue().matches(all)) {
                expected.add(item);
              }
            });
        assertThat(matched(selector.getKey())).as("%s", selector).isEqualTo(expected);
        assertThat(index.membersOf(selector.getKey())).hasSameElementsAs(expected);
      }
    }
    items.keySet().forEach(index::removeItem);
    assertThat(heard.values()).allMatch(Set::isEmpty);
  }
}
