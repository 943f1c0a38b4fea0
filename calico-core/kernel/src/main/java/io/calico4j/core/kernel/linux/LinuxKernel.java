package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.LinkMonitor;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.NftMonitor;
import io.calico4j.core.kernel.NftRules;
import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.kernel.PacketLog;
import io.calico4j.core.kernel.TunnelLinks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The kernel of the machine this runs on. */
public final class LinuxKernel implements Kernel {
  private static final int O_RDONLY_CLOEXEC = 0x80000;
  private static final int O_WRONLY_CLOEXEC = 0x80001;
  private static final long NS_GET_NSTYPE = 0xb703;
  private static final int EINVAL = 22;
  private static final int ENOSYS = 38;

  /** The number of membarrier(2): {@code asm/unistd_64.h}, {@code asm-generic/unistd.h}. */
  private static final long MEMBARRIER_X86_64 = 324;

  private static final long MEMBARRIER_GENERIC = 283;

  /** {@code linux/membarrier.h}. */
  private static final long MEMBARRIER_CMD_GLOBAL = 1;

  /** The exit status of a process one of whose threads is in the wrong namespace. */
  private static final int LOST = 70;

  private static final Logger log = LoggerFactory.getLogger(LinuxKernel.class);

  /** Opens nothing yet. */
  public LinuxKernel() {}

  @Override
  public NetworkNamespace openNamespace(Path path) throws KernelException {
    int descriptor = LibC.INSTANCE.open(path.toString(), O_RDONLY_CLOEXEC);
    if (descriptor < 0) {
      throw LibC.failure("open network namespace", path.toString());
    }
    return adoptNamespace(descriptor, path.toString());
  }

  @Override
  public NetworkNamespace adoptNamespace(int descriptor, String name) throws KernelException {
    Namespace namespace = new Namespace(descriptor, name);
    if (LibC.INSTANCE.ioctl(descriptor, NS_GET_NSTYPE, 0) != LibC.CLONE_NEWNET) {
      namespace.close();
      throw new KernelException(
          "open network namespace", name, EINVAL, "EINVAL (it is no network namespace)");
    }
    return namespace;
  }

  @Override
  public Netlink netlink() throws KernelException {
    return new LinuxNetlink();
  }

  @Override
  public Netlink netlink(NetworkNamespace namespace) throws KernelException {
    Task<Netlink, KernelException> open = LinuxNetlink::new;
    return inside(namespace, open);
  }

  @Override
  public <E extends Exception> Netlink netlink(
      NetworkNamespace namespace, Check<E> check, List<Sysctl> sysctls) throws KernelException, E {
    Task<Netlink, E> open =
        () -> {
          Netlink inside = new LinuxNetlink();
          boolean done = false;
          try {
            check.pass(inside);
            setSysctls(sysctls);
            done = true;
            return inside;
          } finally {
            if (!done) {
              inside.close();
            }
          }
        };
    return inside(namespace, open);
  }

  @Override
  public NftSets nftSets() throws KernelException {
    return new LinuxNftSets();
  }

  @Override
  public NftRules nftRules() throws KernelException {
    return new LinuxNftRules();
  }

  @Override
  public TunnelLinks tunnelLinks() throws KernelException {
    return new LinuxTunnelLinks();
  }

  @Override
  public LinkMonitor linkMonitor(LinkMonitor.Listener listener) throws KernelException {
    return new LinuxLinkMonitor(listener);
  }

  @Override
  public NftMonitor nftMonitor(String table, NftMonitor.Listener listener) throws KernelException {
    return new LinuxNftMonitor(table, listener);
  }

  /** A global membarrier is {@code synchronize_rcu()}, and rules are asked inside of RCU. */
  @Override
  public void awaitPackets() throws KernelException {
    long number =
        switch (System.getProperty("os.arch")) {
          case "amd64" -> MEMBARRIER_X86_64;
          case "aarch64", "riscv64" -> MEMBARRIER_GENERIC;
          default -> throw LibC.failure("wait for", "packets", ENOSYS);
        };
    if (LibC.INSTANCE.syscall(number, MEMBARRIER_CMD_GLOBAL, 0) < 0) {
      throw LibC.failure("wait for", "packets");
    }
  }

  @Override
  public PacketLog packetLog(int group, int bytes, PacketLog.Listener listener)
      throws KernelException {
    return new LinuxPacketLog(group, bytes, listener);
  }

  @Override
  public Conntrack conntrack() throws KernelException {
    return new LinuxConntrack();
  }

