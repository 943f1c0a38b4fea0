package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Listens to multicast groups of netlink on a thread of its own, in the network namespace in which
 * it was made. The kernel's buffer is large, and what it cannot hold is reported as lost.
 */
final class NetlinkEvents implements AutoCloseable {
  private static final int EINTR = 4;
  private static final int EAGAIN = 11;
  private static final int ENOBUFS = 105;
  private static final int HEADER = 16;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_ADD_MEMBERSHIP = 1;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int BUFFER = 8 << 20;
  private static final int MESSAGE = 256 * 1024;

  /** How long the thread waits before it looks whether it shall end. */
  private static final int TIMEOUT_SECONDS = 1;

  private final int descriptor;
  private final Listener listener;
  private final Runnable lost;
  private volatile boolean closed;

  /** Takes a message: its type and what follows the header. */
  interface Listener {
    void message(int type, ByteBuffer body);
  }

  /** Begins to listen; messages come on a daemon thread of this name. */
  NetlinkEvents(int family, List<Integer> groups, String name, Listener listener, Runnable lost)
      throws KernelException {
    this.listener = listener;
    this.lost = lost;
    LibC c = LibC.INSTANCE;
    descriptor = c.socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, family);
    if (descriptor < 0) {
      throw LibC.failure("open", "a netlink socket for notifications");
    }
    byte[] buffer = number(BUFFER);
    if (c.setsockopt(descriptor, LibC.SOL_SOCKET, SO_RCVBUFFORCE, buffer, buffer.length) < 0) {
      // Without CAP_NET_ADMIN in the first user namespace: as much as the host's limit allows.
      int unused = c.setsockopt(descriptor, LibC.SOL_SOCKET, LibC.SO_RCVBUF, buffer, buffer.length);
    }
    byte[] timeout =
        ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putLong(TIMEOUT_SECONDS).array();
    byte[] address = new byte[12];
    ByteBuffer.wrap(address).order(ByteOrder.nativeOrder()).putShort((short) LibC.AF_NETLINK);
    if (c.setsockopt(descriptor, LibC.SOL_SOCKET, LibC.SO_RCVTIMEO, timeout, timeout.length) < 0
        || c.bind(descriptor, address, address.length) < 0
        || !groups.stream().allMatch(this::join)) {
      KernelException failure = LibC.failure("subscribe to", "netlink groups " + groups);
      c.close(descriptor);
      throw failure;
    }
    Thread thread = new Thread(this::listen, name);
    thread.setDaemon(true);
    thread.start();
  }

  private boolean join(int group) {
    byte[] membership = number(group);
    return LibC.INSTANCE.setsockopt(
            descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, membership, membership.length)
        == 0;
  }

  private static byte[] number(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
  }

  /** Sends a request by the socket that listens; its answer comes as a message like any other. */
  synchronized void send(byte[] message, String operation, String object) throws KernelException {
    if (closed) {
      throw new KernelException(operation, object, 0, "the netlink socket is closed");
    }
    if (LibC.INSTANCE.send(descriptor, message, message.length, 0) < 0) {
      throw LibC.failure(operation, object);
    }
  }

  private void listen() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(MESSAGE).order(ByteOrder.nativeOrder());
    try {
      while (!closed) {
        buffer.clear();
        long length = LibC.INSTANCE.recv(descriptor, buffer, buffer.capacity(), 0);
        if (length >= 0) {
          read(buffer.limit((int) length).position(0));
          continue;
        }
        int errno = LibC.errno();
        if (errno == ENOBUFS) {
          lost.run();
        } else if (errno != EINTR && errno != EAGAIN) {
          throw new IllegalStateException("netlink notifications end: " + LibC.describe(errno));
        }
      }
    } finally {
      end();
    }
  }

  private synchronized void end() {
    closed = true;
    LibC.INSTANCE.close(descriptor);
  }

  private void read(ByteBuffer buffer) {
    while (buffer.remaining() >= HEADER && !closed) {
      int start = buffer.position();
      int length = buffer.getInt(start);
      if (length < HEADER || length > buffer.remaining()) {
        lost.run();
        return;
      }
      int type = Short.toUnsignedInt(buffer.getShort(start + 4));
      listener.message(
          type, buffer.slice(start + HEADER, length - HEADER).order(ByteOrder.nativeOrder()));
      buffer.position(Math.min(buffer.limit(), start + (length + 3) / 4 * 4));
    }
  }

  /** Lets the thread end within a second; no message is delivered after its present one. */
  @Override
  public void close() {
    closed = true;
  }
}
