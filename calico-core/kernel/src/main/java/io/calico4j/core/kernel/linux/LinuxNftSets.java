package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.net.IpAddress;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * nfnetlink: constants are those of {@code linux/netfilter/nfnetlink.h} and {@code
 * linux/netfilter/nf_tables.h}. A transaction is a batch of messages in one datagram; only the last
 * one asks for an acknowledgement, and one that fails is answered and undoes all.
 */
final class LinuxNftSets implements NftSets {
  private static final int NETLINK_NETFILTER = 12;
  private static final int BATCH_BEGIN = 16;
  private static final int BATCH_END = 17;
  private static final int SUBSYSTEM = 10;
  private static final int NEWSETELEM = SUBSYSTEM << 8 | 12;
  private static final int DELSETELEM = SUBSYSTEM << 8 | 14;
  private static final int UNSPECIFIED = 0;
  private static final int INET = 1;
  private static final int LIST_TABLE = 1;
  private static final int LIST_SET = 2;
  private static final int LIST_ELEMENTS = 3;
  private static final int LIST_ELEMENT = 1;
  private static final int ELEMENT_KEY = 1;
  private static final int ELEMENT_DATA = 2;
  private static final int ELEMENT_KEY_END = 10;
  private static final byte NFPROTO_IPV4 = 2;
  private static final byte NFPROTO_IPV6 = 10;
  private static final int DATA_VALUE = 1;
  private static final int DATA_VERDICT = 2;
  private static final int VERDICT_CODE = 1;
  private static final int VERDICT_CHAIN = 2;

  /** The verdict {@code goto}, in network byte order as all numbers here. */
  private static final int GOTO = Integer.reverseBytes(-4);

  /** Keys of the type ifname have IFNAMSIZ bytes. */
  private static final int INTERFACE_BYTES = 16;

  private final NetlinkSocket socket;

  LinuxNftSets() throws KernelException {
    socket = new NetlinkSocket(NETLINK_NETFILTER);
  }

  @Override
  public void change(String table, List<Element> removed, List<Element> added)
      throws KernelException {
    int last = removed.size() + added.size();
    if (last == 0) {
      return;
    }
    ByteArrayOutputStream batch = new ByteArrayOutputStream();
    int first = socket.nextSequences(last + 2);
    write(batch, edge(BATCH_BEGIN, first));
    int number = 0;
    for (Element element : removed) {
      number++;
      NetlinkMessage message = message(DELSETELEM, 0, first + number, number == last);
      write(batch, element(message, table, element, false));
    }
    for (Element element : added) {
      number++;
      NetlinkMessage message =
          message(NEWSETELEM, NetlinkMessage.CREATE, first + number, number == last);
      write(batch, element(message, table, element, true));
    }
    write(batch, edge(BATCH_END, first + last + 1));
    socket.transact(
        batch.toByteArray(), first + last, "change sets of", table + ": " + removed + added);
  }

  private static void write(ByteArrayOutputStream batch, NetlinkMessage message) {
    batch.writeBytes(message.toBytes());
  }

  private static NetlinkMessage message(int type, int flags, int sequence, boolean acknowledged) {
    return new NetlinkMessage(
        type, NetlinkMessage.REQUEST | flags | (acknowledged ? NetlinkMessage.ACK : 0), sequence);
  }

  private static NetlinkMessage edge(int type, int sequence) {
    return message(type, 0, sequence, false).netfilterHeader(UNSPECIFIED, SUBSYSTEM);
  }

  private static NetlinkMessage element(
      NetlinkMessage message, String table, Element element, boolean withChain) {
    message
        .netfilterHeader(INET, 0)
        .attribute(LIST_TABLE, table)
        .attribute(LIST_SET, element.set());
    int elements = message.begin(LIST_ELEMENTS);
    int one = message.begin(LIST_ELEMENT);
    int key = message.begin(ELEMENT_KEY);
    message.attribute(DATA_VALUE, key(element)).end(key);
    if (element instanceof Network member) {
      int last = message.begin(ELEMENT_KEY_END);
      message.attribute(DATA_VALUE, networkKey(member.network().last())).end(last);
    }
    if (withChain && element instanceof Verdict to) {
      int data = message.begin(ELEMENT_DATA);
      int verdict = message.begin(DATA_VERDICT);
      message.attribute(VERDICT_CODE, GOTO).attribute(VERDICT_CHAIN, to.chain());
      message.end(verdict).end(data);
    }
    return message.end(one).end(elements);
  }

  private static byte[] key(Element element) {
    if (element instanceof Address member) {
      return member.address().toBytes();
    }
    if (element instanceof Network member) {
      return networkKey(member.network().address());
    }
    if (element instanceof Port member) {
      // Each field of a concatenation is filled up to four bytes.
      return fields(
          member.address().toBytes(),
          new byte[] {(byte) member.protocol()},
          new byte[] {(byte) (member.port() >> 8), (byte) member.port()});
    }
    String name = ((Verdict) element).interfaceName();
    return Arrays.copyOf(name.getBytes(StandardCharsets.UTF_8), INTERFACE_BYTES);
  }

  private static byte[] networkKey(IpAddress address) {
    return fields(address.toBytes(), new byte[] {address.isV4() ? NFPROTO_IPV4 : NFPROTO_IPV6});
  }

  private static byte[] fields(byte[]... fields) {
    ByteArrayOutputStream key = new ByteArrayOutputStream();
    for (byte[] field : fields) {
      key.writeBytes(Arrays.copyOf(field, (field.length + 3) / 4 * 4));
    }
    return key.toByteArray();
  }

  @Override
  public void close() {
    socket.close();
  }
}
