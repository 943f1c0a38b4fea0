package io.calico4j.node;

import com.google.gson.JsonObject;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.linux.LibC;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.calico4j.felix.OneShotFelix;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.node.address.HostNetwork;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.logging.Level;
import org.slf4j.LoggerFactory;

/**
 * Serves one plugin request in a process of its own, when no agent listens: the same handlers, on a
 * datastore connection of their own, with rules programmed by {@link OneShotFelix}. The launcher
 * starts it with the program's name as argument and the runtime's environment and input.
 */
public final class CniMain {
  private static final int MAX_INPUT = 1 << 20;

  private final String program;
  private final Map<String, String> environment;
  private final String input;

  private CniMain(String program, Map<String, String> environment, String input) {
    this.program = program;
    this.environment = environment;
    this.input = input;
  }

  /**
   * Answers one request on standard output; nothing else is ever written there. The process ends
   * without closing what the kernel closes anyway: an orderly end of the etcd client takes longer
   * than the request.
   */
  public static void main(String[] arguments) throws IOException {
    PrintStream output = System.out;
    LogStream.install();
    LogLines.install(Level.WARNING);
    System.setOut(System.err);
    String program = arguments.length == 0 ? "calico" : arguments[0];
    byte[] input = System.in.readNBytes(MAX_INPUT);
    CniMain main = new CniMain(program, System.getenv(), new String(input, StandardCharsets.UTF_8));
    main.chooseLogLevel();
    Answer answer = main.serveOrHandOver();
    System.err.print(answer.standardError());
    System.err.flush();
    output.write(answer.standardOutput().getBytes(StandardCharsets.UTF_8));
    output.flush();
    answer.afterwards().run();
    LibC.endProcess(answer.exitCode());
  }

  /**
   * Takes log_level of the configuration, before anything is logged; bad ones are refused later.
   */
  private void chooseLogLevel() {
    JsonObject configuration = configuration();
    for (String field : List.of("log_level_stderr", "log_level")) {
      try {
        String level = NetworkConfiguration.string(configuration, field);
        if (!level.isEmpty()) {
          LogLines.setLogged(level(level.toLowerCase(Locale.ROOT)));
          return;
        }
      } catch (CniError e) {
        // The handler answers with this error, where it has a request to answer.
      }
    }
  }

  private static Level level(String word) {
    return switch (word) {
      case "trace" -> Level.FINEST;
      case "debug" -> Level.FINE;
      case "info" -> Level.INFO;
      case "fatal", "panic", "error" -> Level.SEVERE;
      case "none" -> Level.OFF;
      default -> Level.WARNING;
    };
  }

