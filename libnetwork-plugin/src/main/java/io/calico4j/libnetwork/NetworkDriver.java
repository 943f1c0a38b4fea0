package io.calico4j.libnetwork;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import io.calico4j.core.resource.ValidationFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Docker's network driver protocol ({@code moby/libnetwork/docs/remote.md}): CreateEndpoint
 * registers a WorkloadEndpoint, Join makes its veth pair, Leave removes the pair and DeleteEndpoint
 * the WorkloadEndpoint. Docker itself moves the pair's end into the container, names it, and gives
 * it addresses and routes. Every call may be repeated.
 */
final class NetworkDriver {
  private static final Logger log = LoggerFactory.getLogger(NetworkDriver.class);
  private static final int LABEL_NAME = 63;
  private static final int CONNECTED = 1;
  private static final int VIA_NEXT_HOP = 0;
  private static final String IPV6 = "com.docker.network.enable_ipv6";
  private static final Set<String> KNOWN = Set.of(IPV6, "com.docker.network.enable_ipv4");

  private final Host host;
  private final LibnetworkSettings settings;
  private final Containers containers;

  NetworkDriver(Host host, LibnetworkSettings settings, Containers containers) {
    this.host = host;
    this.settings = settings;
    this.containers = containers;
  }

  /** Returns the calls by their paths. */
  Map<String, Call> calls() {
    Map<String, Call> calls = new TreeMap<>();
    calls.put(
        "/NetworkDriver.GetCapabilities",
        request -> {
          JsonObject answer = new JsonObject();
          answer.addProperty("Scope", "local");
          answer.addProperty("ConnectivityScope", "global");
          return answer;
        });
    calls.put(
        "/NetworkDriver.AllocateNetwork",
        request -> {
          JsonObject answer = new JsonObject();
          answer.add("Options", new JsonObject());
          return answer;
        });
    calls.put("/NetworkDriver.FreeNetwork", Call.NOTHING);
    calls.put("/NetworkDriver.CreateNetwork", NetworkDriver::createNetwork);
    calls.put("/NetworkDriver.DeleteNetwork", Call.NOTHING);
    calls.put("/NetworkDriver.CreateEndpoint", this::createEndpoint);
    calls.put(
        "/NetworkDriver.EndpointOperInfo",
        request -> {
          JsonObject answer = new JsonObject();
          answer.add("Value", new JsonObject());
          return answer;
        });
    calls.put("/NetworkDriver.DeleteEndpoint", this::deleteEndpoint);
    calls.put("/NetworkDriver.Join", this::join);
    calls.put("/NetworkDriver.Leave", this::leave);
    calls.put("/NetworkDriver.DiscoverNew", Call.NOTHING);
    calls.put("/NetworkDriver.DiscoverDelete", Call.NOTHING);
    calls.put("/NetworkDriver.ProgramExternalConnectivity", NetworkDriver::publish);
    calls.put("/NetworkDriver.RevokeExternalConnectivity", Call.NOTHING);
    return calls;
  }

  private static JsonObject createNetwork(JsonObject request) throws RefusedException {
    for (Map.Entry<String, JsonElement> option : Json.object(request, "Options").entrySet()) {
      if (!KNOWN.contains(option.getKey()) && Json.isSet(option.getValue())) {
        String flag =
            switch (option.getKey()) {
              case "com.docker.network.internal" -> "--internal";
              case "com.docker.network.generic" ->
                  option.getValue() instanceof JsonObject given
                      ? "-o " + String.join(", ", given.keySet())
                      : "-o";
              default -> option.getKey();
            };
        throw new RefusedException(
            "Calico driver does not support the flag "
                + flag
                + ": leave it out, and use Calico policy to limit what reaches the network");
      }
    }
    requireOwnGateways(request, "IPv4Data", "0.0.0.0/0");
    requireOwnGateways(request, "IPv6Data", "::/0");
    return new JsonObject();
  }

  private static void requireOwnGateways(JsonObject request, String member, String gateway)
      throws RefusedException {
    for (JsonObject data : Json.objects(request, member)) {
      if (!Json.text(data, "Gateway").equals(gateway)) {
        throw new RefusedException(
            "Non-Calico IPAM driver is used: create the network with --ipam-driver calico-ipam, and"
                + " without --gateway");
      }
    }
  }

