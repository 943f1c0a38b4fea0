package io.calico4j.felix.flowlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is read of a packet's first bytes. */
class PacketHeaderTest {
  private static final String V4 = "from=10.0.0.1 to=10.0.0.2 ";
  private static final String V6 = "from=fd00::1 to=fd00::2 ";

  private static byte[] v4(String versionAndLength, String fragment, String protocol, String rest) {
    return HexFormat.of()
        .parseHex(
            versionAndLength
                + "00003c1234"
                + fragment
                + "40"
                + protocol
                + "00000a0000010a000002"
                + rest);
  }

  private static byte[] v6(String next, String rest) {
    return HexFormat.of()
        .parseHex(
            "6000000000ff"
                + next
                + "40"
                + "fd000000000000000000000000000001"
                + "fd000000000000000000000000000002"
                + rest);
  }

  @ParameterizedTest
  @CsvSource({
    "45, 4000, 06, 80001f90, protocol=tcp sport=32768 dport=8080",
    "45, 0000, 11, 00350036, protocol=udp sport=53 dport=54",
    "45, 0000, 84, 00010002ffff, protocol=sctp sport=1 dport=2",
    "45, 0000, 88, 00010002, protocol=udplite sport=1 dport=2",
    "45, 0000, 21, 00010002, protocol=dccp sport=1 dport=2",
    "45, 0000, 01, 0800, protocol=icmp type=8 code=0",
    "45, 0000, 2f, 00010002, protocol=47",
    // Options, a first and a later fragment, a header that ends early.
    "46, 0000, 06, 9404000000010002, protocol=tcp sport=1 dport=2",
    "45, 2000, 11, 00350036, protocol=udp sport=53 dport=54",
    "45, 2001, 11, 00350036, protocol=udp",
    "45, 0000, 06, 8000, protocol=tcp",
    "4f, 0000, 06, 80001f90, protocol=tcp",
  })
  void ipv4(String length, String fragment, String protocol, String rest, String text) {
    assertThat(PacketHeader.parse(v4(length, fragment, protocol, rest)).orElseThrow())
        .hasToString(V4 + text);
  }

  @ParameterizedTest
  @CsvSource({
    "06, 80001f90, protocol=tcp sport=32768 dport=8080",
    "3a, 8000, protocol=icmpv6 type=128 code=0",
    "3b, '', protocol=59",
    // Hop-by-hop, then routing of two units, then TCP.
    "00, 2b000000000000000601000000000000000000000000000000010002, protocol=tcp sport=1 dport=2",
    // A first and a later fragment.
    "2c, 1100000100000000000100020003, protocol=udp sport=1 dport=2",
    "2c, 1100000800000000000100020003, protocol=udp",
    // Authentication of four words, then destination options.
    "33, 3c020000000000000000000000000000060000000000000000010002, protocol=tcp sport=1 dport=2",
    // An extension that ends early.
    "00, 0600, protocol=0",
    "00, 06ff000000000000, protocol=tcp",
  })
  void ipv6(String next, String rest, String text) {
    assertThat(PacketHeader.parse(v6(next, rest)).orElseThrow()).hasToString(V6 + text);
  }

  @ParameterizedTest
  @CsvSource({"''", "00", "45", "44000000000000000000000000000000000000000000", "60000000"})
  void whatHasNoAddressesIsNothing(String hex) {
    assertThat(PacketHeader.parse(HexFormat.of().parseHex(hex))).isEmpty();
  }

  @Test
  void anyBytesAreRead() {
    Random random = new Random(1);
    for (int i = 0; i < 100_000; i++) {
      byte[] start = new byte[random.nextInt(129)];
      random.nextBytes(start);
      if (start.length > 0) {
        start[0] = (byte) (random.nextBoolean() ? 0x40 | start[0] & 0xf : 0x60);
      }
      if (start.length > 6) {
        start[6] = (byte) new int[] {0, 43, 44, 51, 60, 6, 58}[random.nextInt(7)];
      }
      assertThatCode(() -> PacketHeader.parse(start)).doesNotThrowAnyException();
    }
  }
}
