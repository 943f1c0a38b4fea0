package io.calico4j.core.selector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The selector language, row by row. */
class SelectorTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "a == 'b' ; a=b ; true",
        "a == 'b' ; a=c ; false",
        "a == 'b' ; `` ; false",
        "a != 'b' ; `` ; true",
        "a != 'b' ; a=b ; false",
        "a in {'b', 'c'} ; a=c ; true",
        "a in{'b'} ; a=c ; false",
        "a not in {'b'} ; `` ; true",
        "a notin {'b'} ; a=b ; false",
        "a in {} ; a=b ; false",
        "a not in {} ; a=b ; true",
        "a contains 'ell' ; a=hello ; true",
        "a starts with 'he' ; a=hello ; true",
        "a startswith 'lo' ; a=hello ; false",
        "a ends with 'lo' ; a=hello ; true",
        "a contains '' ; `` ; false",
        "has(a) ; a=b ; true",
        "!has(a) ; a=b ; false",
        "!!has(a) ; a=b ; true",
        "all() ; `` ; true",
        "`` ; a=b ; true",
        "all == 'x' ; all=x ; true",
        "has(a) && has(b) || has(c) ; c=1 ; true",
        "has(a) && (has(b) || has(c)) ; c=1 ; false",
        "!(a == 'b' && c == 'd') ; a=b,c=d ; false",
      })
  void matches(String selector, String labels, boolean expected) {
    Map<String, String> map = new TreeMap<>();
    for (java.util.StringTokenizer pairs = new java.util.StringTokenizer(labels, ",");
        pairs.hasMoreTokens(); ) {
      String pair = pairs.nextToken();
      int equals = pair.indexOf('=');
      if (equals > 0) {
        map.put(pair.substring(0, equals), pair.substring(equals + 1));
      }
    }
    Selector parsed = Selector.parse(selector);
    assertThat(parsed.matches(map)).isEqualTo(expected);
    assertThat(Selector.parse(parsed.canonical()).matches(map)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "`` ; all() ; s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug",
        "` (all() )` ; all() ; s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug",
        "! (has( b)||! has(a )) ; !(has(b) || !has(a)) ; s:Iss0uCleLYv1GSv_pNm7hAO58kE9jAx1NKyG3Q",
      })
  void canonicalTextAndIdAreUpstreams(String selector, String canonical, String id) {
    assertThat(Selector.parse(selector).canonical()).isEqualTo(canonical);
    assertThat(Selector.parse(selector).id()).isEqualTo(id);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "b == b",
        "b contains b",
        "'b1' == b",
        "b",
        "a b",
        "!",
        "a == 'b' &",
        "a == 'b' |",
        "foo != ||",
        "foo in {\"\", ||",
        "foo in \"\"",
        "a == 'b",
        "a == \"b",
        "(",
        "(a == \"foo\"",
        ")",
        "()",
        "%",
        "a == \"b\" && %",
        "a ",
        "has(foo) &&",
        "a == 'b'\n"
      })
  void refuses(String selector) {
    assertThatThrownBy(() -> Selector.parse(selector))
        .isInstanceOf(SelectorSyntaxException.class)
        .hasMessageContaining("position");
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 100_000})
  void hostileNestingIsRefused(int depth) {
    String text = "(".repeat(depth) + "all()" + ")".repeat(depth);
    assertThatThrownBy(() -> Selector.parse(text)).isInstanceOf(SelectorSyntaxException.class);
  }
}