  /** An agent that appears meanwhile does the work, before or after it failed here. */
  private Answer serveOrHandOver() {
    boolean status = "STATUS".equals(environment.get("CNI_COMMAND"));
    Handover handover = new Handover(program, input, NodeSettings.RUN_DIRECTORY.read(environment));
    boolean toAgent = !status && !"DEL".equals(environment.get("CNI_COMMAND"));
    try {
      Optional<Answer> early = toAgent ? handover.tryIt() : Optional.empty();
      if (early.isPresent()) {
        return early.get();
      }
      PluginResponse response = serve();
      if (response.isServed() || status) {
        return Answer.of(response);
      }
      return handover.tryIt().orElse(Answer.of(response));
    } catch (IOException e) {
      return Answer.of(failure(unable(e)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Answer.of(failure(unable(e)));
    }
  }

  private PluginResponse serve() {
    try {
      StandaloneSettings settings = StandaloneSettings.of(configuration(), environment);
      // Before there are threads that log: SLF4J warns of that.
      var unusedFactory = LoggerFactory.getILoggerFactory();
      Future<?> unusedLibrary = inBackground("native-loader", LibNftables::new);
      Future<Datastore> opening = inBackground("etcd-opener", () -> open(settings.etcd()));
      Kernel kernel = new LinuxKernel();
      kernel.netlink().close();
      Datastore datastore = opening.get();
      Ipam ipam = new Ipam(datastore, settings.node());
      ipam.putHostNetworks(HostNetwork.cidrs(HostNetwork.read(kernel)));
      Set<IpAddress> etcdAddresses = settings.etcd().addresses();
      OneShotFelix felix =
          new OneShotFelix(
              settings.node().text(),
              environment,
              datastore,
              kernel,
              settings.runDirectory().resolve(StandaloneSettings.DATAPLANE_LOCK),
              etcdAddresses);
      EndpointService endpoints =
          new EndpointService(
              datastore,
              kernel,
              felix,
              ipam,
              StandaloneSettings.endpoints(
                  EndpointSettings.forSingleRequest(settings::mtu)
                      .withDatastoreAddresses(etcdAddresses),
                  environment),
              EndpointStep.Observer.NONE);
      PluginHandler handler =
          Plugins.of(endpoints, ipam, kernel, new ResourceClient(datastore), false).get(program);
      if (handler == null) {
        throw new CniError(
            CniError.INVALID_ENVIRONMENT,
            "program \"" + program + "\" is unknown: install it under its own name",
            "");
      }
      return handler.handle(new PluginRequest(program, cniVariables(), input, namespace(kernel)));
    } catch (CniError e) {
      return failure(e);
    } catch (IOException | KernelException | RuntimeException e) {
      return failure(unable(e));
    } catch (ExecutionException e) {
      return failure(unable(Objects.requireNonNullElse(e.getCause(), e)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failure(unable(e));
    }
  }

  private CniError unable(Throwable cause) {
    boolean status = "STATUS".equals(environment.get("CNI_COMMAND"));
    return new CniError(
        status ? CniError.LIMITED_CONNECTIVITY : CniError.TRY_AGAIN,
        "calico-node does not run, and " + program + " cannot work without it: " + cause,
        "");
  }

  /** Connects, and waits for a first answer, so that the request meets a connection that stands. */
  private static Datastore open(EtcdConfig etcd) {
    Datastore datastore = EtcdDatastore.connect(etcd);
    try {
      var unused =
          datastore.get(ResourceKey.of(ResourceKind.CLUSTER_INFORMATION, "default").path());
    } catch (DatastoreException e) {
      // The request meets the same and says what is wrong.
    }
    return datastore;
  }

  /** Does early, beside other work, what is needed anyway. */
  private static <T> Future<T> inBackground(String name, Callable<T> task) {
    FutureTask<T> future = new FutureTask<>(task);
    Thread thread = new Thread(future, name);
    thread.setDaemon(true);
    thread.start();
    return future;
  }

  /** Returns the configuration as far as it can be read; the handler reports what is wrong. */
  private JsonObject configuration() {
    try {
      return NetworkConfiguration.decode(input);
    } catch (CniError e) {
      return new JsonObject();
    }
  }

  private Map<String, String> cniVariables() {
    Map<String, String> variables = new TreeMap<>();
    environment.forEach(
        (name, value) -> {
          if (name.startsWith("CNI_")) {
            variables.put(name, value);
          }
        });
    return variables;
  }

  /** Opens CNI_NETNS for the handler, which closes it; -1 when that is impossible. */
  private int namespace(Kernel kernel) {
    String path = environment.getOrDefault("CNI_NETNS", "");
    if (path.isEmpty()) {
      return -1;
    }
    try {
      return kernel.openNamespace(Path.of(path)).descriptor();
    } catch (KernelException e) {
      return -1;
    }
  }

  private PluginResponse failure(CniError error) {
    JsonObject netModules = new JsonObject();
    netModules.addProperty("error", error.getMessage());
    boolean speaksCni = environment.containsKey("CNI_COMMAND");
    return new PluginResponse(
        speaksCni ? new Outcome.CniFailure(error.code()) : Outcome.NetModulesFailure.REFUSED,
        speaksCni
            ? error.toJson(NetworkConfiguration.answerVersion(input).orElse(null))
            : netModules.toString(),
        error.getMessage() + "\n");
  }
}
