package io.calico4j.core.cni;

import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Another vendor's IPAM plugin, executed as the spec's "Plugin Delegation" says: its program is
 * looked for in CNI_PATH, it gets the CNI_* variables and the whole configuration, and its error is
 * the caller's. It is executed by the process that serves the request, which sees the host's files
 * and not the runtime's working directory, so that relative directories of CNI_PATH count for
 * nothing; where no other has the program, Debian's directory is tried.
 */
final class IpamDelegate {
  private static final Logger log = LoggerFactory.getLogger(IpamDelegate.class);
  private static final Path LAST_RESORT = Path.of("/usr/lib/cni");
  private static final Duration DEADLINE = Duration.ofSeconds(20);
  private static final int MAX_OUTPUT = 1 << 20;
  private static final int SHOWN = 500;
  private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private final String type;
  private final Duration deadline;

  private IpamDelegate(String type, Duration deadline) {
    this.type = type;
    this.deadline = deadline;
  }

  /** Returns the plugin a type names; code 7 when it is no name, or one that cannot work here. */
  static IpamDelegate of(String type) throws CniError {
    return of(type, DEADLINE);
  }

  static IpamDelegate of(String type, Duration deadline) throws CniError {
    if (!type.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
      throw refused(type, "it must be the name of a program in CNI_PATH, without slash");
    }
    if (type.equals("dhcp")) {
      throw refused(
          type,
          "DHCP's broadcasts are not answered on a routed link, and policy would not hear of a lease"
              + " that changes: use calico-ipam, host-local or static");
    }
    if (type.equals("calico") || type.equals("calico-mesos")) {
      throw refused(type, "it is no IPAM plugin: use calico-ipam");
    }
    return new IpamDelegate(type, deadline);
  }

  private static CniError refused(String type, String reason) {
    return new CniError(
        CniError.INVALID_CONFIGURATION,
        "ipam.type \"" + type + "\" is not supported: " + reason,
        "");
  }

  /** Tells whether a type can be delegated to, and its program is where CNI_PATH says. */
  static boolean isInstalled(String type, String path) {
    try {
      Path unused = of(type).find(path);
      return true;
    } catch (CniError e) {
      return false;
    }
  }

  /** Assigns addresses. */
  IpamResult add(CniRequest request, JsonObject configuration) throws CniError {
    return IpamResult.parse(type, run("ADD", request, configuration), request.configuration());
  }

  /**
   * Runs another operation than ADD.
   *
   * @param command DEL, CHECK, GC or STATUS
   * @param configuration what it gets on standard input
   */
  void run(CniRequest.Command command, CniRequest request, JsonObject configuration)
      throws CniError {
    String unused = run(command.name(), request, configuration);
  }

