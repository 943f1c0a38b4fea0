package io.calico4j.core.selector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** The selector parser under any input: it answers or refuses, and its own print means the same. */
class SelectorPropertyTest {
  private static final int TRIES = 3000;

  @Provide
  Arbitrary<Map<String, String>> labels() {
    return Arbitraries.maps(Arbitraries.of("a", "b", "all"), Arbitraries.of("", "x", "xy", "\""));
  }

  @Provide
  Arbitrary<String> selectors() {
    Arbitrary<String> label = Arbitraries.of("a", "b", "all", "c/d.e");
    Arbitrary<String> value = Arbitraries.of("''", "'x'", "\"xy\"", "'\"'");
    Arbitrary<String> operator =
        Arbitraries.of("==", "!=", " contains ", " starts with ", " endswith", " in {", "not in{");
    Arbitrary<String> comparison =
        Combinators.combine(label, operator, value, value)
            .as(
                (l, o, v, w) ->
                    l
                        + (o.startsWith("n") ? " " : "")
                        + o
                        + v
                        + (o.endsWith("{") ? "," + w + "}" : ""));
    Arbitrary<String> leaf =
        Arbitraries.oneOf(
            comparison, label.map(l -> "has( " + l + ")"), Arbitraries.of("all()", "global( )"));
    return Arbitraries.recursive(
        () -> leaf,
        inner ->
            Arbitraries.oneOf(
                inner.map(i -> "!" + i),
                inner.map(i -> " (" + i + ") "),
                Combinators.combine(inner, inner).as((l, r) -> "(" + l + "&&" + r + ")"),
                Combinators.combine(inner, inner).as((l, r) -> "(" + l + " || " + r + ")")),
        0,
        4);
  }

  @Property(tries = TRIES)
  void thePrintedTextMeansTheSame(
      @ForAll("selectors") String text, @ForAll("labels") Map<String, String> labels) {
    Selector selector = Selector.parse(text);
    Selector again = Selector.parse(selector.canonical());
    assertThat(Selector.parse(again.canonical()).id()).isEqualTo(again.id());
    assertThat(again.matches(labels)).isEqualTo(selector.matches(labels));
    assertThat(Selector.parse("!(" + text + ")").matches(labels))
        .isNotEqualTo(selector.matches(labels));
  }

  @Provide
  Arbitrary<String> noise() {
    return Arbitraries.of(
            "a",
            "has(",
            "all(",
            "(",
            ")",
            "{",
            "}",
            "!",
            "&&",
            "||",
            "==",
            "!=",
            "in",
            "not",
            "'",
            "\"",
            ",",
            " ",
            "\t",
            "\n",
            "starts",
            "with",
            "contains",
            "é",
            "%")
        .list()
        .ofMaxSize(14)
        .map(parts -> String.join("", parts));
  }

  @Property(tries = TRIES)
  void whateverIsNoSelectorIsRefusedWithItsPlace(@ForAll("noise") String text) {
    try {
      String canonical = Selector.parse(Selector.parse(text).canonical()).canonical();
      assertThat(Selector.parse(canonical).canonical()).isEqualTo(canonical);
    } catch (SelectorSyntaxException e) {
      assertThat(e).hasMessageContaining("at position");
    }
  }
}
