package io.calico4j.core.selector;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;

/**
 * Parses the grammar of Calico's selectors: {@code !} binds tightest, then {@code &&}, then {@code
 * ||}; white space is blanks and tabs; strings have no escapes. Nesting is bounded.
 */
final class SelectorParser {
  private static final int MAX_DEPTH = 200;
  private static final int MAX_LABEL = 512;

  private final String text;
  private int position;
  private int depth;

  SelectorParser(String text) {
    this.text = text;
  }

  Expression parse() {
    skipBlanks();
    if (atEnd()) {
      return new Expression.Constant("all");
    }
    Expression expression = or();
    if (!atEnd()) {
      throw problem("unexpected text");
    }
    return expression;
  }

  private Expression or() {
    List<Expression> operands = new ArrayList<>(List.of(and()));
    while (accept("||")) {
      operands.add(and());
    }
    return operands.size() == 1 ? operands.get(0) : new Expression.Or(List.copyOf(operands));
  }

  private Expression and() {
    List<Expression> operands = new ArrayList<>(List.of(operation()));
    while (accept("&&")) {
      operands.add(operation());
    }
    return operands.size() == 1 ? operands.get(0) : new Expression.And(List.copyOf(operands));
  }

  private Expression operation() {
    boolean negated = false;
    while (accept("!")) {
      negated = !negated;
    }
    Expression operand = operand();
    return negated ? new Expression.Not(operand) : operand;
  }

  private Expression operand() {
    skipBlanks();
    if (accept("(")) {
      if (++depth > MAX_DEPTH) {
        throw problem("more than " + MAX_DEPTH + " nested parentheses");
      }
      Expression inner = or();
      expect(")");
      depth--;
      return inner;
    }
    if (accept("has(")) {
      skipBlanks();
      String label = label();
      expect(")");
      return new Expression.Has(label);
    }
    for (String constant : List.of("all", "global")) {
      if (accept(constant + "(")) {
        expect(")");
        return new Expression.Constant(constant);
      }
    }
    return comparison(label());
  }

  private Expression comparison(String label) {
    if (accept("==")) {
      return new Expression.Compare(label, Expression.Comparison.EQUAL, string());
    }
    if (accept("!=")) {
      return new Expression.Compare(label, Expression.Comparison.NOT_EQUAL, string());
    }
    if (acceptWord("contains")) {
      return new Expression.Compare(label, Expression.Comparison.CONTAINS, string());
    }
    if (acceptWords("starts", "with")) {
      return new Expression.Compare(label, Expression.Comparison.STARTS_WITH, string());
    }
    if (acceptWords("ends", "with")) {
      return new Expression.Compare(label, Expression.Comparison.ENDS_WITH, string());
    }
    if (acceptWords("not", "in")) {
      return set(label, true);
    }
    if (acceptWord("in")) {
      return set(label, false);
    }
    throw problem("an operator is missing after label " + label);
  }

  private Expression set(String label, boolean negated) {
    expect("{");
    TreeSet<String> values = new TreeSet<>();
    while (!accept("}")) {
      values.add(string());
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    return new Expression.In(label, negated, Collections.unmodifiableSortedSet(values));
  }

  private String label() {
    skipBlanks();
    int start = position;
    while (!atEnd() && isLabelCharacter(text.charAt(position))) {
      position++;
    }
    if (position == start) {
      throw problem("a label, has(…), all() or a parenthesis is missing");
    }
    if (position - start > MAX_LABEL) {
      throw problem("a label is longer than " + MAX_LABEL);
    }
    String label = text.substring(start, position);
    skipBlanks();
    return label;
  }

  private String string() {
    skipBlanks();
    if (atEnd() || text.charAt(position) != '"' && text.charAt(position) != '\'') {
      throw problem("a quoted string is missing");
    }
    int end = text.indexOf(text.charAt(position), position + 1);
    if (end < 0) {
      throw problem("a string has no end");
    }
    String value = text.substring(position + 1, end);
    position = end + 1;
    skipBlanks();
    return value;
  }

  private boolean acceptWords(String first, String second) {
    int start = position;
    if (text.startsWith(first, position)) {
      position += first.length();
      skipBlanks();
      if (acceptWord(second)) {
        return true;
      }
    }
    position = start;
    return false;
  }

  private boolean acceptWord(String word) {
    int end = position + word.length();
    if (!text.startsWith(word, position)
        || end < text.length() && isLabelCharacter(text.charAt(end))) {
      return false;
    }
    position = end;
    skipBlanks();
    return true;
  }

  private boolean accept(String token) {
    skipBlanks();
    if (!text.startsWith(token, position)) {
      return false;
    }
    position += token.length();
    skipBlanks();
    return true;
  }

  private void expect(String token) {
    if (!accept(token)) {
      throw problem("\"" + token + "\" is missing");
    }
  }

  private void skipBlanks() {
    while (!atEnd() && (text.charAt(position) == ' ' || text.charAt(position) == '\t')) {
      position++;
    }
  }

  private boolean atEnd() {
    return position >= text.length();
  }

  private static boolean isLabelCharacter(char c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || c == '_'
        || c == '.'
        || c == '/'
        || c == '-';
  }

  private SelectorSyntaxException problem(String what) {
    return new SelectorSyntaxException(text, position, what);
  }
}