  private JsonObject createEndpoint(JsonObject request)
      throws RefusedException, DatastoreException {
    EndpointId id = EndpointId.parse(Json.text(request, "EndpointID"));
    String networkId = Json.text(request, "NetworkID");
    JsonObject asked = Json.object(request, "Interface");
    List<IpAddress> addresses = new ArrayList<>();
    for (String member : List.of("Address", "AddressIPv6")) {
      String text = Json.text(asked, member);
      if (!text.isEmpty()) {
        addresses.add(
            Cidr.tryParse(text)
                .map(Cidr::address)
                .orElseThrow(
                    () -> new RefusedException(member + " \"" + text + "\" is no address")));
      }
    }
    if (addresses.isEmpty()) {
      throw new RefusedException(
          "no address assigned for endpoint: create the network with --ipam-driver calico-ipam");
    }
    String mac = Json.text(asked, "MacAddress");
    DockerApi.Network network = network(networkId);
    Optional<ProfileName> profile = profile(network);
    if (profile.isPresent()) {
      host.store().ensure(ProfileDraft.ofMembers(profile.get()));
    }
    DockerEndpoint endpoint;
    synchronized (host.addresses()) {
      host.addresses().requireHeld(id, addresses);
      endpoint =
          host.store()
              .create(
                  DockerEndpoint.create(
                      host.store().node(),
                      id,
                      networkId,
                      network.name(),
                      addresses,
                      mac.isEmpty() ? id.mac() : mac(mac),
                      profile.stream().toList()));
    }
    if (!endpoint.addresses().equals(addresses)) {
      throw new RefusedException(
          "endpoint "
              + id
              + " is there with "
              + endpoint.addresses()
              + ": remove it first, calicoctl delete wep "
              + host.store().key(id).name());
    }
    host.addresses().used(addresses);
    JsonObject given = new JsonObject();
    if (mac.isEmpty()) {
      given.addProperty("MacAddress", endpoint.mac().text());
    }
    JsonObject answer = new JsonObject();
    answer.add("Interface", given);
    return answer;
  }

  private static MacAddress mac(String text) throws RefusedException {
    try {
      return new MacAddress(text);
    } catch (IllegalArgumentException e) {
      throw new RefusedException("MacAddress " + e.getMessage(), e);
    }
  }

  private DockerApi.Network network(String id) throws RefusedException {
    try {
      return host.docker()
          .network(id)
          .orElseThrow(
              () ->
                  new RefusedException(
                      "Docker does not know network "
                          + id
                          + ": CALICO_LIBNETWORK_DOCKER_SOCKET must lead to the Docker that calls"));
    } catch (DockerApi.AwayException e) {
      throw new RefusedException("the network's name cannot be found: " + e.getMessage(), e);
    }
  }

  private Optional<ProfileName> profile(DockerApi.Network network) throws RefusedException {
    if (!settings.createProfiles()) {
      return Optional.empty();
    }
    Optional<ProfileName> name = ProfileName.tryParse(network.name());
    if (name.isEmpty() || network.name().length() > LABEL_NAME) {
      throw new RefusedException(
          "network \""
              + network.name()
              + "\" cannot be a profile's name (1 to 63 letters, digits, dots, _ and dashes, a"
              + " letter or digit at both ends): create it under another name");
    }
    return name;
  }

  private JsonObject join(JsonObject request)
      throws RefusedException, DatastoreException, KernelException, InterruptedException {
    EndpointId id = EndpointId.parse(Json.text(request, "EndpointID"));
    String sandbox = Json.text(request, "SandboxKey");
    Gateways gateways;
    DockerEndpoint endpoint;
    synchronized (this) {
      gateways = gateways(id, sandbox);
      int number = gateways.number();
      endpoint =
          host.store()
              .change(id, stored -> stored.joined(sandbox, number))
              .orElseThrow(
                  () ->
                      new RefusedException(
                          "endpoint "
                              + id
                              + " is not there (calicoctl get wep): start the container again"));
    }
    boolean ipv6 = endpoint.addresses().stream().anyMatch(a -> !a.isV4());
    host.connections().awaitForgotten(endpoint.addresses());
    host.pairs().make(id, endpoint.mac(), host.mtu(), ipv6);
    try {
      if (settings.labelEndpoints()) {
        containers.soon(id);
      } else {
        host.open(endpoint);
        containers.soon(id);
      }
    } catch (RefusedException | KernelException | RuntimeException e) {
      host.pairs().remove(id);
      throw e;
    }
    return joined(id, endpoint, gateways);
  }

