package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.testing.MemoryDatastore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When bird is told, and what becomes of what it refuses. The installed bird checks the text. */
@Timeout(120)
class BirdManagerTest {
  private static final String ROOT = "/calico/resources/v3/projectcalico.org/";

  /** Longer than the watchdog takes to look again, twice. */
  private static final long SEVERAL_LOOKS_MILLIS = 2_500;

  private final MemoryDatastore datastore = new MemoryDatastore();

  @TempDir private Path directory;

  private FakeBird bird;
  private BirdManager manager;

  @BeforeEach
  void makeBird() throws IOException {
    bird = new FakeBird(directory.resolve("bird.ctl"));
    manager = manager("exit 7");
  }

  @AfterEach
  void close() throws IOException {
    manager.close();
    datastore.close();
    bird.close();
  }

  private BirdManager manager(String startBird) {
    return new BirdManager(
        datastore,
        new BirdSettings(
            new NodeName("here"),
            directory,
            List.of("sh", "-c", "cd " + directory + "; " + startBird),
            RouterId.ADDRESS,
            directory.resolve("secrets")),
        List::of);
  }

  private void node(String name, String address, String labels) throws Exception {
    put(
        "nodes/" + name,
        "{'metadata':{'name':'%s','labels':%s},'spec':{'bgp':{'ipv4Address':'%s/24'}}}"
            .formatted(name, labels, address));
  }

  private void put(String key, String json) throws Exception {
    commit(Transaction.builder().put(ROOT + key, json.replace('\'', '"')).build());
  }

  private void delete(String key) throws Exception {
    commit(Transaction.builder().delete(ROOT + key).build());
  }

  private void commit(Transaction transaction) throws Exception {
    long unused = datastore.commit(transaction);
  }

  /** An AS number for all nodes that only bird itself finds wrong. */
  private void asNumberThatBirdRefuses() throws Exception {
    put("bgpconfigurations/default", "{'metadata':{'name':'default'},'spec':{'asNumber':0}}");
  }

  private String configuration() throws IOException {
    return Files.readString(directory.resolve("bird.cfg"));
  }

  private void startConfigured() throws Exception {
    node("here", "192.0.2.11", "{}");
    manager.start();
    until("bird runs with its configuration", () -> manager.problem().isEmpty());
  }

  private static void until(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("waits until %s", what).isLessThan(end);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private void untilProblem(String text) throws Exception {
    until("the problem is " + text, () -> manager.problem().orElse("").contains(text));
  }

  private static void severalLooks() throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(SEVERAL_LOOKS_MILLIS);
  }

  @Test
  void itHasAProblemUntilItHasAConfiguration() throws Exception {
    assertThat(manager.problem()).contains("it has no configuration yet");
    manager.start();
    untilProblem("Node here is missing or has no BGP address");
    assertThat(directory.resolve("bird.cfg")).doesNotExist();
    assertThat(bird.configured()).isZero();

    node("here", "192.0.2.11", "{}");
    until("the node is configured", () -> manager.problem().isEmpty());
    assertThat(bird.configured()).isEqualTo(1);
  }

  @Test
  void whatIsStoredIsWrittenAndLoadedOnce() throws Exception {
    node("there", "192.0.2.12", "{}");
    startConfigured();
    assertThat(configuration())
        .contains("router id 192.0.2.11;", "neighbor 192.0.2.12 port 179 as 64512;");
    assertThat(directory.resolve("bird.cfg.next")).doesNotExist();
    severalLooks();
    assertThat(bird.configured()).isEqualTo(1);

    node("third", "192.0.2.13", "{}");
    until("the new peer is loaded", () -> bird.configured() == 2);
    assertThat(configuration()).contains("neighbor 192.0.2.13 port 179 as 64512;");
    severalLooks();
    assertThat(bird.configured()).isEqualTo(2);
    assertThat(manager.problem()).isEmpty();
  }

  @Test
  void anUpdateThatLeavesTheTextAsItIsIsNotLoaded() throws Exception {
    startConfigured();
    String before = configuration();
    var written = Files.getLastModifiedTime(directory.resolve("bird.cfg"));
    node("here", "192.0.2.11", "{'rack':'1'}");
    datastore.breakWatches();
    severalLooks();
    assertThat(bird.configured()).isEqualTo(1);
    assertThat(configuration()).isEqualTo(before);
    assertThat(Files.getLastModifiedTime(directory.resolve("bird.cfg"))).isEqualTo(written);
  }

