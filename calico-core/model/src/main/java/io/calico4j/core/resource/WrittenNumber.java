package io.calico4j.core.resource;

import java.math.BigDecimal;

/**
 * A number that an operator wrote, with its text: {@code 1.10} is the number 1.1 where a field
 * takes a number, and {@code 1.10} where it takes text.
 */
public final class WrittenNumber extends Number {
  private static final long serialVersionUID = 1;

  private final BigDecimal value;
  private final String text;

  /**
   * Makes a number.
   *
   * @param value the number
   * @param text how it is written
   */
  public WrittenNumber(BigDecimal value, String text) {
    super();
    this.value = value;
    this.text = text;
  }

  /** Returns how it is written. */
  public String text() {
    return text;
  }

  /** Tells whether it has no fraction. */
  boolean isInteger() {
    return value.scale() <= 0;
  }

  @Override
  public int intValue() {
    return value.intValue();
  }

  @Override
  public long longValue() {
    return value.longValue();
  }

  @Override
  public float floatValue() {
    return value.floatValue();
  }

  @Override
  public double doubleValue() {
    return value.doubleValue();
  }

  /** Prints the number as JSON does. */
  @Override
  public String toString() {
    return value.scale() <= 0 && value.precision() - value.scale() < 40
        ? value.toBigInteger().toString()
        : value.toString();
  }
}
