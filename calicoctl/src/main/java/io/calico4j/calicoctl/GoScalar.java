package io.calico4j.calicoctl;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.resource.WrittenNumber;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a plain scalar means to upstream's parser ({@code sigs.k8s.io/yaml}, {@code
 * goyaml.v2/resolve.go}): YAML 1.1 without numbers of base 60 and without dates, which stay text.
 */
final class GoScalar {
  private static final Set<String> TRUE =
      Set.of("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON");
  private static final Set<String> FALSE =
      Set.of("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF");
  private static final Set<String> NULL = Set.of("", "~", "null", "Null", "NULL");
  private static final Pattern INFINITE = Pattern.compile("[+-]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN)");
  private static final Pattern INTEGER =
      Pattern.compile("[+-]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)");
  private static final Pattern FLOAT =
      Pattern.compile("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?");

  private GoScalar() {}

  /**
   * Returns the value of a plain scalar.
   *
   * @throws IllegalArgumentException when it is a number that JSON has not
   */
  static JsonElement resolve(String text) {
    if (NULL.contains(text)) {
      return JsonNull.INSTANCE;
    }
    if (TRUE.contains(text) || FALSE.contains(text)) {
      return new JsonPrimitive(TRUE.contains(text));
    }
    if (INFINITE.matcher(text).matches()) {
      throw new IllegalArgumentException(
          text + " is not a finite number: quote it to make it text");
    }
    BigDecimal number = number(text);
    return number == null
        ? new JsonPrimitive(text)
        : new JsonPrimitive(new WrittenNumber(number, text));
  }

  /** Tells whether text that is written plain is read back as text. */
  static boolean isText(String text) {
    return !NULL.contains(text)
        && !TRUE.contains(text)
        && !FALSE.contains(text)
        && !INFINITE.matcher(text).matches()
        && number(text) == null;
  }

  private static @Nullable BigDecimal number(String text) {
    String first = text.isEmpty() ? "" : text.substring(0, 1);
    if (!"+-.0123456789".contains(first) || first.isEmpty()) {
      return null;
    }
    String plain = first.equals(".") ? text : text.replace("_", "");
    if (INTEGER.matcher(plain).matches()) {
      return new BigDecimal(integer(plain));
    }
    return FLOAT.matcher(plain).matches() ? new BigDecimal(plain) : null;
  }

  private static BigInteger integer(String plain) {
    boolean signed = plain.startsWith("-") || plain.startsWith("+");
    String digits = (signed ? plain.substring(1) : plain).toLowerCase(Locale.ROOT);
    BigInteger value;
    if (digits.startsWith("0x")) {
      value = new BigInteger(digits.substring(2), 16);
    } else if (digits.startsWith("0b")) {
      value = new BigInteger(digits.substring(2), 2);
    } else if (digits.startsWith("0o")) {
      value = new BigInteger(digits.substring(2), 8);
    } else if (digits.length() > 1 && digits.startsWith("0")) {
      value = new BigInteger(digits.substring(1), 8);
    } else {
      value = new BigInteger(digits);
    }
    return plain.startsWith("-") ? value.negate() : value;
  }
}
