package io.calico4j.core.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Networks: what they contain, how they print, and that no text breaks the parser. */
class CidrPropertyTest {
  private static final int TRIES = 3000;

  @Provide
  Arbitrary<Cidr> cidrs() {
    return Arbitraries.of(IpFamily.class)
        .flatMap(
            family ->
                Combinators.combine(
                        Arbitraries.bigIntegers()
                            .between(
                                BigInteger.ZERO,
                                BigInteger.ONE.shiftLeft(family.bits()).subtract(BigInteger.ONE)),
                        Arbitraries.integers().between(0, family.bits()))
                    .as((value, prefix) -> new Cidr(new IpAddress(family, value), prefix)));
  }

  @Property(tries = TRIES)
  void printedAndReadItIsTheSame(@ForAll("cidrs") Cidr cidr) {
    assertThat(Cidr.parse(cidr.toString())).isEqualTo(cidr);
    assertThat(Cidr.strict(cidr.toString())).isEqualTo(cidr);
    assertThat(cidr.contains(cidr.address())).isTrue();
    assertThat(cidr.contains(cidr.last())).isTrue();
    assertThat(cidr.last().value().subtract(cidr.address().value()).add(BigInteger.ONE))
        .isEqualTo(cidr.size());
    if (cidr.address().value().signum() > 0) {
      assertThat(cidr.contains(cidr.address().plus(-1))).isFalse();
    }
    if (cidr.last().value().add(BigInteger.ONE).bitLength() <= cidr.family().bits()) {
      assertThat(cidr.contains(cidr.last().plus(1))).isFalse();
    }
  }

  @Property(tries = TRIES)
  void overlapIsWhatTheirEndsSay(@ForAll("cidrs") Cidr a, @ForAll("cidrs") Cidr b) {
    boolean apart =
        a.family() != b.family()
            || a.last().value().compareTo(b.address().value()) < 0
            || b.last().value().compareTo(a.address().value()) < 0;
    assertThat(a.overlaps(b)).isEqualTo(!apart).isEqualTo(b.overlaps(a));
    Cidr half = new Cidr(a.last(), Math.min(a.prefix() + 1, a.family().bits()));
    assertThat(a.contains(half)).isTrue();
    assertThat(half.contains(a)).isEqualTo(a.isSingle());
  }

  @Property(tries = TRIES)
  void anyTextIsReadOrRefused(@ForAll("texts") String text) {
    Cidr.tryParse(text).ifPresent(cidr -> printedAndReadItIsTheSame(cidr));
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.strings().withChars("0123456789abf.:/-%+ ").ofMaxLength(24);
  }
}
