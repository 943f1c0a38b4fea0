package io.calico4j.testbed;

import io.calico4j.core.kernel.linux.LibC;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/** Calls a plugin socket with as many descriptors as wanted, which Java's channels cannot send. */
final class DescriptorSender implements Closeable {
  /** What {@link LibC} does not need. */
  public interface Calls {
    /** connect(2). */
    int connect(int fd, byte[] address, int length);

    /** sendmsg(2). */
    long sendmsg(int fd, Pointer message, int flags);
  }

  private static final Calls CALLS = LibraryLoader.create(Calls.class).load("c");

  private final int socket;

  DescriptorSender(Path path) throws IOException {
    byte[] address = new byte[110];
    ByteBuffer.wrap(address).order(ByteOrder.nativeOrder()).putShort((short) LibC.AF_UNIX);
    byte[] text = path.toString().getBytes(StandardCharsets.UTF_8);
    System.arraycopy(text, 0, address, 2, text.length);
    socket = LibC.INSTANCE.socket(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0);
    if (CALLS.connect(socket, address, address.length) != 0) {
      LibC.INSTANCE.close(socket);
      throw new IOException("cannot connect to " + path);
    }
  }

  /** Sends all the bytes in one message, and with them so many descriptors of its own socket. */
  void send(byte[] bytes, int descriptors) throws IOException {
    int controlLength = 16 + 4 * descriptors;
    Pointer data = Memory.allocateDirect(LibC.RUNTIME, bytes.length, true);
    data.put(0, bytes, 0, bytes.length);
    Pointer vector = Memory.allocateDirect(LibC.RUNTIME, 16, true);
    vector.putAddress(0, data.address());
    vector.putLong(8, bytes.length);
    Pointer control = Memory.allocateDirect(LibC.RUNTIME, controlLength + 8, true);
    control.putLong(0, controlLength);
    control.putInt(8, LibC.SOL_SOCKET);
    control.putInt(12, LibC.SCM_RIGHTS);
    for (int i = 0; i < descriptors; i++) {
      control.putInt(16 + 4L * i, socket);
    }
    Pointer message = Memory.allocateDirect(LibC.RUNTIME, 56, true);
    message.putAddress(16, vector.address());
    message.putLong(24, 1);
    message.putAddress(32, control.address());
    message.putLong(40, controlLength);
    if (CALLS.sendmsg(socket, message, LibC.MSG_NOSIGNAL) != bytes.length) {
      throw new IOException("the request cannot be sent");
    }
  }

  /** Returns what comes next, as text. */
  String receive() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
    long got = LibC.INSTANCE.recv(socket, buffer, buffer.capacity(), 0);
    return StandardCharsets.UTF_8.decode(buffer.limit((int) Math.max(0, got))).toString();
  }

  @Override
  public void close() {
    LibC.INSTANCE.close(socket);
  }
}
