package io.calico4j.libnetwork;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.libnetwork.http.Answer;
import io.calico4j.libnetwork.http.UnixHttpClient;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What Docker itself knows of its networks and containers, by its Engine API (any version from 1.24
 * on: no version is named in the paths, so that Docker answers in its own).
 */
final class DockerApi implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final int OK = 200;
  private static final int NOT_FOUND = 404;

  private final Path socket;
  private final UnixHttpClient http;

  /** Docker did not answer, or not what it should; so nothing is known. */
  static final class AwayException extends Exception {
    AwayException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * A network of Docker's.
   *
   * @param id its id
   * @param name its name
   * @param containers which container each endpoint is of, by the endpoint's id; empty while Docker
   *     has not joined them yet
   * @param addresses all that are in use: of endpoints, gateways and auxiliary ones
   */
  record Network(
      String id, String name, Map<String, String> containers, Set<IpAddress> addresses) {}

  /**
   * A container of Docker's.
   *
   * @param id its id
   * @param name its name, without slash
   * @param labels its labels
   */
  record Container(String id, String name, Map<String, String> labels) {}

  DockerApi(Path socket) {
    this.socket = socket;
    http = new UnixHttpClient(socket, TIMEOUT);
  }

  /** Finds a network by its id. */
  Optional<Network> network(String id) throws AwayException {
    Optional<JsonElement> answer =
        get("/networks/" + URLEncoder.encode(id, StandardCharsets.UTF_8));
    return answer.isPresent() && answer.get() instanceof JsonObject network
        ? Optional.of(parse(network))
        : Optional.empty();
  }

  /** Returns the networks that use one of the drivers, for packets or for addresses. */
  List<Network> networks(Set<String> drivers) throws AwayException {
    List<Network> networks = new ArrayList<>();
    for (JsonObject network : array("/networks")) {
      if (drivers.contains(Json.text(network, "Driver"))
          || drivers.contains(Json.text(Json.object(network, "IPAM"), "Driver"))) {
        network(Json.text(network, "Id")).ifPresent(networks::add);
      }
    }
    return networks;
  }

  /**
   * Finds a container, running or not. The list is asked, not the container: Docker answers
   * questions about one container only when it has started.
   */
  Optional<Container> container(String id) throws AwayException {
    String filters = URLEncoder.encode("{\"id\":[\"" + id + "\"]}", StandardCharsets.UTF_8);
    for (JsonObject container : array("/containers/json?all=1&filters=" + filters)) {
      if (Json.text(container, "Id").equals(id)) {
        Map<String, String> labels = new HashMap<>();
        Json.object(container, "Labels")
            .entrySet()
            .forEach(
                label -> {
                  if (label.getValue() instanceof JsonPrimitive value) {
                    labels.put(label.getKey(), value.getAsString());
                  }
                });
        return Optional.of(new Container(id, name(container), labels));
      }
    }
    return Optional.empty();
  }

  private static String name(JsonObject container) {
    // Links add names with more slashes.
    if (container.get("Names") instanceof JsonArray names) {
      for (JsonElement name : names) {
        String text = name instanceof JsonPrimitive p ? p.getAsString().replaceFirst("^/", "") : "";
        if (!text.isEmpty() && text.indexOf('/') < 0) {
          return text;
        }
      }
    }
    return "";
  }

  private static Network parse(JsonObject network) {
    Map<String, String> containers = new HashMap<>();
    Set<IpAddress> addresses = new HashSet<>();
    Json.object(network, "Containers")
        .entrySet()
        .forEach(
            entry -> {
              if (entry.getValue() instanceof JsonObject endpoint) {
                String container = entry.getKey();
                // Docker names an endpoint that it has not joined to its container ep-ENDPOINT.
                containers.put(
                    Json.text(endpoint, "EndpointID"),
                    container.startsWith("ep-") ? "" : container);
                add(addresses, Json.text(endpoint, "IPv4Address"));
                add(addresses, Json.text(endpoint, "IPv6Address"));
              }
            });
    for (JsonObject range : Json.objects(Json.object(network, "IPAM"), "Config")) {
      add(addresses, Json.text(range, "Gateway"));
      JsonObject auxiliary = Json.object(range, "AuxiliaryAddresses");
      auxiliary.keySet().forEach(key -> add(addresses, Json.text(auxiliary, key)));
    }
    return new Network(Json.text(network, "Id"), Json.text(network, "Name"), containers, addresses);
  }

  private static void add(Set<IpAddress> addresses, String text) {
    Cidr.tryParse(text)
        .map(Cidr::address)
        .or(() -> IpAddress.tryParse(text))
        .ifPresent(addresses::add);
  }

  private List<JsonObject> array(String path) throws AwayException {
    Optional<JsonElement> answer = get(path);
    if (answer.isPresent() && answer.get() instanceof JsonArray array) {
      return Json.objects(array);
    }
    throw away("answers no list to " + path, null);
  }

  /** Fetches a path; empty when Docker knows no such thing. */
  private Optional<JsonElement> get(String path) throws AwayException {
    Answer answer;
    try {
      answer = http.get(path);
    } catch (IOException e) {
      throw away("does not answer: " + e.getMessage(), e);
    }
    if (answer.status() == NOT_FOUND) {
      return Optional.empty();
    }
    if (answer.status() != OK) {
      throw away("answers " + path + " with " + answer.status() + " " + answer.body(), null);
    }
    try {
      return Optional.of(JsonParser.parseString(answer.body()));
    } catch (JsonParseException e) {
      throw away("answers " + path + " with no JSON", e);
    }
  }

  private AwayException away(String what, @Nullable Throwable cause) {
    return new AwayException(
        "Docker's API at "
            + socket
            + " "
            + what
            + " (CALICO_LIBNETWORK_DOCKER_SOCKET names another socket; in a container it must be"
            + " mounted)",
        cause);
  }

  @Override
  public void close() {
    http.close();
  }
}
