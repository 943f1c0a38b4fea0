package io.calico4j.core.kernel.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Messages byte by byte, as linux/netlink.h and linux/rtnetlink.h lay them out. */
class NetlinkMessageTest {
  private static final int NLMSG_HDRLEN = 16;
  private static final int NLA_F_NESTED = 1 << 15;
  private static final int NLA_F_NET_BYTEORDER = 1 << 14;

  /** Lays out fields of a C structure: bytes, shorts and ints in the machine's order. */
  private static byte[] fields(Object... fields) {
    ByteBuffer buffer = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());
    for (Object field : fields) {
      if (field instanceof Byte value) {
        buffer.put(value);
      } else if (field instanceof Short value) {
        buffer.putShort(value);
      } else if (field instanceof Integer value) {
        buffer.putInt(value);
      } else {
        buffer.put((byte[]) field);
      }
    }
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  private static Byte u8(int value) {
    return (byte) value;
  }

  private static Short u16(int value) {
    return (short) value;
  }

  private static byte[] hex(String text) {
    return HexFormat.of().parseHex(text);
  }

  private static NetlinkMessage message() {
    return new NetlinkMessage(16, NetlinkMessage.REQUEST, 1);
  }

  /** What follows the header. */
  private static byte[] body(NetlinkMessage message) {
    byte[] bytes = message.toBytes();
    return Arrays.copyOfRange(bytes, NLMSG_HDRLEN, bytes.length);
  }

  private static ByteBuffer answer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  @Test
  void theHeaderIsLengthTypeFlagsNumberAndPort() {
    byte[] bytes =
        new NetlinkMessage(
                0xfff0,
                NetlinkMessage.REQUEST | NetlinkMessage.ACK | NetlinkMessage.CREATE,
                0x80000001)
            .toBytes();
    assertThat(bytes).isEqualTo(fields(16, u16(0xfff0), u16(0x405), 0x80000001, 0));
  }

  @Test
  void theLengthCountsEverythingWithItsPadding() {
    NetlinkMessage message = message().linkHeader(7, 1, 1).attribute(3, "abcd");
    byte[] bytes = message.toBytes();
    assertThat(bytes).hasSize(16 + 16 + 12);
    assertThat(answer(bytes).getInt(0)).isEqualTo(44);
    assertThat(message.toBytes()).as("asked again").isEqualTo(bytes);
  }

  @Test
  void eachFamilyHasItsHeader() {
    assertThat(body(message().linkHeader(7, 0x1, 0x3)))
        .as("ifinfomsg: family, pad, type, index, flags, change")
        .isEqualTo(fields(u8(0), u8(0), u16(0), 7, 0x1, 0x3));
    assertThat(body(message().addressHeader(10, 128, 0x2, 7)))
        .as("ifaddrmsg: family, prefix length, flags, scope, index")
        .isEqualTo(fields(u8(10), u8(128), u8(2), u8(0), 7));
    assertThat(body(message().routeHeader(2, 32, 254, 3, 253, 1, 0x4)))
        .as("rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags")
        .isEqualTo(fields(u8(2), u8(32), u8(0), u8(0), u8(254), u8(3), u8(253), u8(1), 4));
    assertThat(body(message().sourceRuleHeader(2, 32)))
        .as("fib_rule_hdr: family, dst_len, src_len, tos, table, res1, res2, action, flags")
        .isEqualTo(fields(u8(2), u8(0), u8(32), u8(0), u8(0), u8(0), u8(0), u8(1), 0));
    assertThat(body(message().neighbourHeader(2, 7, 0x80, 0)))
        .as("ndmsg: family, pad1, pad2, ifindex, state, flags, type")
        .isEqualTo(fields(u8(2), u8(0), u16(0), 7, u16(0x80), u8(0), u8(0)));
    assertThat(body(message().netfilterHeader(1, 10)))
        .as("nfgenmsg: family, version, res_id in network byte order")
        .isEqualTo(hex("0100000a"));
  }

  /** The length is that of header and value; the padding that follows is not counted. */
  @ParameterizedTest
  @CsvSource({
    "'', 4, ''",
    "01, 5, 000000",
    "0102, 6, 0000",
    "010203, 7, 00",
    "01020304, 8, ''",
    "0102030405, 9, 000000"
  })
  void bytesArePaddedToFour(String value, int length, String padding) {
    assertThat(body(message().attribute(5, hex(value)).attribute(6, 0x0a0b0c0d)))
        .isEqualTo(
            fields(u16(length), u16(5), hex(value), hex(padding), u16(8), u16(6), 0x0a0b0c0d));
  }