  private String run(String command, CniRequest request, JsonObject configuration) throws CniError {
    Path program = find(request.path());
    ProcessBuilder builder = new ProcessBuilder(program.toString());
    Map<String, String> environment = builder.environment();
    environment.clear();
    environment.putAll(request.environment());
    environment.put("PATH", PATH);
    environment.put("CNI_COMMAND", command);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new CniError(
          CniError.IPAM,
          "IPAM plugin " + program + " cannot be executed",
          String.valueOf(e.getMessage()));
    }
    try {
      return answer(command, process, configuration.toString().getBytes(StandardCharsets.UTF_8));
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private Path find(String path) throws CniError {
    boolean relative = false;
    for (String directory : path.split(":", -1)) {
      if (!directory.startsWith("/")) {
        relative |= !directory.isEmpty();
        continue;
      }
      Path program = Path.of(directory).resolve(type);
      if (Files.isRegularFile(program) && Files.isExecutable(program)) {
        return program;
      }
    }
    Path program = LAST_RESORT.resolve(type);
    if (Files.isRegularFile(program) && Files.isExecutable(program)) {
      return program;
    }
    throw new CniError(
        CniError.INVALID_CONFIGURATION,
        "ipam.type \""
            + type
            + "\": there is no such program in CNI_PATH \""
            + path
            + "\" nor in "
            + LAST_RESORT
            + ": install it there",
        relative
            ? "directories of CNI_PATH that do not begin with / cannot be searched, because"
                + " calico-node has another working directory than the runtime"
            : "");
  }

  private String answer(String command, Process process, byte[] input) throws CniError {
    CompletableFuture<Void> written =
        CompletableFuture.runAsync(() -> write(process.getOutputStream(), input), this::start);
    CompletableFuture<String> output =
        CompletableFuture.supplyAsync(() -> read(process.getInputStream()), this::start);
    CompletableFuture<String> errors =
        CompletableFuture.supplyAsync(() -> read(process.getErrorStream()), this::start);
    try {
      CompletableFuture.allOf(written, output, errors)
          .get(deadline.toMillis(), TimeUnit.MILLISECONDS);
      if (!process.waitFor(1, TimeUnit.SECONDS)) {
        throw new TimeoutException();
      }
      String said = errors.get();
      if (!said.isBlank()) {
        log.info("IPAM plugin {} says to {}: {}", type, command, shortened(said));
      }
      if (process.exitValue() != 0) {
        throw error(command, process.exitValue(), output.get(), said);
      }
      return output.get();
    } catch (TimeoutException e) {
      throw new CniError(
          CniError.TRY_AGAIN,
          "IPAM plugin "
              + type
              + " did not answer "
              + command
              + " within "
              + deadline.toMillis()
              + " ms and was killed: look at what it waits for",
          "");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CniError(CniError.TRY_AGAIN, "IPAM plugin " + type + " was interrupted", "");
    } catch (ExecutionException e) {
      throw new CniError(
          CniError.IPAM,
          "IPAM plugin " + type + " cannot be talked to",
          String.valueOf(e.getCause()));
    }
  }

  /** Returns the plugin's own error if it gave one, with its code, message and details. */
  private CniError error(String command, int status, String output, String errors) {
    try {
      JsonObject json = NetworkConfiguration.decode(output);
      String message = NetworkConfiguration.string(json, "msg");
      String code = json.has("code") ? json.get("code").getAsString() : "";
      if (!message.isEmpty()) {
        String details = NetworkConfiguration.string(json, "details");
        return new CniError(
            code.matches("[1-9][0-9]{0,8}") ? Integer.parseInt(code) : CniError.IPAM,
            message,
            (details.isEmpty() ? "" : details + "; ") + "from IPAM plugin " + type);
      }
    } catch (CniError | IllegalStateException | UnsupportedOperationException e) {
      log.debug("the error of IPAM plugin {} is no error object", type, e);
    }
    return new CniError(
        CniError.IPAM,
        "IPAM plugin " + type + " ended with status " + status + " in " + command,
        shortened(output + errors));
  }

  private static String shortened(String text) {
    String stripped = text.strip();
    return stripped.length() <= SHOWN ? stripped : stripped.substring(0, SHOWN) + "…";
  }

  private void start(Runnable task) {
    Thread thread = new Thread(task, "ipam-delegate-" + type);
    thread.setDaemon(true);
    thread.start();
  }

  /** Writes all of it, or as much as a plugin that does not read to the end takes. */
  private static void write(OutputStream stream, byte[] bytes) {
    try (stream) {
      stream.write(bytes);
    } catch (IOException e) {
      log.debug("an IPAM plugin did not read all of its configuration", e);
    }
  }

  private static String read(InputStream stream) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] chunk = new byte[8192];
    try (stream) {
      int got = stream.read(chunk);
      while (got >= 0 && bytes.size() + got <= MAX_OUTPUT) {
        bytes.write(chunk, 0, got);
        got = stream.read(chunk);
      }
    } catch (IOException e) {
      log.debug("the output of an IPAM plugin ends early", e);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