  /** Chooses gateways that no other interface of the sandbox has. */
  private Gateways gateways(EndpointId id, String sandbox)
      throws RefusedException, DatastoreException {
    Set<Integer> taken =
        host.store().all().stream()
            .filter(e -> !e.id().equals(id) && !sandbox.isEmpty() && e.sandbox().equals(sandbox))
            .map(DockerEndpoint::gateway)
            .collect(Collectors.toSet());
    return Gateways.besides(taken);
  }

  private JsonObject joined(EndpointId id, DockerEndpoint endpoint, Gateways gateways)
      throws DatastoreException {
    JsonObject names = new JsonObject();
    names.addProperty("SrcName", id.movedInterface().text());
    names.addProperty("DstPrefix", settings.interfacePrefix());
    JsonObject answer = new JsonObject();
    answer.add("InterfaceName", names);
    JsonArray routes = new JsonArray();
    for (IpAddress address : endpoint.addresses()) {
      IpAddress gateway = address.isV4() ? gateways.ipv4() : gateways.ipv6();
      answer.addProperty(address.isV4() ? "Gateway" : "GatewayIPv6", gateway.toString());
      routes.add(route(gateway.toCidr(), CONNECTED, ""));
      // A container of several networks reaches the members of each by its interface there.
      Optional<Cidr> pool = poolOf(address);
      if (pool.isPresent() && isAlone(endpoint, pool.get())) {
        routes.add(route(pool.get(), VIA_NEXT_HOP, gateway.toString()));
      }
    }
    answer.add("StaticRoutes", routes);
    answer.addProperty("DisableGatewayService", true);
    return answer;
  }

  /** Tells whether no other interface of the endpoint's container has an address of the pool. */
  private boolean isAlone(DockerEndpoint endpoint, Cidr pool) {
    return host.store().all().stream()
        .filter(e -> !e.id().equals(endpoint.id()) && e.sandbox().equals(endpoint.sandbox()))
        .noneMatch(e -> e.addresses().stream().anyMatch(pool::contains));
  }

  private Optional<Cidr> poolOf(IpAddress address) throws DatastoreException {
    for (Entry entry : host.ipam().reads().list(ResourceKind.IP_POOL.prefix())) {
      Optional<Cidr> pool =
          ValidationFilter.silent()
              .accept(ResourceKind.IP_POOL, entry)
              .map(p -> p.spec().network())
              .filter(network -> network.contains(address));
      if (pool.isPresent()) {
        return pool;
      }
    }
    return Optional.empty();
  }

  private static JsonObject route(Cidr destination, int type, String nextHop) {
    JsonObject route = new JsonObject();
    route.addProperty("Destination", destination.toString());
    route.addProperty("RouteType", type);
    if (!nextHop.isEmpty()) {
      route.addProperty("NextHop", nextHop);
    }
    return route;
  }

  private JsonObject leave(JsonObject request) throws RefusedException, KernelException {
    host.pairs().remove(EndpointId.parse(Json.text(request, "EndpointID")));
    return new JsonObject();
  }

  private JsonObject deleteEndpoint(JsonObject request)
      throws RefusedException, DatastoreException, KernelException {
    EndpointId id = EndpointId.parse(Json.text(request, "EndpointID"));
    try {
      host.delete(id);
    } catch (UnavailableException e) {
      log.warn("endpoint {} leaves the datastore when it answers: {}", id, e.getMessage());
    }
    return new JsonObject();
  }

  private static JsonObject publish(JsonObject request) {
    int ports = Json.objects(Json.object(request, "Options"), "com.docker.network.portmap").size();
    if (ports > 0) {
      log.warn(
          "{} published ports (-p) of endpoint {} have no effect: a container of a Calico network is"
              + " reached by its own address",
          ports,
          Json.text(request, "EndpointID"));
    }
    return new JsonObject();
  }
}