  @ParameterizedTest
  @CsvSource({"'', 5, 00000000", "eth, 8, 65746800", "eth0, 9, 6574683000000000", "ü, 7, c3bc0000"})
  void textEndsWithAZeroThatCounts(String text, int length, String bytes) {
    assertThat(body(message().attribute(3, text)))
        .isEqualTo(fields(u16(length), u16(3), hex(bytes)));
  }

  @Test
  void aNestedAttributeIsMarkedAndCountsWhatIsInIt() {
    NetlinkMessage message = message();
    int outer = message.begin(18);
    message.attribute(1, "veth");
    int inner = message.begin(2);
    message.attribute(4, 1500);
    message.end(inner).end(outer).attribute(9, 1);
    assertThat(body(message))
        .isEqualTo(
            fields(
                u16(4 + 12 + 12),
                u16(18 | NLA_F_NESTED),
                u16(9),
                u16(1),
                hex("7665746800000000"),
                u16(4 + 8),
                u16(2 | NLA_F_NESTED),
                u16(8),
                u16(4),
                1500,
                u16(8),
                u16(9),
                1));
  }

  @Test
  void anEmptyNestIsItsHeaderOnly() {
    NetlinkMessage message = message();
    message.end(message.begin(1));
    assertThat(body(message)).isEqualTo(fields(u16(4), u16(1 | NLA_F_NESTED)));
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    NetlinkMessage message = message().attribute(3, "eth0").attribute(4, 1500);
    int nest = message.begin(18);
    message.attribute(1, "veth").end(nest).attribute(5, hex("010203"));
    Attributes read = Attributes.parse(answer(body(message)));
    assertThat(read.text(3)).isEqualTo("eth0");
    assertThat(read.integer(4, -1)).isEqualTo(1500);
    assertThat(read.nested(18).text(1)).isEqualTo("veth");
    assertThat(read.bytes(5)).isEqualTo(hex("010203"));
    assertThat(read.bytes(6)).isNull();
    assertThat(read.text(6)).isEmpty();
    assertThat(read.integer(6, -1)).isEqualTo(-1);
    assertThat(read.nested(6).bytes(1)).isNull();
  }

  @Test
  void theMarksOfATypeAreNotPartOfIt() {
    byte[] bytes =
        fields(u16(8), u16(3 | NLA_F_NET_BYTEORDER), 1, u16(8), u16(4 | NLA_F_NESTED), 2);
    Attributes read = Attributes.parse(answer(bytes));
    assertThat(read.integer(3, -1)).isEqualTo(1);
    assertThat(read.integer(4, -1)).isEqualTo(2);
  }

  /** Two attributes, of 8 and of 7 bytes; the second one counts once all its bytes are there. */
  @ParameterizedTest
  @CsvSource({
    "0, false, false",
    "3, false, false",
    "4, false, false",
    "7, false, false",
    "8, true, false",
    "11, true, false",
    "12, true, false",
    "14, true, false",
    "15, true, true",
    "16, true, true"
  })
  void aTruncatedAnswerHoldsWhatIsComplete(int size, boolean first, boolean second) {
    byte[] whole = body(message().attribute(1, 1500).attribute(2, hex("010203")));
    Attributes read = Attributes.parse(answer(Arrays.copyOf(whole, size)));
    assertThat(read.integer(1, -1)).isEqualTo(first ? 1500 : -1);
    assertThat(read.bytes(2)).isEqualTo(second ? hex("010203") : null);
  }

  /** An attribute is at least its header, and no larger than what is left. */
  @ParameterizedTest
  @CsvSource({"0", "3", "9", "32767", "32768", "65535"})
  void aLengthThatCannotBeEndsTheReading(int length) {
    byte[] bytes = fields(u16(8), u16(1), 1500, u16(length), u16(2), 7);
    Attributes read = Attributes.parse(answer(bytes));
    assertThat(read.integer(1, -1)).isEqualTo(1500);
    assertThat(read.bytes(2)).isNull();
  }

  @ParameterizedTest
  @CsvSource({"'', -1", "010203, -1", "00000000, 0", "0000000005, 0"})
  void anIntegerNeedsFourBytes(String value, int expected) {
    Attributes read = Attributes.parse(answer(body(message().attribute(1, hex(value)))));
    assertThat(read.integer(1, -1)).isEqualTo(expected);
  }
}
