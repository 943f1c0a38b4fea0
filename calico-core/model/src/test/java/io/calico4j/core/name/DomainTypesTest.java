package io.calico4j.core.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.net.InterfaceName;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Which texts are names: what is none is refused with the thing, the value and the rule. */
class DomainTypesTest {
  /** The types, each with its two ways to read a text. */
  enum Type {
    NODE("node name", NodeName::new, NodeName::tryParse),
    HANDLE("handle", HandleId::new, HandleId::tryParse),
    PROFILE("profile", ProfileName::new, ProfileName::tryParse),
    INTERFACE("interface name", InterfaceName::new, InterfaceName::tryParse);

    private final String thing;
    private final Function<String, ? extends Comparable<?>> constructor;
    private final Function<String, ? extends Optional<?>> parser;

    Type(
        String thing,
        Function<String, ? extends Comparable<?>> constructor,
        Function<String, ? extends Optional<?>> parser) {
      this.thing = thing;
      this.constructor = constructor;
      this.parser = parser;
    }
  }

  private static Stream<Arguments> rows(Type type, String... texts) {
    return Stream.of(texts).map(text -> Arguments.of(type, text));
  }

  private static String text(int length) {
    return "x".repeat(length);
  }

  static Stream<Arguments> names() {
    return Stream.of(
            rows(Type.NODE, "a", "7", "host-a", "host-1.example.org", "a--b", text(253)),
            rows(Type.HANDLE, "a", "net.8f2d", "vxlan-tunnel-addr-a", "a b", "-", text(600)),
            rows(Type.PROFILE, "a", "7", "net", "kns.Default", "a_b", "a--b", text(253)),
            rows(
                Type.INTERFACE,
                "a",
                "eth0",
                "cali0123456789a",
                "a.b",
                "...",
                "a@b",
                "-",
                "ééééééé"))
        .flatMap(Function.identity());
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("names")
  void aNameIsTakenAndPrinted(Type type, String text) {
    assertThat(type.constructor.apply(text)).hasToString(text);
    assertThat(type.parser.apply(text).map(Object::toString)).contains(text);
  }

  static Stream<Arguments> others() {
    return Stream.of(
            rows(Type.NODE, "", "Host", "a_b", "-a", "a-", ".a", "a.", "a/b", "a b", text(254)),
            rows(Type.HANDLE, "", "/", "a/b", "a/"),
            rows(Type.PROFILE, "", "-a", "a-", "_a", "a.", "a/b", "a b", "é", text(254)),
            rows(Type.INTERFACE, "", ".", "..", "a/b", "a:1", "a b", "a\tb", "a\u000bb", "a\n"),
            rows(Type.INTERFACE, "a\u00a0", "a\0", "0123456789abcdef", "éééééééé", text(65)))
        .flatMap(Function.identity());
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("others")
  void anotherTextIsRefused(Type type, String text) {
    String shown = text.length() > 64 ? text.substring(0, 64) + "…" : text;
    assertThatThrownBy(() -> type.constructor.apply(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(type.thing + " \"" + shown + "\"");
    assertThat(type.parser.apply(text)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void namesAreSortedByTheirText(Type type) {
    List<String> texts = List.of("b", "a10", "a2", "a");
    TreeSet<Object> sorted = new TreeSet<>();
    assertThatCode(() -> texts.forEach(text -> sorted.add(type.constructor.apply(text))))
        .as(type.name().toLowerCase(Locale.ROOT))
        .doesNotThrowAnyException();
    assertThat(sorted).extracting(Object::toString).containsExactly("a", "a10", "a2", "b");
  }

  @ParameterizedTest
  @MethodSource("fields")
  void aFieldIsOrIsNotTheNode(String field, boolean same) {
    assertThat(new NodeName("host-a").is(field)).isEqualTo(same);
  }

  static Stream<Arguments> fields() {
    return Stream.of(
        Arguments.of("host-a", true),
        Arguments.of("host-b", false),
        Arguments.of("", false),
        Arguments.of(null, false));
  }
}
