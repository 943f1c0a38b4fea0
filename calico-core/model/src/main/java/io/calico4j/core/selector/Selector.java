package io.calico4j.core.selector;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A parsed selector, in Calico's language ({@code libcalico-go/lib/selector}). Equal when the
 * canonical texts are equal. Immutable.
 */
public final class Selector {
  private static final Selector ALL = new Selector(new Expression.Constant("all"));

  private final Expression expression;
  private final String canonical;

  private Selector(Expression expression) {
    this.expression = expression;
    this.canonical = expression.canonical();
  }

  /**
   * Parses a selector; empty text selects everything.
   *
   * @throws SelectorSyntaxException when it does not parse
   */
  public static Selector parse(String text) {
    return new Selector(new SelectorParser(text).parse());
  }

  /** Returns {@code all()}. */
  public static Selector all() {
    return ALL;
  }

  /** Tells whether the labels are selected. */
  public boolean matches(Map<String, String> labels) {
    return expression.matches(labels);
  }

  /** Returns what labels must have for a match, see {@link Expression#restrictions}. */
  List<Set<LabelKey>> restrictions() {
    return expression.restrictions();
  }

  /** Returns the labels whose values can change the outcome. */
  Set<String> mentions() {
    Set<String> labels = new HashSet<>();
    expression.addMentions(labels);
    return labels;
  }

  /** Tells whether {@code global()} is part of the selector. */
  public boolean mentionsGlobal() {
    return expression.mentionsGlobal();
  }

  /** Returns the canonical text: equal for selectors that differ in spelling only. */
  public String canonical() {
    return canonical;
  }

  /** Returns upstream's unique id: {@code s:} and the SHA-224 of the canonical text. */
  public String id() {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-224");
      byte[] digest = sha.digest(("s:" + canonical).getBytes(StandardCharsets.UTF_8));
      return "s:" + Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-224", e);
    }
  }

  /** Returns a selector that demands both. */
  public Selector and(Selector other) {
    if (equals(ALL)) {
      return other;
    }
    return other.equals(ALL)
        ? this
        : new Selector(new Expression.And(List.of(expression, other.expression)));
  }

  /** Returns a selector with the prefix in front of every label's name. */
  public Selector prefixed(String prefix) {
    return new Selector(expression.prefixed(prefix));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Selector selector && selector.canonical.equals(canonical);
  }

  @Override
  public int hashCode() {
    return canonical.hashCode();
  }

  @Override
  public String toString() {
    return canonical;
  }
}
