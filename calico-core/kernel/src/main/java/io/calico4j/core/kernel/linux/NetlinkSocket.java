package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A netlink socket: one request at a time, its answers checked by sequence number. It stays in the
 * namespace in which it was opened.
 */
final class NetlinkSocket implements AutoCloseable {
  private static final int EINTR = 4;
  private static final int TYPE_ERROR = 2;
  private static final int TYPE_DONE = 3;
  private static final int HEADER = 16;
  private static final int SIOCGIFINDEX = 0x8933;
  private static final int SIOCGIFNAME = 0x8910;
  private static final int IFNAMSIZ = 16;

  /** sizeof(struct ifreq). */
  private static final int IFREQ = 40;

  private static final int TIMEOUT_SECONDS = 5;

  /** What the kernel answers comes here without being copied; a dump's parts are shorter. */
  private static final ThreadLocal<ByteBuffer> ANSWERS =
      ThreadLocal.withInitial(
          () -> ByteBuffer.allocateDirect(64 * 1024).order(ByteOrder.nativeOrder()));

  private final int descriptor;
  private int sequence;
  private boolean closed;

  /** Receives one message of an answer: its type and what follows the header. */
  interface Answer {
    void accept(int type, ByteBuffer body);
  }

  /** Opens one of a family of netlink, such as NETLINK_ROUTE (0). */
  NetlinkSocket(int family) throws KernelException {
    LibC c = LibC.INSTANCE;
    descriptor = c.socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, family);
    if (descriptor < 0) {
      throw LibC.failure("open", "a netlink socket");
    }
    byte[] timeout =
        ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putLong(TIMEOUT_SECONDS).array();
    byte[] address = new byte[12];
    ByteBuffer.wrap(address).order(ByteOrder.nativeOrder()).putShort((short) LibC.AF_NETLINK);
    if (c.setsockopt(descriptor, LibC.SOL_SOCKET, LibC.SO_RCVTIMEO, timeout, 16) < 0
        || c.bind(descriptor, address, address.length) < 0) {
      KernelException failure = LibC.failure("set up", "a netlink socket");
      c.close(descriptor);
      throw failure;
    }
  }

  synchronized int nextSequence() {
    return ++sequence;
  }

  /** Returns the first of so many numbers. */
  synchronized int nextSequences(int count) {
    int first = sequence + 1;
    sequence += count;
    return first;
  }

  /** Sends a request and reads its answers up to the acknowledgement or the end of the dump. */
  void request(byte[] message, String operation, String object, Answer answer)
      throws KernelException {
    int errno = ask(message, operation, object, answer);
    if (errno != 0) {
      throw LibC.failure(operation, object, errno);
    }
  }

  /** Like {@link #request}, but returns the errno of a refusal; 0 when there was none. */
  int ask(byte[] message, String operation, String object, Answer answer) throws KernelException {
    return exchange(message, sequenceOf(message), operation, object, answer).errno();
  }

  /**
   * Sends several messages at once and waits for the acknowledgement of one, or an error of any.
   *
   * @param acknowledged the sequence number of the one that asks for it; no later one does
   */
  void transact(byte[] messages, int acknowledged, String operation, String object)
      throws KernelException {
    int errno = exchange(messages, acknowledged, operation, object, (type, body) -> {}).errno();
    if (errno != 0) {
      throw LibC.failure(operation, object, errno);
    }
  }

  /**
   * A message that asks for an acknowledgement.
   *
   * @param message its bytes, a multiple of four
   * @param operation what it does, for an error
   * @param object to what
   */
  record Request(byte[] message, String operation, String object) {}

  /**
   * Sends several requests at once, in the order of their numbers, and waits until the last is
   * acknowledged or one is refused, which is thrown. All are tried nevertheless.
   */
  void requestAll(List<Request> requests) throws KernelException {
    ByteBuffer all = ByteBuffer.allocate(requests.stream().mapToInt(r -> r.message().length).sum());
    requests.forEach(r -> all.put(r.message()));
    Request last = requests.get(requests.size() - 1);
    End end =
        exchange(
            all.array(),
            sequenceOf(last.message()),
            last.operation(),
            last.object(),
            (type, body) -> {});
    if (end.errno() != 0) {
      Request refused =
          requests.stream()
              .filter(r -> sequenceOf(r.message()) == end.number())
              .findFirst()
              .orElse(last);
      throw LibC.failure(refused.operation(), refused.object(), end.errno());
    }
  }

  /**
   * Returns an interface's index; 0 when there is none of the name. Any socket can be asked
   * (netdevice(7)), and the kernel answers without its lock, other than a request for a link.
   */
  synchronized int interfaceIndex(String name) throws KernelException {
    if (closed) {
      throw new KernelException("find link", name, 0, "the netlink socket is closed");
    }
    byte[] request = new byte[IFREQ];
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    if (text.length >= IFNAMSIZ) {
      return 0;
    }
    System.arraycopy(text, 0, request, 0, text.length);
    if (LibC.INSTANCE.ioctl(descriptor, SIOCGIFINDEX, request) < 0) {
      if (LibC.errno() == KernelException.ENODEV) {
        return 0;
      }
      throw LibC.failure("find link", name);
    }
    return ByteBuffer.wrap(request).order(ByteOrder.nativeOrder()).getInt(IFNAMSIZ);
  }

  /** Returns an interface's name; empty when there is none of the index, or it cannot be asked. */
  synchronized String interfaceName(int index) {
    if (closed) {
      return "";
    }
    byte[] request = new byte[IFREQ];
    ByteBuffer.wrap(request).order(ByteOrder.nativeOrder()).putInt(IFNAMSIZ, index);
    if (LibC.INSTANCE.ioctl(descriptor, SIOCGIFNAME, request) < 0) {
      return "";
    }
    int length = 0;
    while (length < IFNAMSIZ && request[length] != 0) {
      length++;
    }
    return new String(request, 0, length, StandardCharsets.UTF_8);
  }

  private static int sequenceOf(byte[] message) {
    return ByteBuffer.wrap(message).order(ByteOrder.nativeOrder()).getInt(8);
  }

  /**
   * How an exchange ended.
   *
   * @param number the sequence number of the message that was answered so
   * @param errno 0: all is done
   */
  private record End(int number, int errno) {}

  private synchronized End exchange(
      byte[] messages, int last, String operation, String object, Answer answer)
      throws KernelException {
    if (closed) {
      throw new KernelException(operation, object, 0, "the netlink socket is closed");
    }
    int first = sequenceOf(messages);
    if (LibC.INSTANCE.send(descriptor, messages, messages.length, 0) < 0) {
      throw LibC.failure(operation, object);
    }
    ByteBuffer receive = ANSWERS.get();
    End end = null;
    while (end == null) {
      receive.clear();
      long length = LibC.INSTANCE.recv(descriptor, receive, receive.capacity(), 0);
      if (length < 0) {
        if (LibC.errno() == EINTR) {
          continue;
        }
        throw LibC.failure(operation, object);
      }
      end = read(receive.limit((int) length).position(0), first, last, operation, object, answer);
    }
    return end;
  }

  /** Reads answers; null when more must come. */
  private static @Nullable End read(
      ByteBuffer buffer, int first, int last, String operation, String object, Answer answer)
      throws KernelException {
    while (buffer.remaining() >= HEADER) {
      int start = buffer.position();
      int length = buffer.getInt(start);
      int type = Short.toUnsignedInt(buffer.getShort(start + 4));
      if (length < HEADER || length > buffer.remaining()) {
        throw new KernelException(operation, object, 0, "the answer is malformed");
      }
      int number = buffer.getInt(start + 8);
      if (number - first >= 0 && number - last <= 0) {
        if (type == TYPE_ERROR) {
          int errno = -buffer.getInt(start + HEADER);
          if (errno != 0 || number == last) {
            return new End(number, errno);
          }
        } else if (type == TYPE_DONE) {
          return new End(number, 0);
        } else {
          answer.accept(
              type, buffer.slice(start + HEADER, length - HEADER).order(ByteOrder.nativeOrder()));
        }
      }
      buffer.position(Math.min(buffer.limit(), start + (length + 3) / 4 * 4));
    }
    return null;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      LibC.INSTANCE.close(descriptor);
    }
  }
}