  @Test
  void aConfigurationThatBirdFindsWrongLeavesTheOldOneInPlace() throws Exception {
    node("there", "192.0.2.12", "{}");
    startConfigured();
    String before = configuration();
    asNumberThatBirdRefuses();
    untilProblem("bird refuses the new configuration: ");
    assertThat(manager.problem()).hasValueSatisfying(p -> assertThat(p).contains("AS number"));
    assertThat(configuration()).isEqualTo(before);
    severalLooks();
    assertThat(bird.configured()).isEqualTo(1);
    assertThat(manager.problem()).isPresent();

    delete("bgpconfigurations/default");
    until("the problem is gone", () -> manager.problem().isEmpty());
    assertThat(configuration()).isEqualTo(before);
  }

  @Test
  void aBirdThatRefusesToLoadIsAskedAgain() throws Exception {
    startConfigured();
    bird.refuse("0002-Reading configuration from bird.cfg\n8002 bird.cfg:1:1 syntax error\n");
    node("there", "192.0.2.12", "{}");
    untilProblem("bird refuses to load its configuration: 8002 bird.cfg:1:1 syntax error");
    int asked = bird.configured();
    until("bird is asked again", () -> bird.configured() > asked);
    assertThat(manager.problem()).isPresent();

    bird.accept();
    until("the problem is gone", () -> manager.problem().isEmpty());
    assertThat(configuration()).contains("neighbor 192.0.2.12 ");
  }

  @Test
  void aDeadBirdIsStartedAgainWithTheCommand() throws Exception {
    manager = manager("echo started >>started; cat bird.cfg >given; exec sleep 3");
    startConfigured();
    assertThat(directory.resolve("started")).doesNotExist();
    String before = configuration();

    bird.close();
    until("the command has run", () -> Files.exists(directory.resolve("given")));
    bird = new FakeBird(directory.resolve("bird.ctl"));
    until("bird answers", () -> manager.problem().isEmpty());
    assertThat(Files.readString(directory.resolve("started"))).startsWith("started\n");
    assertThat(Files.readString(directory.resolve("given"))).isEqualTo(before);
    String starts = Files.readString(directory.resolve("started"));
    severalLooks();
    assertThat(Files.readString(directory.resolve("started"))).isEqualTo(starts);
    assertThat(manager.problem()).isEmpty();
  }

  @Test
  void aBirdThatEndsAtOnceIsAProblem() throws Exception {
    startConfigured();
    manager.close();
    manager = manager("echo no permission; exit 7");
    bird.close();
    manager.start();
    untilProblem("bird ended at once with status 7: see bird.log");
    assertThat(Files.readString(directory.resolve("bird.log"))).contains("no permission");

    bird = new FakeBird(directory.resolve("bird.ctl"));
    until("a bird that answers is adopted", () -> manager.problem().isEmpty());
    assertThat(bird.configured()).isEqualTo(1);
  }

  private void peerWithPassword() throws Exception {
    put(
        "bgppeers/tor",
        "{'metadata':{'name':'tor'},'spec':{'peerIP':'192.0.2.9','asNumber':65001,"
            + "'password':{'secretKeyRef':{'name':'bgp','key':'tor'}}}}");
  }

  private void password(String text) throws IOException {
    Path file = directory.resolve("secrets/bgp/tor");
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  @Test
  void aPasswordIsReadFromItsFileAndReadByNobodyElse() throws Exception {
    peerWithPassword();
    startConfigured();
    assertThat(configuration()).contains("disabled;").doesNotContain("password \"");
    password("first one\n");
    until("the password is configured", () -> configuration().contains("password \"first one\";"));
    assertThat(configuration()).doesNotContain("disabled;");
    password("second");
    until("the new one is configured", () -> configuration().contains("password \"second\";"));
    assertThat(Files.getPosixFilePermissions(directory.resolve("bird.cfg")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    until("bird has read the new one", () -> bird.configured() == 3);
    severalLooks();
    assertThat(bird.configured()).isEqualTo(3);
    password("has \" a quotation mark");
    until("the session stays down", () -> configuration().contains("disabled;"));
    assertThat(configuration()).doesNotContain("quotation");
  }

  @Test
  void whatBirdRefusesIsSaidWithoutPasswords() throws Exception {
    peerWithPassword();
    password("number");
    startConfigured();
    asNumberThatBirdRefuses();
    untilProblem("bird refuses the new configuration: ");
    assertThat(manager.problem()).hasValueSatisfying(p -> assertThat(p).doesNotContain("number"));
  }
}
