package io.calico4j.core.plugin;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.linux.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the launcher on a unix socket that belongs to root alone. Requests are bounded in size and
 * time, and only complete ones take a worker's time. A request whose caller has gone is not begun;
 * one that has begun is finished, so that a DEL that comes meanwhile finds all of it. A server that
 * stops hangs up on callers whose request it did not complete: the launcher sends it to the next
 * one.
 */
public final class PluginServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PluginServer.class);
  private static final int WORKERS = 16;
  private static final int QUEUE = 256;
  private static final int ANSWER_SECONDS = 10;
  private static final int BACKLOG = 1024;
  private static final int WATCH_SECONDS = 1;
  private static final long MAX_MEMORY = 64L << 20;

  private final Path socket;
  private final Map<String, PluginHandler> handlers;
  private final ThreadPoolExecutor workers;
  private final AtomicLong memory = new AtomicLong();
  private final ScheduledExecutorService watch = Daemons.timer("plugin-socket");
  private @Nullable CallerLoop callers;
  private @Nullable Object bound;
  private volatile String problem = "it does not listen yet";
  private volatile boolean stopping;

  /** Makes a server for the programs; nothing happens before {@link #start}. */
  public PluginServer(Path socket, Map<String, PluginHandler> handlers) {
    this.socket = socket;
    this.handlers = Map.copyOf(handlers);
    workers =
        new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            1,
            TimeUnit.MINUTES,
            new ArrayBlockingQueue<>(QUEUE),
            task -> Daemons.thread("plugin-worker", task));
  }

  /**
   * Binds the socket, replacing a stale one, and begins to serve. A socket that is removed later,
   * or replaced by another file, is bound again within about a second.
   */
  public void start() throws IOException, KernelException {
    bind();
    var unused =
        watch.scheduleWithFixedDelay(this::checkSocket, WATCH_SECONDS, WATCH_SECONDS, SECONDS);
  }

  /** Says why callers cannot come; empty when they can. */
  public Optional<String> problem() {
    String now = problem;
    if (!now.isEmpty()) {
      return Optional.of(now);
    }
    return Files.exists(socket, LinkOption.NOFOLLOW_LINKS)
        ? Optional.empty()
        : Optional.of(socket + " is gone");
  }

  private synchronized void checkSocket() {
    if (watch.isShutdown() || isInPlace()) {
      return;
    }
    try {
      bind();
      log.warn("{} was removed or replaced: it is bound again", socket);
    } catch (IOException | KernelException e) {
      String text = socket + " is gone and cannot be bound again: " + e.getMessage();
      if (!text.equals(problem)) {
        log.error("{}", text);
      }
      problem = text;
    }
  }

  /** Tells whether the file at the socket's path is the socket that was bound. */
  private boolean isInPlace() {
    try {
      return problem.isEmpty() && fileKey().equals(bound);
    } catch (IOException e) {
      return false;
    }
  }

  private Object fileKey() throws IOException {
    return Files.readAttributes(socket, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  private synchronized void bind() throws IOException, KernelException {
    Path directory = socket.toAbsolutePath().getParent();
    Files.createDirectories(directory);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    Files.deleteIfExists(socket);
    byte[] path = socket.toString().getBytes(StandardCharsets.UTF_8);
    if (path.length > 107) {
      throw new KernelException("bind", socket.toString(), 0, "the path is longer than 107 bytes");
    }
    byte[] address = new byte[110];
    ByteBuffer.wrap(address).order(ByteOrder.nativeOrder()).putShort((short) LibC.AF_UNIX);
    System.arraycopy(path, 0, address, 2, path.length);
    int listener =
        LibC.INSTANCE.socket(
            LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC | LibC.SOCK_NONBLOCK, 0);
    if (listener < 0
        || LibC.INSTANCE.bind(listener, address, address.length) < 0
        || LibC.INSTANCE.listen(listener, BACKLOG) < 0) {
      KernelException failure = LibC.failure("bind", socket.toString());
      if (listener >= 0) {
        LibC.INSTANCE.close(listener);
      }
      throw failure;
    }
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    CallerLoop old = callers;
    CallerLoop loop = new CallerLoop(listener, this::queue);
    callers = loop;
    Daemons.thread("plugin-callers", loop).start();
    bound = fileKey();
    problem = "";
    if (old != null) {
      old.close();
    }
  }

  private void queue(Connection caller, PluginRequest request) {
    try {
      if (memory.addAndGet(caller.size()) > MAX_MEMORY) {
        throw new RejectedExecutionException("too much memory is in use");
      }
      workers.execute(() -> serve(caller, request));
    } catch (RejectedExecutionException e) {
      if (stopping) {
        close(caller);
        return;
      }
      caller.answer(error(11, "calico-node is overloaded: try again later"), 0);
      close(caller);
    }
  }

  private void close(Connection caller) {
    memory.addAndGet(-caller.size());
    caller.close();
  }

  /** The caller waits for the end of the connection: nothing else comes before that. */
  private void serve(Connection caller, PluginRequest request) {
    PluginResponse response;
    try {
      if (stopping || caller.isAbandoned()) {
        return;
      }
      response = respond(caller, request);
      if (stopping && !response.isServed()) {
        // What failed may have needed a part that has stopped.
        log.info("a request of {} is left to the next calico-node", request.program());
        return;
      }
      caller.answer(response, ANSWER_SECONDS);
    } catch (RuntimeException e) {
      if (stopping) {
        log.info("a request of {} is left to the next calico-node", request.program());
        return;
      }
      log.error("a plugin request failed unexpectedly", e);
      caller.answer(error(999, "calico-node failed: " + e), ANSWER_SECONDS);
      return;
    } finally {
      close(caller);
    }
    response.afterwards().run();
  }

  private PluginResponse respond(Connection caller, PluginRequest request) {
    PluginHandler handler = handlers.get(request.program());
    if (handler == null) {
      return error(
          4,
          "program "
              + request.program()
              + " is unknown: install it as one of "
              + handlers.keySet());
    }
    caller.giveDescriptorAway();
    return handler.handle(request);
  }

  /** Makes an error of this server, in the words of CNI and of net-modules at once. */
  static PluginResponse error(int code, String message) {
    String text = message.replaceAll("[\"\\\\\\p{Cntrl}]", "'");
    String json = "{\"cniVersion\":\"0.4.0\",\"code\":%d,\"msg\":\"%s\",\"error\":\"%s\"}";
    return new PluginResponse(
        new Outcome.CniFailure(code), json.formatted(code, text, text), message + "\n");
  }

  /** Stops: no request begins afterwards; running ones have two seconds to end. */
  @Override
  public void close() {
    stopping = true;
    synchronized (this) {
      watch.shutdownNow();
      CallerLoop loop = callers;
      if (loop != null) {
        loop.close();
      }
    }
    workers.shutdown();
    try {
      Files.deleteIfExists(socket);
      if (!workers.awaitTermination(2, TimeUnit.SECONDS)) {
        log.warn("plugin requests are still running at the end");
      }
    } catch (IOException e) {
      log.warn("{} cannot be removed: {}", socket, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
