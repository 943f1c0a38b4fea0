package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.model.Entry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A port that policy forbids before, during and after a change is never open, however the change is
 * made and whatever happens to the agent meanwhile: a stream of packets to it goes on all the time.
 * What policy permits all the time loses no packet, known connections go on.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NeverOpenIT {
  private static final String ROOT = "/calico/resources/v3/projectcalico.org/";
  private static final String ENDPOINT = "the server's endpoint";
  private static final String OWN_ADDRESS = "192.0.2.3";
  private static final String SERVER = "app == 'server'";
  private static final String DENY =
      "[{action: Deny, protocol: UDP, destination: {ports: [7000]}}, {action: Allow}]";
  private static final String DENY_AND_PASS =
      "[{action: Deny, protocol: UDP, destination: {ports: [7000]}}, {action: Pass}]";
  private static final String DENY_MORE =
      "[{action: Deny, protocol: UDP, destination: {ports: ['6990:7000', 7009]}}, {action: Allow}]";
  private static final String DENY_BLOCKED =
      "[{action: Deny, protocol: UDP, source: {selector: has(blocked)}, destination:"
          + " {ports: [7000]}}, {action: Allow}]";
  private static final int FIRST_MARKER = 20_000;
  private static final int RATE = 2_000;

  /**
   * Permitted packets that may be lost in a restart: each of the transactions that replace the
   * table may drop the one that is on its way, of each of the two streams.
   */
  private static final int ON_THEIR_WAY = 6;

  /** Of a flood: what is open for microseconds lets some of it pass in a few hundred changes. */
  private static final int FLOOD = 60_000;

  private static final int CHANGES = 200;

  private final Path state = Installed.freshState(getClass());
  private final List<String> history = new ArrayList<>();
  private Testbed testbed;
  private Datastore datastore;
  private TestHost host;
  private Workload client;
  private Workload server;
  private PacketStreams streams;
  private LongConnection connection;
  private String endpointKey = "";
  private String untouched = "";
  private int markers;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    EtcdProcess etcd = testbed.startEtcd();
    // The test writes to etcd itself: a program of its own for each write would take too long.
    testbed.joinSegment(OWN_ADDRESS);
    datastore = EtcdDatastore.connect(EtcdConfig.of(List.of(etcd.url())));
    host = testbed.addHost("guard", 11, "64512");
    host.startAgent();
    client = host.start("client", Orchestrator.MESOS, "net", Map.of("app", "client"));
    server = host.start("server", Orchestrator.MESOS, "net", Map.of("app", "server"));
    host.start("marked", Orchestrator.MESOS, "net", Map.of("app", "marked"));
    for (Entry entry : datastore.list(ROOT + "workloadendpoints/").entries()) {
      if (entry.value().contains("\"" + server.address() + "/32\"")) {
        endpointKey = entry.key();
        untouched = entry.value();
      }
    }
    assertThat(endpointKey).isNotEmpty();
    Await.until(
        "they share a network", 10, () -> PacketProbe.ping(client.sandbox(), server.address()));
    connection = new LongConnection(client, server, state);
    write(Transition.REPLACED.base);
    awaitInForce();
    streams = new PacketStreams(client, server, RATE);
  }

  @AfterAll
  void stop() throws Exception {
    streams.close();
    connection.close();
    datastore.close();
    testbed.close();
  }

  /** What is written at one key; an empty text deletes it. */
  private record Write(String key, String json) {}

  /**
   * A write of a transition.
   *
   * @param after those, by their place, that must come before it, or the port would be open
   */
  private record Step(Write write, List<Integer> after) {}

  private static Step step(Write write, Integer... after) {
    return new Step(write, List.of(after));
  }

  private static Write resource(String path, String labels, String spec) {
    String name = path.substring(path.indexOf('/') + 1);
    return new Write(
        ROOT + path,
        JsonParser.parseString(
                "{metadata: {name: '%s', labels: {%s}}, spec: {%s}}".formatted(name, labels, spec))
            .toString());
  }

  private static Write policy(String name, int order, String selector, String ingress) {
    return policy(name, "order: " + order, selector, ingress);
  }

  private static Write policy(String name, String more, String selector, String ingress) {
    return resource(
        "globalnetworkpolicies/" + name,
        "",
        "%s, selector: \"%s\", types: ['Ingress'], ingress: %s".formatted(more, selector, ingress));
  }

  private static Write damaged(String name, String selector) {
    return policy(name, "order: 'none'", selector, "[{action: 'Perhaps'}]");
  }

  private static Write tier(int order) {
    return resource("tiers/first", "", "order: " + order);
  }

  private static Write profile(String name, String ingress) {
    return resource("profiles/" + name, "", "ingress: " + ingress + ", egress: [{action: Allow}]");
  }

  private static Write blocked(String name, String... nets) {
    return resource("globalnetworksets/" + name, "blocked: 'yes'", "nets: " + quoted(nets));
  }

  private static Write labels(String role) {
    return new Write(ENDPOINT, "{metadata: {labels: {role: '" + role + "'}}}");
  }

  private static Write profiles(String... names) {
    return new Write(ENDPOINT, "{spec: {profiles: " + quoted(names) + "}}");
  }

  private static String quoted(String... texts) {
    return Stream.of(texts).map(text -> "'" + text + "'").toList().toString();
  }

  private static Write delete(String path) {
    return new Write(ROOT + path, "");
  }

  /** Resources that forbid the port, and writes after each of which it is forbidden too. */
  enum Transition {
    REPLACED(
        List.of(policy("a", 10, SERVER, DENY)),
        step(policy("b", 20, SERVER, DENY)),
        step(policy("c", 30, SERVER, "[{action: Allow}]")),
        step(policy("a", 15, SERVER, DENY_MORE)),
        step(delete("globalnetworkpolicies/a"), 0)),
    MOVED_TO_ANOTHER_TIER(
        List.of(policy("a", 10, SERVER, DENY)),
        step(tier(10)),
        step(policy("first.a", "tier: 'first', order: 10", SERVER, DENY_AND_PASS)),
        step(delete("globalnetworkpolicies/a"), 0, 1),
        step(tier(2_000_000))),
    LABELS_CHANGED(
        List.of(
            policy("a", 10, "role == 'a'", DENY),
            policy("b", 20, "role == 'b'", DENY),
            labels("a")),
        step(labels("b")),
        step(policy("a", 10, "role in {'a', 'c'}", DENY_MORE)),
        step(policy("b", 5, "role != 'c'", DENY)),
        step(policy("c", 30, "has(role)", "[{action: Allow}]"))),
    PROFILE_REMOVED_AND_POLICY_ADDED(
        List.of(profile("guard", DENY), profiles("guard")),
        step(policy("a", 10, SERVER, DENY)),
        step(delete("profiles/guard"), 0),
        step(profiles(), 0),
        step(policy("c", 30, SERVER, "[{action: Allow}]"), 0)),
    MEMBERS_OF_A_SET_EXCHANGED(
        List.of(
            blocked("one", "CLIENT/32", "203.0.113.7/32"),
            blocked("two", "198.51.100.0/24"),
            policy("a", 10, SERVER, DENY_BLOCKED)),
        step(blocked("one", "10.65.0.0/16", "203.0.113.8/32")),
        step(blocked("two", "CLIENT/32")),
        step(blocked("three", "10.0.0.0/8")),
        step(blocked("one", "203.0.113.9/32"), 1)),
    PROFILES_CHANGED(
        List.of(profile("guard", DENY), profile("other", DENY_MORE), profiles("guard")),
        step(profiles("other")),
        step(profiles("other", "guard")),
        step(profile("other", DENY)),
        step(profile("guard", DENY_MORE))),
    DAMAGED_FOR_ANOTHER(
        List.of(policy("a", 10, SERVER, DENY)),
        step(damaged("d", "app == 'marked'")),
        step(policy("d", 5, "app == 'marked'", DENY), 0),
        step(policy("b", 20, SERVER, DENY)),
        step(delete("globalnetworkpolicies/a"), 2)),
    /** A damaged policy closes the endpoint, for what is permitted too. */
    DAMAGED_AND_REPAIRED(
        List.of(policy("a", 10, SERVER, DENY)),
        step(damaged("a", SERVER)),
        step(policy("a", 15, SERVER, DENY_MORE), 0),
        step(policy("b", 20, SERVER, DENY)),
        step(policy("c", 30, SERVER, "[{action: Allow}]")));

    private final List<Write> base;
    private final List<Step> steps;

    Transition(List<Write> base, Step... steps) {
      this.base = base;
      this.steps = List.of(steps);
    }

    private boolean closes() {
      return this == DAMAGED_AND_REPAIRED;
    }

    /** Returns every order of the steps in which none comes too early. */
    private List<List<Integer>> orders() {
      List<List<Integer>> orders = new ArrayList<>();
      extend(new ArrayList<>(), orders);
      return orders;
    }

    private void extend(List<Integer> begun, List<List<Integer>> orders) {
      if (begun.size() == steps.size()) {
        orders.add(List.copyOf(begun));
        return;
      }
      for (int next = 0; next < steps.size(); next++) {
        if (!begun.contains(next) && begun.containsAll(steps.get(next).after())) {
          begun.add(next);
          extend(begun, orders);
          begun.remove(begun.size() - 1);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Transition.class)
  void nothingForbiddenPassesInAnyOrderOfTheUpdates(Transition transition) throws Exception {
    long begun = System.nanoTime();
    long sent = streams.sent();
    begin(transition);
    for (List<Integer> order : transition.orders()) {
      for (boolean eachInForce : new boolean[] {true, false}) {
        note("order " + order);
        for (int place : order) {
          write(List.of(transition.steps.get(place).write()));
          if (eachInForce) {
            awaitInForce();
          }
        }
        awaitInForce();
        assertStreams(transition.closes() ? Integer.MAX_VALUE : 0);
        restore(transition);
        assertStreams(transition.closes() ? Integer.MAX_VALUE : 0);
      }
    }
    connection.mustGoOn();
    double seconds = (System.nanoTime() - begun) / 1e9;
    assertThat((streams.sent() - sent) / seconds).as("packets a second").isGreaterThan(1_000);
    System.out.printf(
        "%s: %d orders, %.0f s, %d packets%n",
        transition, transition.orders().size(), seconds, streams.sent() - sent);
  }

  /** A change that the agent can make in a transaction of its own again and again. */
  enum Change {
    POLICIES_OF_THE_ENDPOINT {
      @Override
      List<Write> writes(int number) {
        return List.of(
            policy("c" + number, 30, SERVER, "[{action: Allow}]"),
            delete("globalnetworkpolicies/c" + (number - 1)));
      }
    },
    RANGES_OF_PORTS {
      @Override
      List<Write> writes(int number) {
        return List.of(
            policy(
                "a",
                10,
                SERVER,
                "[{action: Deny, protocol: UDP, destination: {ports: ['6990:7000', "
                    + (8000 + number)
                    + "]}}, {action: Allow}]"));
      }
    },
    SELECTOR_OF_NETWORKS {
      @Override
      List<Write> writes(int number) {
        return List.of(
            blocked("one", "10.65.0.0/16"),
            policy(
                "a",
                10,
                SERVER,
                "[{action: Deny, protocol: UDP, source: {selector: 'has(blocked) || has(none"
                    + number
                    + ")'}, destination: {ports: [7000]}}, {action: Allow}]"));
      }
    },
    ADDRESS_AND_ITS_NETWORK {
      @Override
      List<Write> writes(int number) {
        return List.of(
            blocked("one", number % 2 == 0 ? "CLIENT/32" : "10.65.0.0/16"),
            policy("a", 10, SERVER, DENY_BLOCKED));
      }
    };

    abstract List<Write> writes(int number);
  }

  @ParameterizedTest
  @EnumSource(Change.class)
  void nothingOfAFloodPassesWhileRulesChangeAgainAndAgain(Change change) throws Exception {
    begin(Transition.REPLACED);
    write(change.writes(1));
    awaitInForce();
    streams.close();
    try (PacketStreams flood = new PacketStreams(client, server, FLOOD)) {
      for (int number = 2; number < CHANGES; number++) {
        write(change.writes(number));
        awaitInForce();
      }
      System.out.printf("%s: %d packets%n", change, flood.sent());
      assertThat(flood.leaked()).as("forbidden packets arrived").isEmpty();
    } finally {
      write(List.of(policy("a", 10, SERVER, DENY)));
      remove(ROOT + "globalnetworkpolicies/c" + (CHANGES - 1));
      remove(ROOT + "globalnetworksets/one");
      awaitInForce();
      streams = new PacketStreams(client, server, RATE);
    }
  }

  /** How an agent ends, and what it finds when it starts again. */
  enum Restart {
    KILLED,
    TERMINATED,
    POLICY_REPLACED_MEANWHILE,
    RULES_OF_OTHERS_IN_THE_TABLE,
    TABLE_OF_ANOTHER_LAYOUT
  }

  static Stream<Arguments> restarts() {
    return Stream.of(Restart.values())
        .flatMap(
            restart ->
                Stream.of(
                        Transition.REPLACED,
                        Transition.MEMBERS_OF_A_SET_EXCHANGED,
                        Transition.PROFILES_CHANGED)
                    .map(resources -> Arguments.of(restart, resources)));
  }

  @ParameterizedTest
  @MethodSource("restarts")
  void nothingForbiddenPassesWhileTheAgentIsRestarted(Restart restart, Transition resources)
      throws Exception {
    begin(resources);
    if (restart == Restart.TERMINATED) {
      assertThat(host.stopAgent()).isIn(0, 143);
    } else {
      host.killAgent();
    }
    note("ended");
    switch (restart) {
      case POLICY_REPLACED_MEANWHILE -> {
        for (int place : resources.orders().get(0)) {
          write(List.of(resources.steps.get(place).write()));
        }
      }
      case RULES_OF_OTHERS_IN_THE_TABLE ->
          load(
              """
              add chain inet calico filter-cali-old
              add rule inet calico filter-cali-old udp dport 7009 drop
              add chain inet calico old-forward { type filter hook forward priority 10; }
              add rule inet calico old-forward jump filter-cali-old
              add set inet calico cali-old { type ipv4_addr; elements = { 192.0.2.77 }; }
              add rule inet calico filter-FORWARD ip saddr @cali-old drop
              """);
      case TABLE_OF_ANOTHER_LAYOUT ->
          load(
              "delete table inet calico\n"
                  + host.rules().replaceAll("\\b(raw|nat|mangle|filter)-", "v0-$1-"));
      case KILLED, TERMINATED -> {}
    }
    note("before the start");
    host.startAgent();
    note("ready");
    awaitInForce();
    Await.until(
        "nothing is left of another layout", 10, () -> !host.rules().matches("(?s).*(v0-|old).*"));
    restore(resources);
    assertStreams(ON_THEIR_WAY);
    connection.mustGoOn();
  }

  private void load(String ruleset) throws IOException {
    Path file = Files.writeString(state.resolve("ruleset.nft"), ruleset);
    host.namespace().command("nft", "-f", file.toString()).mustRun();
  }

  /** Both streams can tell what the other tests look for. */
  @Test
  void aPortThatOpensAndOneThatClosesAreSeen() throws Exception {
    begin(Transition.REPLACED);
    try {
      write(List.of(delete("globalnetworkpolicies/a")));
      Await.until("forbidden packets arrive", 10, () -> !streams.leaked().isEmpty());
      write(List.of(policy("a", 10, SERVER, "[{action: Deny, protocol: UDP}, {action: Allow}]")));
      awaitInForce();
      streams.awaitLoss();
    } finally {
      restore(Transition.REPLACED);
      forgetWhatWasSeen();
    }
    assertStreams(0);
  }

  @AfterEach
  void forgetWhatWasSeen() throws Exception {
    history.clear();
    streams.forgetLost();
    List<PacketStreams.Packet> unused = streams.leaked();
  }

  private void note(String what) {
    history.add("%d %s".formatted(TimeUnit.NANOSECONDS.toMillis(System.nanoTime()), what));
  }

  /** Puts a transition's resources in force, and takes all others away when they are. */
  private void begin(Transition transition) throws Exception {
    write(List.of(policy("z-between", 1, SERVER, DENY)));
    awaitInForce();
    for (Transition other : Transition.values()) {
      for (Step each : other.steps) {
        remove(each.write().key());
      }
      for (Write each : other.base) {
        remove(each.key());
      }
    }
    commit(Transaction.builder().put(endpointKey, untouched).build());
    write(transition.base);
    awaitInForce();
    write(List.of(delete("globalnetworkpolicies/z-between")));
    awaitInForce();
    streams.forgetLost();
  }

  private void remove(String key) throws DatastoreException {
    if (!key.equals(ENDPOINT) && datastore.get(key).isPresent()) {
      commit(Transaction.builder().delete(key).build());
    }
  }

  /** Goes back to what a transition begins with: what it begins with first, the rest is removed. */
  private void restore(Transition transition) throws Exception {
    write(transition.base);
    Set<String> extra = new LinkedHashSet<>();
    transition.steps.forEach(step -> extra.add(step.write().key()));
    transition.base.forEach(write -> extra.remove(write.key()));
    List<String> backwards = new ArrayList<>(extra);
    Collections.reverse(backwards);
    for (String key : backwards) {
      note("remove " + key);
      remove(key);
    }
    awaitInForce();
  }

  private void write(List<Write> writes) throws DatastoreException {
    for (Write write : writes) {
      note(write.toString());
      String json = write.json().replace("CLIENT", client.address());
      if (write.key().equals(ENDPOINT)) {
        JsonObject endpoint =
            JsonParser.parseString(datastore.get(endpointKey).orElseThrow().value())
                .getAsJsonObject();
        merge(endpoint, JsonParser.parseString(json).getAsJsonObject());
        commit(Transaction.builder().put(endpointKey, endpoint.toString()).build());
      } else if (json.isEmpty()) {
        remove(write.key());
      } else {
        commit(Transaction.builder().put(write.key(), json).build());
      }
    }
  }

  private void commit(Transaction transaction) throws DatastoreException {
    long unused = datastore.commit(transaction);
  }

  private static void merge(JsonObject into, JsonObject changes) {
    for (Map.Entry<String, JsonElement> change : changes.entrySet()) {
      JsonElement before = into.get(change.getKey());
      if (before != null && before.isJsonObject() && change.getValue().isJsonObject()) {
        merge(before.getAsJsonObject(), change.getValue().getAsJsonObject());
      } else {
        into.add(change.getKey(), change.getValue());
      }
    }
  }

  /** Waits until what has been written is in the kernel: writes take effect in their order. */
  private void awaitInForce() throws Exception {
    String port = "" + (FIRST_MARKER + markers++);
    commit(
        Transaction.builder()
            .put(
                ROOT + "globalnetworkpolicies/marker",
                policy(
                        "marker",
                        1,
                        "app == 'marked'",
                        "[{action: Deny, protocol: TCP, destination: {ports: [" + port + "]}}]")
                    .json())
            .build());
    Await.until("marker " + port + " is in the table", 10, () -> host.rules().contains(port));
    note("in force");
  }

  /**
   * Asserts that nothing forbidden has arrived.
   *
   * @param mayBeLost how many permitted packets may be lost
   */
  private void assertStreams(int mayBeLost) throws IOException {
    if (mayBeLost == Integer.MAX_VALUE) {
      streams.forgetLost();
    }
    assertThat(streams.lost())
        .as("permitted packets lost, %s", whole())
        .hasSizeLessThanOrEqualTo(mayBeLost);
    assertThat(streams.leaked()).as("forbidden packets arrived, %s", whole()).isEmpty();
  }

  private String whole() {
    return "milliseconds and events: " + String.join("\n", history);
  }
}
