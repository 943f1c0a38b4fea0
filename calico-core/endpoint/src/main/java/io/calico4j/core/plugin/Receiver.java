package io.calico4j.core.plugin;

import io.calico4j.core.kernel.linux.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/**
 * Receives from callers with recvmsg(2), which brings descriptors along (struct msghdr and cmsghdr
 * of LP64). One buffer for all callers: for one thread.
 */
final class Receiver {
  private static final int BUFFER = 1 << 16;

  /** Room for one descriptor and not two: what does not fit is closed by the kernel. */
  private static final int CONTROL = 20;

  private final Pointer data = Memory.allocateDirect(LibC.RUNTIME, BUFFER, true);
  private final Pointer vector = Memory.allocateDirect(LibC.RUNTIME, 16, true);
  private final Pointer control = Memory.allocateDirect(LibC.RUNTIME, 24, true);
  private final Pointer message = Memory.allocateDirect(LibC.RUNTIME, 56, true);
  private final Pointer credentials = Memory.allocateDirect(LibC.RUNTIME, 12, true);
  private final Pointer credentialsLength = Memory.allocateDirect(LibC.RUNTIME, 4, true);
  private final int ownUser = ownUser();

  Receiver() {
    vector.putAddress(0, data.address());
    vector.putLong(8, BUFFER);
    message.putAddress(16, vector.address());
    message.putLong(24, 1);
    message.putAddress(32, control.address());
  }

  private static int ownUser() {
    try {
      return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    } catch (IOException e) {
      return 0;
    }
  }

  /** Tells whether the peer is root, or whoever runs this process. */
  boolean isTrusted(int socket) {
    credentialsLength.putInt(0, 12);
    if (LibC.INSTANCE.getsockopt(
            socket, LibC.SOL_SOCKET, LibC.SO_PEERCRED, credentials, credentialsLength)
        < 0) {
      return false;
    }
    int user = credentials.getInt(4);
    return user == 0 || user == ownUser;
  }

  /** Receives without waiting; returns what recvmsg does. */
  long receive(int socket, boolean withDescriptor) {
    message.putLong(40, withDescriptor ? CONTROL : 0);
    return LibC.INSTANCE.recvmsg(socket, message, LibC.MSG_DONTWAIT | LibC.MSG_CMSG_CLOEXEC);
  }

  /** Returns the descriptor that came last, or -1. */
  int descriptor() {
    boolean came =
        message.getLong(40) >= CONTROL
            && control.getInt(8) == LibC.SOL_SOCKET
            && control.getInt(12) == LibC.SCM_RIGHTS;
    return came ? control.getInt(16) : -1;
  }

  /** Copies what came last. */
  void copyTo(byte[] bytes, int offset, int length) {
    data.get(0, bytes, offset, length);
  }
}