  @Override
  public boolean isOwn(NetworkNamespace namespace) throws KernelException {
    // What a link to the descriptor says is a path when the namespace is bind-mounted: the file
    // itself is compared.
    try {
      FileIdentity identity = FileIdentity.of(Path.of("/proc/self/fd/" + namespace.descriptor()));
      return identity.equals(Home.IDENTITY) || identity.equals(Home.FIRST_PROCESS);
    } catch (IOException e) {
      throw new KernelException("identify network namespace", namespace.name(), 0, e.toString());
    }
  }

  /** Which file something is, whatever path leads to it. */
  private record FileIdentity(@Nullable Object device, @Nullable Object inode) {
    static FileIdentity of(Path path) throws IOException {
      Map<String, Object> found = Files.readAttributes(path, "unix:dev,ino");
      return new FileIdentity(found.get("dev"), found.get("ino"));
    }
  }

  @Override
  public Optional<String> sysctl(String path) throws KernelException {
    try {
      return Optional.of(Files.readString(Path.of("/proc/sys/" + path)).strip());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new KernelException("read sysctl", path, KernelException.EIO, String.valueOf(e));
    }
  }

  @Override
  public void setSysctls(List<Sysctl> sysctls) throws KernelException {
    for (Sysctl sysctl : sysctls) {
      write(sysctl);
    }
  }

  @Override
  public void setSysctls(NetworkNamespace namespace, List<Sysctl> sysctls) throws KernelException {
    Task<List<Sysctl>, KernelException> set =
        () -> {
          setSysctls(sysctls);
          return sysctls;
        };
    var unused = inside(namespace, set);
  }

  private static void write(Sysctl sysctl) throws KernelException {
    try {
      write("/proc/sys/" + sysctl.path(), sysctl);
    } catch (KernelException e) {
      if (!sysctl.optional()) {
        throw e;
      }
    }
  }

  private static void write(String path, Sysctl sysctl) throws KernelException {
    byte[] value = sysctl.value().getBytes(StandardCharsets.US_ASCII);
    int file = LibC.INSTANCE.open(path, O_WRONLY_CLOEXEC);
    if (file < 0) {
      throw LibC.failure("set sysctl", sysctl.path() + "=" + sysctl.value());
    }
    try {
      if (LibC.INSTANCE.write(file, value, value.length) != value.length) {
        throw LibC.failure("set sysctl", sysctl.path() + "=" + sysctl.value());
      }
    } finally {
      LibC.INSTANCE.close(file);
    }
  }

  private interface Task<T, E extends Exception> {
    T run() throws KernelException, E;
  }

  /**
   * Runs a task in a namespace, on the caller's thread: another one would have to be woken, and to
   * wake this one, which takes longer than the visit. Whatever opens sockets later on a thread that
   * cannot come back would do so in the wrong place, so that the process ends then.
   */
  private static <T, E extends Exception> T inside(NetworkNamespace namespace, Task<T, E> task)
      throws KernelException, E {
    int home = Home.DESCRIPTOR;
    if (LibC.INSTANCE.setns(namespace.descriptor(), LibC.CLONE_NEWNET) < 0) {
      throw LibC.failure("enter network namespace", namespace.name());
    }
    try {
      return task.run();
    } finally {
      if (LibC.INSTANCE.setns(home, LibC.CLONE_NEWNET) < 0) {
        log.error(
            "a thread cannot leave {}: {}; this process ends",
            namespace.name(),
            LibC.failure("enter", "the own network namespace").getMessage());
        Runtime.getRuntime().halt(LOST);
      }
    }
  }

  /** The namespace of this process; opened before any thread enters another one. */
  private static final class Home {
    private static final String PATH = "/proc/self/ns/net";
    static final int DESCRIPTOR = LibC.INSTANCE.open(PATH, O_RDONLY_CLOEXEC);

    static final FileIdentity IDENTITY = identity();

    /** The namespace of process 1, where it can be seen: the host's, also if this one's is not. */
    static final @Nullable FileIdentity FIRST_PROCESS = firstProcess();

    private static FileIdentity identity() {
      if (DESCRIPTOR < 0) {
        throw new IllegalStateException(PATH + " cannot be opened: is /proc mounted?");
      }
      try {
        return FileIdentity.of(Path.of(PATH));
      } catch (IOException e) {
        throw new UncheckedIOException(PATH, e);
      }
    }

    private static @Nullable FileIdentity firstProcess() {
      try {
        return FileIdentity.of(Path.of("/proc/1/ns/net"));
      } catch (IOException e) {
        return null;
      }
    }
  }

  private static final class Namespace implements NetworkNamespace {
    private final int descriptor;
    private final String name;
    private boolean closed;

    Namespace(int descriptor, String name) {
      this.descriptor = descriptor;
      this.name = name;
    }

    @Override
    public int descriptor() {
      return descriptor;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        LibC.INSTANCE.close(descriptor);
      }
    }
  }
}
