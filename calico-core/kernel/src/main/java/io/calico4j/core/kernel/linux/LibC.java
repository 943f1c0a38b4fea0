package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import java.nio.ByteBuffer;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.SaveError;
import org.jspecify.annotations.Nullable;

/** The functions of the C library that this project calls, and errno in words. */
public interface LibC {
  /** Address family of unix sockets. */
  int AF_UNIX = 1;

  /** Address family of netlink sockets. */
  int AF_NETLINK = 16;

  /** Stream sockets. */
  int SOCK_STREAM = 1;

  /** Raw sockets. */
  int SOCK_RAW = 3;

  /** Closes the descriptor on exec. */
  int SOCK_CLOEXEC = 0x80000;

  /** Calls do not wait. */
  int SOCK_NONBLOCK = 0x800;

  /** The socket level of setsockopt. */
  int SOL_SOCKET = 1;

  /** Receive buffer size. */
  int SO_RCVBUF = 8;

  /** Receive time-out, a struct timeval. */
  int SO_RCVTIMEO = 20;

  /** The peer's pid, uid and gid, a struct ucred. */
  int SO_PEERCRED = 17;

  /** Control message: descriptors. */
  int SCM_RIGHTS = 1;

  /** Received descriptors are closed on exec. */
  int MSG_CMSG_CLOEXEC = 0x40000000;

  /** This call does not wait. */
  int MSG_DONTWAIT = 0x40;

  /** A peer that is gone raises no signal. */
  int MSG_NOSIGNAL = 0x4000;

  /** poll: there is something to read, or a caller to accept. */
  int POLLIN = 1;

  /** poll: there is room to write. */
  int POLLOUT = 4;

  /** poll: the peer has closed. */
  int POLLHUP = 16;

  /** A network namespace, for setns and NS_GET_NSTYPE. */
  int CLONE_NEWNET = 0x40000000;

  /** Paths count from the current directory. */
  int AT_FDCWD = -100;

  /** Both paths exist, and change places at once. */
  int RENAME_EXCHANGE = 2;

  /** The C library of this process. */
  LibC INSTANCE = LibraryLoader.create(LibC.class).load("c");

  /** The runtime for allocating native memory. */
  Runtime RUNTIME = Runtime.getRuntime(INSTANCE);

  /** socket(2). */
  @SaveError
  int socket(int domain, int type, int protocol);

  /** bind(2). */
  @SaveError
  int bind(int fd, byte[] address, int length);

  /** listen(2). */
  @SaveError
  int listen(int fd, int backlog);

  /** accept4(2). */
  @SaveError
  int accept4(int fd, @Nullable Pointer address, @Nullable Pointer length, int flags);

  /** send(2). */
  @SaveError
  long send(int fd, byte[] buffer, long length, int flags);

  /** recv(2). */
  @SaveError
  long recv(int fd, ByteBuffer buffer, long length, int flags);

  /** recvmsg(2). */
  @SaveError
  long recvmsg(int fd, Pointer message, int flags);

  /** poll(2) on an array of struct pollfd: descriptor, 2 bytes wanted, 2 bytes found. */
  @SaveError
  int poll(byte[] descriptors, long count, int milliseconds);

  /** setsockopt(2). */
  @SaveError
  int setsockopt(int fd, int level, int name, byte[] value, int length);

  /** getsockopt(2). */
  @SaveError
  int getsockopt(int fd, int level, int name, Pointer value, Pointer length);

  /** open(2). */
  @SaveError
  int open(String path, int flags);

  /** write(2). */
  @SaveError
  long write(int fd, byte[] data, long length);

  /** Renames a file; returns 0, or -1 for an error (renameat2(2)). */
  @SaveError
  int renameat2(int oldDirectory, String oldPath, int newDirectory, String newPath, int flags);

  /** close(2). */
  @SaveError
  int close(int fd);

  /** shutdown(2). */
  @SaveError
  int shutdown(int fd, int how);

  /** setns(2). */
  @SaveError
  int setns(int fd, int type);

  /** ioctl(2) without argument. */
  @SaveError
  int ioctl(int fd, long request, long argument);

  /** ioctl(2) with a structure that goes there and back. */
  @SaveError
  int ioctl(int fd, long request, byte[] argument);

  /** syscall(2), for what the C library has no function for. */
  @SaveError
  long syscall(long number, long first, long second);

  /** fflush(3); null means every open stream. */
  int fflush(@Nullable Pointer stream);

  /** _exit(2). */
  void _exit(int status);

  /**
   * Ends this process at once. The JVM's own end waits up to 0.3 s for every thread that is in a
   * system call, such as one that waits for etcd ({@code
   * VM_Exit::wait_for_threads_in_native_to_block} in HotSpot); for this one nobody waits.
   */
  static void endProcess(int status) {
    int unused = INSTANCE.fflush(null);
    INSTANCE._exit(status);
  }

  /** Returns the errno of this thread's last call. */
  static int errno() {
    return RUNTIME.getLastError();
  }

  /** Makes the exception for this thread's last failed call. */
  static KernelException failure(String operation, String object) {
    return failure(operation, object, errno());
  }

  /** Makes the exception for an errno. */
  static KernelException failure(String operation, String object, int errno) {
    return new KernelException(operation, object, errno, describe(errno));
  }

  /** Returns an errno's name and meaning. */
  static String describe(int errno) {
    return switch (errno) {
      case 1 -> "EPERM (not permitted: are you root?)";
      case 2 -> "ENOENT (it does not exist)";
      case 3 -> "ESRCH (there is none)";
      case 4 -> "EINTR (interrupted)";
      case 9 -> "EBADF (bad descriptor)";
      case 11 -> "EAGAIN (no answer in time)";
      case 12 -> "ENOMEM (out of memory)";
      case 13 -> "EACCES (permission denied)";
      case 16 -> "EBUSY (busy)";
      case 17 -> "EEXIST (it exists already)";
      case 19 -> "ENODEV (no such device)";
      case 20 -> "ENOTDIR (not a directory)";
      case 22 -> "EINVAL (invalid argument)";
      case 24 -> "EMFILE (too many open files)";
      case 34 -> "ERANGE (out of range)";
      case 36 -> "ENAMETOOLONG (name too long)";
      case 38 -> "ENOSYS (this kernel cannot)";
      case 95 -> "EOPNOTSUPP (not supported by this kernel)";
      case 98 -> "EADDRINUSE (address in use)";
      case 99 -> "EADDRNOTAVAIL (address not available)";
      case 100 -> "ENETDOWN (network is down)";
      case 101 -> "ENETUNREACH (network is unreachable)";
      case 105 -> "ENOBUFS (no buffer space)";
      case 107 -> "ENOTCONN (not connected)";
      default -> "errno " + errno;
    };
  }
}
