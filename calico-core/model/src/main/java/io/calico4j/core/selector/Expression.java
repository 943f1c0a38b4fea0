package io.calico4j.core.selector;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A selector's syntax tree. */
sealed interface Expression {
  boolean matches(Map<String, String> labels);

  String canonical();

  Expression prefixed(String prefix);

  /**
   * Returns what labels must have for a match: each restriction is a set of keys, of which at least
   * one must be there. No restriction at all means that any labels may match.
   */
  default List<Set<LabelKey>> restrictions() {
    return List.of();
  }

  /** Adds the labels whose values can change the outcome. */
  default void addMentions(Set<String> labels) {}

  /** Tells whether {@code global()} is part of it. */
  default boolean mentionsGlobal() {
    return false;
  }

  /** {@code all()} or {@code global()}. */
  record Constant(String name) implements Expression {
    @Override
    public boolean matches(Map<String, String> labels) {
      return true;
    }

    @Override
    public String canonical() {
      return name + "()";
    }

    @Override
    public boolean mentionsGlobal() {
      return name.equals("global");
    }

    @Override
    public Expression prefixed(String prefix) {
      return this;
    }
  }

  /** {@code has(label)}. */
  record Has(String label) implements Expression {
    @Override
    public boolean matches(Map<String, String> labels) {
      return labels.containsKey(label);
    }

    @Override
    public String canonical() {
      return "has(" + label + ")";
    }

    @Override
    public List<Set<LabelKey>> restrictions() {
      return List.of(Set.of(new LabelKey(label, null)));
    }

    @Override
    public void addMentions(Set<String> labels) {
      labels.add(label);
    }

    @Override
    public Expression prefixed(String prefix) {
      return new Has(prefix + label);
    }
  }

  /** How a label's value is compared with a string. */
  enum Comparison {
    EQUAL("=="),
    NOT_EQUAL("!="),
    CONTAINS("contains"),
    STARTS_WITH("starts with"),
    ENDS_WITH("ends with");

    private final String text;

    Comparison(String text) {
      this.text = text;
    }

    private boolean holds(@Nullable String value, String operand) {
      if (value == null) {
        return this == NOT_EQUAL;
      }
      return switch (this) {
        case EQUAL -> value.equals(operand);
        case NOT_EQUAL -> !value.equals(operand);
        case CONTAINS -> value.contains(operand);
        case STARTS_WITH -> value.startsWith(operand);
        case ENDS_WITH -> value.endsWith(operand);
      };
    }
  }

  /** {@code label OPERATOR 'value'}. */
  record Compare(String label, Comparison comparison, String operand) implements Expression {
    @Override
    public boolean matches(Map<String, String> labels) {
      return comparison.holds(labels.get(label), operand);
    }

    @Override
    public String canonical() {
      return label + " " + comparison.text + " " + quote(operand);
    }

    @Override
    public List<Set<LabelKey>> restrictions() {
      return switch (comparison) {
        case EQUAL -> List.of(Set.of(new LabelKey(label, operand)));
        case NOT_EQUAL -> List.of();
        case CONTAINS, STARTS_WITH, ENDS_WITH -> List.of(Set.of(new LabelKey(label, null)));
      };
    }

    @Override
    public void addMentions(Set<String> labels) {
      labels.add(label);
    }

    @Override
    public Expression prefixed(String prefix) {
      return new Compare(prefix + label, comparison, operand);
    }
  }

  /** {@code label in {…}} or {@code label not in {…}}. */
  record In(String label, boolean negated, SortedSet<String> values) implements Expression {
    @Override
    public boolean matches(Map<String, String> labels) {
      String value = labels.get(label);
      return negated != (value != null && values.contains(value));
    }

    @Override
    public String canonical() {
      return label
          + (negated ? " not in {" : " in {")
          + String.join(", ", values.stream().map(Expression::quote).toList())
          + "}";
    }

    @Override
    public List<Set<LabelKey>> restrictions() {
      return negated
          ? List.of()
          : List.of(
              values.stream()
                  .map(value -> new LabelKey(label, value))
                  .collect(Collectors.toUnmodifiableSet()));
    }

    @Override
    public void addMentions(Set<String> labels) {
      labels.add(label);
    }

    @Override
    public Expression prefixed(String prefix) {
      return new In(prefix + label, negated, values);
    }
  }

  /** {@code !operand}. */
  record Not(Expression operand) implements Expression {
    @Override
    public boolean matches(Map<String, String> labels) {
      return !operand.matches(labels);
    }

    @Override
    public String canonical() {
      return "!" + operand.canonical();
    }

    @Override
    public void addMentions(Set<String> labels) {
      operand.addMentions(labels);
    }

    @Override
    public boolean mentionsGlobal() {
      return operand.mentionsGlobal();
    }

    @Override
    public Expression prefixed(String prefix) {
      return new Not(operand.prefixed(prefix));
    }
  }

  /** {@code a && b && …}; at least two operands. */
  record And(List<Expression> operands) implements Expression {
    @Override
    public boolean matches(Map<String, String> labels) {
      for (Expression operand : operands) {
        if (!operand.matches(labels)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public String canonical() {
      return joined(operands, " && ");
    }

    @Override
    public List<Set<LabelKey>> restrictions() {
      return operands.stream().flatMap(operand -> operand.restrictions().stream()).toList();
    }

    @Override
    public void addMentions(Set<String> labels) {
      operands.forEach(operand -> operand.addMentions(labels));
    }

    @Override
    public boolean mentionsGlobal() {
      return operands.stream().anyMatch(Expression::mentionsGlobal);
    }

    @Override
    public Expression prefixed(String prefix) {
      return new And(operands.stream().map(o -> o.prefixed(prefix)).toList());
    }
  }

  /** {@code a || b || …}; at least two operands. */
  record Or(List<Expression> operands) implements Expression {
    @Override
    public boolean matches(Map<String, String> labels) {
      for (Expression operand : operands) {
        if (operand.matches(labels)) {
          return true;
        }
      }
      return false;
    }

    @Override
    public String canonical() {
      return joined(operands, " || ");
    }

    @Override
    public List<Set<LabelKey>> restrictions() {
      Set<LabelKey> either = new HashSet<>();
      for (Expression operand : operands) {
        List<Set<LabelKey>> each = operand.restrictions();
        if (each.isEmpty()) {
          return List.of();
        }
        either.addAll(each.get(0));
      }
      return List.of(either);
    }

    @Override
    public void addMentions(Set<String> labels) {
      operands.forEach(operand -> operand.addMentions(labels));
    }

    @Override
    public boolean mentionsGlobal() {
      return operands.stream().anyMatch(Expression::mentionsGlobal);
    }

    @Override
    public Expression prefixed(String prefix) {
      return new Or(operands.stream().map(o -> o.prefixed(prefix)).toList());
    }
  }

  private static String joined(List<Expression> operands, String operator) {
    return "(" + String.join(operator, operands.stream().map(Expression::canonical).toList()) + ")";
  }

  private static String quote(String value) {
    return value.indexOf('"') >= 0 ? "'" + value + "'" : "\"" + value + "\"";
  }
}
