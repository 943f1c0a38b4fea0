package io.calico4j.core.kernel.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Writes one netlink request: header, family header, attributes ({@code linux/netlink.h}, {@code
 * linux/rtnetlink.h}). Native byte order, everything aligned to four bytes.
 */
final class NetlinkMessage {
  static final int REQUEST = 0x1;
  static final int ACK = 0x4;
  static final int DUMP = 0x300;
  static final int REPLACE = 0x100;
  static final int EXCLUSIVE = 0x200;
  static final int CREATE = 0x400;
  private static final int NESTED = 0x8000;

  private final ByteBuffer buffer = ByteBuffer.allocate(2048).order(ByteOrder.nativeOrder());

  NetlinkMessage(int type, int flags, int sequence) {
    buffer.putInt(0).putShort((short) type).putShort((short) flags).putInt(sequence).putInt(0);
  }

  /** struct ifinfomsg. */
  NetlinkMessage linkHeader(int index, int flags, int change) {
    buffer.put((byte) 0).put((byte) 0).putShort((short) 0).putInt(index).putInt(flags);
    buffer.putInt(change);
    return this;
  }

  /** struct ifaddrmsg. */
  NetlinkMessage addressHeader(int family, int prefix, int flags, int index) {
    buffer.put((byte) family).put((byte) prefix).put((byte) flags).put((byte) 0).putInt(index);
    return this;
  }

  /** struct rtmsg. */
  NetlinkMessage routeHeader(
      int family, int prefix, int table, int protocol, int scope, int type, int flags) {
    buffer.put((byte) family).put((byte) prefix).put((byte) 0).put((byte) 0).put((byte) table);
    buffer.put((byte) protocol).put((byte) scope).put((byte) type).putInt(flags);
    return this;
  }

  /** struct fib_rule_hdr of a rule that selects by source and names a table. */
  NetlinkMessage sourceRuleHeader(int family, int sourcePrefix) {
    buffer.put((byte) family).put((byte) 0).put((byte) sourcePrefix).put((byte) 0).put((byte) 0);
    buffer.put((byte) 0).put((byte) 0).put((byte) 1).putInt(0);
    return this;
  }

  /** struct ndmsg. */
  NetlinkMessage neighbourHeader(int family, int index, int state, int flags) {
    buffer.put((byte) family).put((byte) 0).putShort((short) 0).putInt(index);
    buffer.putShort((short) state).put((byte) flags).put((byte) 0);
    return this;
  }

  /** struct nfgenmsg; its resource is in network byte order. */
  NetlinkMessage netfilterHeader(int family, int resource) {
    buffer.put((byte) family).put((byte) 0).put((byte) 0).put((byte) resource);
    return this;
  }

  NetlinkMessage attribute(int type, byte[] value) {
    buffer.putShort((short) (4 + value.length)).putShort((short) type).put(value);
    return pad();
  }

  NetlinkMessage attribute(int type, int value) {
    buffer.putShort((short) 8).putShort((short) type).putInt(value);
    return this;
  }

  NetlinkMessage attribute(int type, String value) {
    byte[] text = value.getBytes(StandardCharsets.UTF_8);
    byte[] terminated = new byte[text.length + 1];
    System.arraycopy(text, 0, terminated, 0, text.length);
    return attribute(type, terminated);
  }

  /** Begins a nested attribute; the result goes to {@link #end}. */
  int begin(int type) {
    int start = buffer.position();
    buffer.putShort((short) 0).putShort((short) (type | NESTED));
    return start;
  }

  NetlinkMessage end(int start) {
    buffer.putShort(start, (short) (buffer.position() - start));
    return this;
  }

  private NetlinkMessage pad() {
    while (buffer.position() % 4 != 0) {
      buffer.put((byte) 0);
    }
    return this;
  }

  byte[] toBytes() {
    buffer.putInt(0, buffer.position());
    byte[] bytes = new byte[buffer.position()];
    buffer.get(0, bytes);
    return bytes;
  }
}
