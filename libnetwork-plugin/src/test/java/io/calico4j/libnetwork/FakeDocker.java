package io.calico4j.libnetwork;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.calico4j.libnetwork.http.Answer;
import io.calico4j.libnetwork.http.UnixHttpServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Docker's API with the answers of dockerd 20.10, on a real socket. */
final class FakeDocker implements AutoCloseable {
  private final Map<String, JsonObject> networks = new TreeMap<>();
  private final Map<String, JsonObject> containers = new TreeMap<>();
  private final UnixHttpServer server;

  FakeDocker(Path socket) throws IOException {
    server = new UnixHttpServer(socket, (path, body) -> answer(path));
  }

  synchronized void addNetwork(String id, String name) {
    JsonObject network = new JsonObject();
    network.addProperty("Name", name);
    network.addProperty("Id", id);
    network.addProperty("Driver", "calico");
    JsonObject ipam = new JsonObject();
    ipam.addProperty("Driver", "calico-ipam");
    network.add("IPAM", ipam);
    network.add("Containers", new JsonObject());
    networks.put(id, network);
  }

  synchronized void removeNetwork(String id) {
    networks.remove(id);
  }

  synchronized void addContainer(String id, String name, Map<String, String> labels) {
    JsonObject container = new JsonObject();
    container.addProperty("Id", id);
    JsonArray names = new JsonArray();
    names.add("/other/alias");
    names.add("/" + name);
    container.add("Names", names);
    JsonObject all = new JsonObject();
    labels.forEach(all::addProperty);
    container.add("Labels", all);
    containers.put(id, container);
  }

  /** Lists an endpoint; the key is a container's id, or ep- and the endpoint's. */
  synchronized void join(String network, String key, String endpoint, String address) {
    JsonObject listed = new JsonObject();
    listed.addProperty("EndpointID", endpoint);
    listed.addProperty("IPv4Address", address);
    networks.get(network).getAsJsonObject("Containers").add(key, listed);
  }

  synchronized void leave(String network, String key) {
    networks.get(network).getAsJsonObject("Containers").remove(key);
  }

  private synchronized Answer answer(String path) {
    if (path.equals("/networks") || path.equals("/containers/json")) {
      JsonArray list = new JsonArray();
      (path.equals("/networks") ? networks : containers).values().forEach(list::add);
      return new Answer(200, list.toString());
    }
    JsonObject network = networks.get(path.replaceFirst("^/networks/", ""));
    return network == null
        ? new Answer(404, "{\"message\":\"no such network\"}")
        : new Answer(200, network.toString());
  }

  @Override
  public void close() {
    server.close();
  }
}
