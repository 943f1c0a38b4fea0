package io.calico4j.felix.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which networks lie outside all others, while networks come and go. */
class NetworkCoverTest {
  private final Set<Cidr> covered = new HashSet<>();
  private final NetworkCover cover =
      new NetworkCover(
          new NetworkCover.Listener() {
            @Override
            public void onAdd(Cidr network) {
              assertThat(covered.add(network)).as("%s comes once", network).isTrue();
            }

            @Override
            public void onRemove(Cidr network) {
              assertThat(covered.remove(network)).as("%s was there", network).isTrue();
            }
          });

  private static Cidr cidr(String text) {
    return Cidr.parse(text);
  }

  @Test
  void aNetworkThatGoesUncoversThoseInsideIt() {
    List.of("10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25", "10.2.0.0/16", "0.0.0.0/0")
        .forEach(text -> cover.add(cidr(text)));
    assertThat(covered).containsExactly(cidr("0.0.0.0/0"));
    cover.remove(cidr("0.0.0.0/0"));
    assertThat(covered).containsExactlyInAnyOrder(cidr("10.1.0.0/16"), cidr("10.2.0.0/16"));
    cover.remove(cidr("10.1.0.0/16"));
    assertThat(covered).containsExactlyInAnyOrder(cidr("10.1.2.0/24"), cidr("10.2.0.0/16"));
    cover.remove(cidr("10.1.2.128/25"));
    cover.remove(cidr("10.1.2.0/24"));
    cover.remove(cidr("10.2.0.0/16"));
    assertThat(covered).isEmpty();
    assertThat(cover.isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void itIsWhatAPlainComparisonOfAllGives(long seed) {
    Random random = new Random(seed);
    List<Cidr> present = new ArrayList<>();
    for (int step = 0; step < 2_000; step++) {
      if (random.nextInt(3) > 0) {
        IpFamily family = random.nextBoolean() ? IpFamily.IPV4 : IpFamily.IPV6;
        BigInteger value = new BigInteger(4, random).shiftLeft(family.bits() - 4);
        Cidr network = new Cidr(new IpAddress(family, value), random.nextInt(5));
        cover.add(network);
        if (!present.contains(network)) {
          present.add(network);
        }
      } else if (!present.isEmpty()) {
        cover.remove(present.remove(random.nextInt(present.size())));
      }
      Set<Cidr> expected =
          present.stream()
              .filter(n -> present.stream().noneMatch(o -> !o.equals(n) && o.contains(n)))
              .collect(Collectors.toSet());
      assertThat(covered).as("seed %d, step %d", seed, step).isEqualTo(expected);
    }
  }
}
