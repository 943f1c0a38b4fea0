package io.calico4j.core.plugin;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.linux.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the launcher on a unix socket that belongs to root alone. Requests are bounded in size and
 * time; a descriptor that came with one is closed unless the handler has taken it over.
 */
public final class PluginServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PluginServer.class);
  private static final int MAX_REQUEST = 1 << 20;
  private static final int MAX_ITEMS = 4096;
  private static final int WORKERS = 16;
  private static final int QUEUE = 256;
  private static final int TIMEOUT_SECONDS = 10;
  private static final int EINTR = 4;
  private static final byte[] MAGIC = "C4J1".getBytes(StandardCharsets.US_ASCII);

  private final Path socket;
  private final Map<String, PluginHandler> handlers;
  private final ThreadPoolExecutor workers;
  private int listener = -1;
  private volatile boolean closed;

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
            task -> {
              Thread thread = new Thread(task, "plugin-worker");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Binds the socket, replacing a stale one, and begins to serve. */
  public void start() throws IOException, KernelException {
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
    listener = LibC.INSTANCE.socket(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0);
    if (listener < 0
        || LibC.INSTANCE.bind(listener, address, address.length) < 0
        || LibC.INSTANCE.listen(listener, 128) < 0) {
      throw LibC.failure("bind", socket.toString());
    }
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    Thread thread = new Thread(this::acceptAll, "plugin-accept");
    thread.setDaemon(true);
    thread.start();
  }

  private void acceptAll() {
    while (!closed) {
      int client = LibC.INSTANCE.accept4(listener, null, null, LibC.SOCK_CLOEXEC);
      if (client < 0) {
        if (!closed && LibC.errno() != EINTR) {
          log.warn("accept on {} failed: {}", socket, LibC.describe(LibC.errno()));
        }
        continue;
      }
      try {
        workers.execute(() -> serve(client));
      } catch (RejectedExecutionException e) {
        answer(client, error(11, "calico-node is overloaded or stopping: try again later"));
        LibC.INSTANCE.close(client);
      }
    }
  }

  private static PluginResponse error(int code, String message) {
    String json =
        "{\"cniVersion\":\"0.4.0\",\"code\":"
            + code
            + ",\"msg\":\""
            + message.replaceAll("[\"\\\\\\p{Cntrl}]", "'")
            + "\",\"error\":\""
            + message.replaceAll("[\"\\\\\\p{Cntrl}]", "'")
            + "\"}";
    return new PluginResponse(1, json, message + "\n");
  }

  private void serve(int client) {
    int[] descriptor = {-1};
    try {
      byte[] timeout =
          ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putLong(TIMEOUT_SECONDS).array();
      LibC.INSTANCE.setsockopt(client, LibC.SOL_SOCKET, LibC.SO_RCVTIMEO, timeout, 16);
      LibC.INSTANCE.setsockopt(client, LibC.SOL_SOCKET, LibC.SO_SNDTIMEO, timeout, 16);
      answer(client, respond(client, descriptor));
    } catch (RuntimeException e) {
      log.error("a plugin request failed unexpectedly", e);
      answer(client, error(999, "calico-node failed: " + e));
    } finally {
      if (descriptor[0] >= 0) {
        LibC.INSTANCE.close(descriptor[0]);
      }
      LibC.INSTANCE.close(client);
    }
  }

  private PluginResponse respond(int client, int[] descriptor) {
    if (!isTrusted(client)) {
      return error(4, "only root may call the plugin");
    }
    PluginRequest request;
    try {
      request = parse(read(client, descriptor), descriptor[0]);
    } catch (IOException e) {
      return error(5, "the request cannot be read: " + e.getMessage());
    }
    PluginHandler handler = handlers.get(request.program());
    if (handler == null) {
      return error(
          4,
          "program "
              + request.program()
              + " is unknown: install it as one of "
              + handlers.keySet());
    }
    descriptor[0] = -1;
    return handler.handle(request);
  }

  /** The peer must be root, or whoever runs this process. */
  private static boolean isTrusted(int client) {
    Pointer credentials = Memory.allocateDirect(LibC.RUNTIME, 12, true);
    Pointer length = Memory.allocateDirect(LibC.RUNTIME, 4, true);
    length.putInt(0, 12);
    if (LibC.INSTANCE.getsockopt(client, LibC.SOL_SOCKET, LibC.SO_PEERCRED, credentials, length)
        < 0) {
      return false;
    }
    int user = credentials.getInt(4);
    return user == 0 || user == OwnUser.ID;
  }

  /** The user this process runs as. */
  private static final class OwnUser {
    static final int ID = id();

    private static int id() {
      try {
        return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      } catch (IOException e) {
        return 0;
      }
    }
  }

  private static ByteBuffer read(int client, int[] descriptor) throws IOException {
    byte[] header = new byte[8];
    int got = receiveFirst(client, header, descriptor);
    readFully(client, header, got);
    ByteBuffer buffer = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 4; i++) {
      if (header[i] != MAGIC[i]) {
        throw new IOException("it does not begin with C4J1");
      }
    }
    int length = buffer.getInt(4);
    if (length < 0 || length > MAX_REQUEST) {
      throw new IOException("it is longer than " + MAX_REQUEST + " bytes");
    }
    byte[] body = new byte[length];
    readFully(client, body, 0);
    return ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Receives the first bytes with recvmsg(2), which brings the descriptor: struct msghdr, LP64. */
  private static int receiveFirst(int client, byte[] header, int[] descriptor) throws IOException {
    Pointer data = Memory.allocateDirect(LibC.RUNTIME, 8, true);
    Pointer vector = Memory.allocateDirect(LibC.RUNTIME, 16, true);
    vector.putAddress(0, data.address());
    vector.putLong(8, header.length);
    Pointer control = Memory.allocateDirect(LibC.RUNTIME, 24, true);
    Pointer message = Memory.allocateDirect(LibC.RUNTIME, 56, true);
    message.putAddress(16, vector.address());
    message.putLong(24, 1);
    message.putAddress(32, control.address());
    message.putLong(40, 24);
    long got;
    do {
      got = LibC.INSTANCE.recvmsg(client, message, LibC.MSG_CMSG_CLOEXEC);
    } while (got < 0 && LibC.errno() == EINTR);
    if (got <= 0) {
      throw new IOException("nothing came");
    }
    if (message.getLong(40) >= 20
        && control.getInt(8) == LibC.SOL_SOCKET
        && control.getInt(12) == LibC.SCM_RIGHTS) {
      descriptor[0] = control.getInt(16);
    }
    data.get(0, header, 0, (int) got);
    return (int) got;
  }

  private static void readFully(int client, byte[] into, int from) throws IOException {
    int done = from;
    byte[] chunk = new byte[Math.max(1, into.length - from)];
    while (done < into.length) {
      long got = LibC.INSTANCE.recv(client, chunk, into.length - done, 0);
      if (got < 0 && LibC.errno() == EINTR) {
        continue;
      }
      if (got <= 0) {
        throw new IOException("it ends after " + done + " of " + into.length + " bytes");
      }
      System.arraycopy(chunk, 0, into, done, (int) got);
      done += (int) got;
    }
  }

  private static PluginRequest parse(ByteBuffer body, int descriptor) throws IOException {
    List<String> arguments = texts(body);
    Map<String, String> environment = new HashMap<>();
    for (String variable : texts(body)) {
      int equals = variable.indexOf('=');
      if (equals > 0) {
        environment.put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    String input = text(body);
    if (arguments.isEmpty()) {
      throw new IOException("it names no program");
    }
    String program = arguments.get(0);
    return new PluginRequest(
        program.substring(program.lastIndexOf('/') + 1), environment, input, descriptor);
  }

  private static List<String> texts(ByteBuffer body) throws IOException {
    int count = number(body);
    if (count > MAX_ITEMS) {
      throw new IOException("it has more than " + MAX_ITEMS + " items");
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      texts.add(text(body));
    }
    return texts;
  }

  private static String text(ByteBuffer body) throws IOException {
    int length = number(body);
    if (length > body.remaining()) {
      throw new IOException("a length points outside");
    }
    byte[] bytes = new byte[length];
    body.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static int number(ByteBuffer body) throws IOException {
    if (body.remaining() < 4) {
      throw new IOException("it is truncated");
    }
    int number = body.getInt();
    if (number < 0) {
      throw new IOException("a length is negative");
    }
    return number;
  }

  private static void answer(int client, PluginResponse response) {
    byte[] out = response.standardOutput().getBytes(StandardCharsets.UTF_8);
    byte[] err = response.standardError().getBytes(StandardCharsets.UTF_8);
    byte[] bytes =
        ByteBuffer.allocate(12 + out.length + err.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(response.exitCode())
            .putInt(out.length)
            .put(out)
            .putInt(err.length)
            .put(err)
            .array();
    byte[] rest = bytes;
    while (rest.length > 0) {
      long sent = LibC.INSTANCE.send(client, rest, rest.length, LibC.MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      rest = java.util.Arrays.copyOfRange(rest, (int) sent, rest.length);
    }
  }

  /** Stops: no request begins afterwards; running ones have two seconds to end. */
  @Override
  public void close() {
    closed = true;
    if (listener >= 0) {
      LibC.INSTANCE.shutdown(listener, 2);
      LibC.INSTANCE.close(listener);
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
