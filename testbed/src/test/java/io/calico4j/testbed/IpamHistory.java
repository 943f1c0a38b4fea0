package io.calico4j.testbed;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.TreeMap;

/**
 * Judges what workers wrote down against what etcd holds at the end. Knows nothing of the code
 * under test: it reads the lines and the stored JSON itself.
 */
final class IpamHistory {
  private final Map<String, Holding> holdings = new TreeMap<>();

  /** What is known for certain of one handle; times are nanoseconds of the machine's clock. */
  private static final class Holding {
    String address = "";
    long assigned = Long.MAX_VALUE;
    long releasing = Long.MAX_VALUE;
    boolean released;
  }

  /** Adds a line: time, what happened, handle, and for "assigned" the address. */
  void add(String line) {
    StringTokenizer words = new StringTokenizer(line);
    if (words.countTokens() < 3) {
      return;
    }
    long time = Long.parseLong(words.nextToken());
    String event = words.nextToken();
    Holding holding = holdings.computeIfAbsent(words.nextToken(), h -> new Holding());
    switch (event) {
      case "assigned" -> {
        if (words.hasMoreTokens()) {
          holding.address = words.nextToken();
          holding.assigned = time;
        }
      }
      case "releasing" -> holding.releasing = time;
      case "released" -> holding.released = true;
      default -> {
        // Starts, refusals and unknown outcomes prove nothing by themselves.
      }
    }
  }

  /** Returns how many assignments were seen to succeed. */
  long assignments() {
    return holdings.values().stream().filter(h -> !h.address.isEmpty()).count();
  }

  /** Returns what is wrong with the history and with the final keys; empty when nothing is. */
  List<String> problems(Map<String, String> keys) {
    List<String> problems = new ArrayList<>();
    overlaps(problems);
    Map<String, List<String>> stored = stored(keys, problems);
    holdings.forEach(
        (handle, holding) -> {
          List<String> now = stored.getOrDefault(handle, List.of());
          if (holding.released && !now.isEmpty()) {
            problems.add(handle + " was released and holds " + now);
          }
          boolean surely = !holding.address.isEmpty() && holding.releasing == Long.MAX_VALUE;
          if (surely && !now.equals(List.of(holding.address))) {
            problems.add(handle + " was given " + holding.address + " and holds " + now);
          }
        });
    stored.keySet().stream()
        .filter(handle -> !holdings.containsKey(handle))
        .forEach(handle -> problems.add(handle + " holds an address nobody asked for"));
    return problems;
  }

  private void overlaps(List<String> problems) {
    Map<String, List<String>> byAddress = new HashMap<>();
    holdings.forEach(
        (handle, holding) -> {
          if (!holding.address.isEmpty()) {
            byAddress.computeIfAbsent(holding.address, a -> new ArrayList<>()).add(handle);
          }
        });
    byAddress.forEach(
        (address, handles) -> {
          handles.sort(Comparator.comparingLong(handle -> at(handle).assigned));
          for (int i = 1; i < handles.size(); i++) {
            if (at(handles.get(i)).assigned < at(handles.get(i - 1)).releasing) {
              problems.add(
                  address
                      + " was given to "
                      + handles.get(i)
                      + " while "
                      + handles.get(i - 1)
                      + " held it");
            }
          }
        });
  }

  private Holding at(String handle) {
    return holdings.getOrDefault(handle, new Holding());
  }

  /** Reads blocks and handles as they are stored; returns the addresses of each handle. */
  private static Map<String, List<String>> stored(Map<String, String> keys, List<String> problems) {
    Map<String, List<String>> addresses = new TreeMap<>();
    Map<String, Integer> counts = new TreeMap<>();
    keys.forEach(
        (key, value) -> {
          JsonObject json = JsonParser.parseString(value).getAsJsonObject();
          if (key.contains("/assignment/")) {
            block(key, json, addresses, problems);
          } else if (key.contains("/ipam/v2/handle/")) {
            int count = 0;
            for (Map.Entry<String, JsonElement> block : json.getAsJsonObject("block").entrySet()) {
              count += block.getValue().getAsInt();
            }
            counts.put(key.substring(key.lastIndexOf('/') + 1), count);
          }
        });
    Set<String> handles = new HashSet<>(addresses.keySet());
    handles.addAll(counts.keySet());
    for (String handle : handles) {
      int held = addresses.getOrDefault(handle, List.of()).size();
      if (held != counts.getOrDefault(handle, 0)) {
        problems.add(
            handle + " holds " + held + " addresses, its handle says " + counts.get(handle));
      }
    }
    return addresses;
  }

  private static void block(
      String key, JsonObject json, Map<String, List<String>> addresses, List<String> problems) {
    String cidr = json.get("cidr").getAsString();
    int dot = cidr.lastIndexOf('.');
    int base = Integer.parseInt(cidr.substring(dot + 1, cidr.indexOf('/')));
    Set<Integer> free = new HashSet<>();
    for (JsonElement ordinal : json.getAsJsonArray("unallocated")) {
      if (!free.add(ordinal.getAsInt())) {
        problems.add(key + ": " + ordinal + " is free twice");
      }
    }
    JsonArray allocations = json.getAsJsonArray("allocations");
    JsonArray attributes = json.getAsJsonArray("attributes");
    for (int i = 0; i < allocations.size(); i++) {
      boolean held = !allocations.get(i).isJsonNull();
      if (held == free.contains(i)) {
        problems.add(key + ": " + i + " is neither or both of free and held");
      }
      if (held) {
        JsonObject owner = attributes.get(allocations.get(i).getAsInt()).getAsJsonObject();
        addresses
            .computeIfAbsent(owner.get("handle_id").getAsString(), h -> new ArrayList<>())
            .add(cidr.substring(0, dot + 1) + (base + i));
      }
    }
  }
}
