package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.PacketLog;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * nfnetlink_log: constants are those of {@code linux/netfilter/nfnetlink_log.h}. The listener binds
 * to a group. It binds to no protocol family, which would take the packets of rules that log to the
 * kernel's own log.
 */
final class LinuxPacketLog implements PacketLog {
  private static final int NETLINK_NETFILTER = 12;
  private static final int TYPE_ERROR = 2;

  /** NFNL_SUBSYS_ULOG of {@code linux/netfilter/nfnetlink.h}. */
  private static final int SUBSYSTEM = 4;

  /** NFULNL_MSG_PACKET. */
  private static final int PACKET = SUBSYSTEM << 8;

  /** NFULNL_MSG_CONFIG. */
  private static final int CONFIG = SUBSYSTEM << 8 | 1;

  /** NFULA_CFG_CMD, NFULNL_CFG_CMD_BIND and NFULNL_CFG_CMD_UNBIND. */
  private static final int COMMAND = 1;

  private static final byte BIND = 1;
  private static final byte UNBIND = 2;

  /** NFULA_CFG_MODE: struct nfulnl_msg_config_mode with NFULNL_COPY_PACKET. */
  private static final int MODE = 2;

  private static final byte COPY_PACKET = 2;

  /** NFULA_CFG_TIMEOUT, in hundredths of a second. */
  private static final int TIMEOUT = 4;

  /** NFULA_CFG_QTHRESH, in packets. */
  private static final int THRESHOLD = 5;

  /** NFULA_IFINDEX_INDEV, NFULA_IFINDEX_OUTDEV, NFULA_PAYLOAD, NFULA_PREFIX. */
  private static final int IN = 4;

  private static final int OUT = 5;
  private static final int PAYLOAD = 9;
  private static final int PREFIX = 10;

  private static final int FAMILY_HEADER = 4;
  private static final int MAX_GROUP = 255;

  /** Packets wait for each other no longer than this, in hundredths of a second. */
  private static final int WAIT = 10;

  /** The kernel sends this many at once. */
  private static final int TOGETHER = 32;

  private static final int ANSWER_SECONDS = 5;

  private final int group;
  private final Listener listener;
  private final NetlinkSocket questions;
  private final NetlinkEvents events;
  private final CompletableFuture<Integer> answer = new CompletableFuture<>();

  /**
   * Begins to listen.
   *
   * @param group 0 to 255
   * @param bytes how much of each packet is wanted
   * @throws KernelException EINVAL when the kernel has no nfnetlink_log, EBUSY or EPERM when
   *     another listens to the group
   */
  LinuxPacketLog(int group, int bytes, Listener listener) throws KernelException {
    if (group < 0 || group > MAX_GROUP) {
      throw new IllegalArgumentException("group " + group + " is not 0 to " + MAX_GROUP);
    }
    this.group = group;
    this.listener = listener;
    questions = new NetlinkSocket(NETLINK_NETFILTER);
    try {
      events =
          new NetlinkEvents(
              NETLINK_NETFILTER, List.of(), "packet-log", this::message, listener::lost);
    } catch (KernelException e) {
      questions.close();
      throw e;
    }
    try {
      bind(bytes);
    } catch (KernelException e) {
      close();
      throw e;
    }
  }

  private void bind(int bytes) throws KernelException {
    byte[] mode = ByteBuffer.allocate(6).putInt(bytes).put(COPY_PACKET).array();
    NetlinkMessage message =
        new NetlinkMessage(CONFIG, NetlinkMessage.REQUEST | NetlinkMessage.ACK, 1)
            .netfilterHeader(0, group)
            .attribute(COMMAND, new byte[] {BIND})
            .attribute(MODE, mode)
            .attribute(TIMEOUT, number(WAIT))
            .attribute(THRESHOLD, number(TOGETHER));
    String object = "group " + group + " of nfnetlink_log";
    events.send(message.toBytes(), "listen to", object);
    int errno;
    try {
      errno = answer.get(ANSWER_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new KernelException("listen to", object, KernelException.EIO, "no answer");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KernelException("listen to", object, KernelException.EIO, "interrupted");
    }
    if (errno != 0) {
      throw LibC.failure("listen to", object, errno);
    }
  }

  /** Numbers of nfnetlink_log are in network byte order. */
  private static byte[] number(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  private void message(int type, ByteBuffer body) {
    if (type == TYPE_ERROR && body.remaining() >= 4) {
      boolean unused = answer.complete(-body.getInt());
    } else if (type == PACKET && answer.isDone() && body.remaining() >= FAMILY_HEADER) {
      listener.packet(parse(body));
    }
  }

  private Logged parse(ByteBuffer body) {
    body.position(body.position() + FAMILY_HEADER);
    Attributes attributes = Attributes.parse(body);
    byte @Nullable [] start = attributes.bytes(PAYLOAD);
    return new Logged(
        attributes.text(PREFIX),
        name(attributes.bytes(IN)),
        name(attributes.bytes(OUT)),
        start == null ? new byte[0] : start);
  }

  private String name(byte @Nullable [] index) {
    return index == null || index.length < 4
        ? ""
        : questions.interfaceName(ByteBuffer.wrap(index).order(ByteOrder.BIG_ENDIAN).getInt());
  }

  @Override
  public void close() {
    NetlinkMessage message =
        new NetlinkMessage(CONFIG, NetlinkMessage.REQUEST, 2)
            .netfilterHeader(0, group)
            .attribute(COMMAND, new byte[] {UNBIND});
    try {
      events.send(message.toBytes(), "leave", "group " + group + " of nfnetlink_log");
    } catch (KernelException e) {
      // Then the kernel forgets the listener when its socket is closed, within a second.
    }
    events.close();
    questions.close();
  }
}
