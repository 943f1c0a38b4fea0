package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.NftSets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The kernel of the machine this runs on. */
public final class LinuxKernel implements Kernel {
  private static final int O_RDONLY_CLOEXEC = 0x80000;
  private static final int O_WRONLY_CLOEXEC = 0x80001;
  private static final long NS_GET_NSTYPE = 0xb703;
  private static final int EINVAL = 22;
  private static final int TIMEOUT_SECONDS = 10;

  private static final ExecutorService VISITORS =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "netns");
            thread.setDaemon(true);
            return thread;
          });

  /** Makes one; cheap. */
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
  public boolean isOwn(NetworkNamespace namespace) throws KernelException {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/ns/net"))
          .equals(Files.readSymbolicLink(Path.of("/proc/self/fd/" + namespace.descriptor())));
    } catch (IOException e) {
      throw new KernelException("identify network namespace", namespace.name(), 0, e.toString());
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
   * Runs a task in a namespace, on a thread that does nothing else. A thread that cannot come back
   * to the process's own namespace ends.
   */
  @SuppressWarnings("unchecked") // a task throws nothing else that is checked
  private static <T, E extends Exception> T inside(NetworkNamespace namespace, Task<T, E> task)
      throws KernelException, E {
    CompletableFuture<T> result = new CompletableFuture<>();
    VISITORS.execute(
        () -> {
          try {
            enter(namespace.descriptor(), namespace.name());
            result.complete(task.run());
          } catch (Throwable e) {
            result.completeExceptionally(e);
          } finally {
            if (LibC.INSTANCE.setns(Home.DESCRIPTOR, LibC.CLONE_NEWNET) < 0) {
              throw new IllegalStateException("a thread is lost in " + namespace.name());
            }
          }
        });
    try {
      return result.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KernelException known) {
        throw known;
      }
      if (e.getCause() instanceof RuntimeException || e.getCause() instanceof Error) {
        throw new KernelException(
            "work in network namespace", namespace.name(), 0, e.getCause().toString());
      }
      throw (E) e.getCause();
    } catch (TimeoutException e) {
      throw new KernelException(
          "work in network namespace", namespace.name(), 0, "not done in time");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KernelException("work in network namespace", namespace.name(), 0, "interrupted");
    }
  }

  private static void enter(int descriptor, String name) throws KernelException {
    if (LibC.INSTANCE.setns(descriptor, LibC.CLONE_NEWNET) < 0) {
      throw LibC.failure("enter network namespace", name);
    }
  }

  /** The namespace of this process; opened before any thread enters another one. */
  private static final class Home {
    static final int DESCRIPTOR = LibC.INSTANCE.open("/proc/self/ns/net", O_RDONLY_CLOEXEC);
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
