package io.calico4j.libnetwork;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.IpAddress;
import io.calico4j.libnetwork.http.UnixHttpServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves Docker: the network driver {@code calico} and the IPAM driver {@code calico-ipam}, each on
 * a socket of its own as upstream's libnetwork-plugin has them. The first serves the IPAM protocol
 * too, for networks that were created with {@code --ipam-driver calico}.
 */
public final class LibnetworkPlugin implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LibnetworkPlugin.class);
  private static final String NETWORK_SOCKET = "calico.sock";
  private static final String IPAM_SOCKET = "calico-ipam.sock";

  private final LibnetworkSettings settings;
  private final PairWiring pairs;
  private final DockerApi docker;
  private final Containers containers;
  private final Reconciler reconciler;
  private final Map<Path, Protocol> protocols = new TreeMap<>();
  private final Map<Path, UnixHttpServer> servers = new TreeMap<>();
  private final ScheduledExecutorService timer = Daemons.timer("docker-maintenance");
  private volatile @Nullable String problem;

  /** Counts the calls; for metrics. */
  public interface Observer {
    /** Takes note of a call that was served, or refused. */
    void served(String call, boolean refused, long nanos);
  }

  /**
   * Makes the plugin; nothing is served yet.
   *
   * @param local this node's endpoints, from a watched copy
   * @param mtu of new pairs, unless the settings say another
   */
  public LibnetworkPlugin(
      LibnetworkSettings settings,
      ResourceClient resources,
      Kernel kernel,
      EndpointReadiness readiness,
      EndpointService endpoints,
      Ipam ipam,
      Supplier<List<Resource<WorkloadEndpointSpec>>> local,
      IntSupplier mtu,
      Observer observer)
      throws KernelException {
    this.settings = settings;
    pairs = new PairWiring(kernel);
    docker = new DockerApi(settings.dockerSocket());
    EndpointStore store = new EndpointStore(resources, ipam.node(), local);
    AddressBook addresses = new AddressBook(ipam, store);
    Host host =
        new Host(
            store,
            addresses,
            pairs,
            docker,
            readiness,
            connections(endpoints),
            ipam,
            () -> settings.mtu() > 0 ? settings.mtu() : mtu.getAsInt());
    containers = new Containers(host, settings);
    reconciler = new Reconciler(host, containers, settings.lookEvery());
    Map<String, Call> ipamCalls = new IpamDriver(addresses, ipam).calls();
    Map<String, Call> all = new TreeMap<>(new NetworkDriver(host, settings, containers).calls());
    all.putAll(ipamCalls);
    protocols.put(
        settings.pluginDirectory().resolve(NETWORK_SOCKET),
        new Protocol(List.of("NetworkDriver", "IpamDriver"), all, endpoints.patience(), observer));
    protocols.put(
        settings.pluginDirectory().resolve(IPAM_SOCKET),
        new Protocol(List.of("IpamDriver"), ipamCalls, endpoints.patience(), observer));
  }

  private static Connections connections(EndpointService endpoints) {
    return new Connections() {
      @Override
      public void forget(Collection<IpAddress> addresses) {
        endpoints.forget(addresses);
      }

      @Override
      public void awaitForgotten(Collection<IpAddress> addresses) {
        endpoints.awaitForgotten(addresses);
      }
    };
  }

  /** Serves from now on, and looks at once at what an earlier process has left. */
  public void start() throws IOException {
    for (Map.Entry<Path, Protocol> protocol : protocols.entrySet()) {
      listen(protocol.getKey(), protocol.getValue());
    }
    long millis = settings.lookEvery().toMillis();
    if (millis > 0) {
      var unused = timer.scheduleWithFixedDelay(this::maintain, 0, millis, TimeUnit.MILLISECONDS);
    }
    log.info(
        "Docker is served on {}, its own API is asked on {}",
        protocols.keySet(),
        settings.dockerSocket());
  }

  private void listen(Path socket, Protocol protocol) throws IOException {
    servers.put(socket, new UnixHttpServer(socket, protocol::answer));
  }

  private void maintain() {
    try {
      listenAgain();
      reconciler.look();
      if (problem != null) {
        log.info("Docker answers: its containers are compared with the endpoints");
      }
      problem = null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException
        | DockerApi.AwayException
        | DatastoreException
        | KernelException
        | RuntimeException e) {
      String text = e instanceof RuntimeException ? e.toString() : String.valueOf(e.getMessage());
      if (!text.equals(problem)) {
        log.warn("endpoints are not compared with Docker's now: {}", text);
      }
      problem = text;
    }
  }

  /** Makes sockets anew that were removed, as when /run is cleared. */
  private void listenAgain() throws IOException {
    for (Map.Entry<Path, Protocol> protocol : protocols.entrySet()) {
      if (!Files.exists(protocol.getKey())) {
        log.warn("{} was removed and is made again", protocol.getKey());
        UnixHttpServer gone = servers.remove(protocol.getKey());
        if (gone != null) {
          gone.close();
        }
        listen(protocol.getKey(), protocol.getValue());
      }
    }
  }

  /** Says why Docker is not served, or not looked after; empty when it is. */
  public Optional<String> problem() {
    return protocols.keySet().stream()
        .filter(socket -> !Files.exists(socket))
        .map(socket -> socket + " is not there: Docker cannot call")
        .findFirst();
  }

  /** Says why endpoints are not compared with Docker's; empty when they are. */
  public Optional<String> dockerProblem() {
    return Optional.ofNullable(problem);
  }

  /** Returns how many endpoints and addresses were taken back. */
  public long takenBack() {
    return reconciler.taken();
  }

  /** Returns what a plugin says that it is. */
  static JsonObject implementing(List<String> protocols) {
    JsonArray names = new JsonArray();
    protocols.forEach(names::add);
    JsonObject answer = new JsonObject();
    answer.add("Implements", names);
    return answer;
  }

  /** Serves no more; containers keep their networks. */
  @Override
  public void close() {
    timer.shutdownNow();
    servers.values().forEach(UnixHttpServer::close);
    containers.close();
    docker.close();
    pairs.close();
  }
}
