package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whoever speaks to the plugin socket, the next honest caller is served. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PluginSocketIT {
  private static final String VERSION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"calico\",\"type\":\"calico\"}";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("socket", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private Path socket() {
    return caller().socket();
  }

  private RawCaller caller() {
    return RawCaller.of(host);
  }

  /** Sends bytes, ends the stream, and returns the standard output in the answer; empty if none. */
  private String exchange(byte[] request) throws IOException {
    Optional<RawCaller.Answer> answer = caller().exchange(request);
    answer.ifPresent(given -> assertThat(given.exitCode()).isEqualTo(1));
    return answer.map(RawCaller.Answer::standardOutput).orElse("");
  }

  private static byte[] framed(byte[] body) {
    return RawCaller.frame(body);
  }

  private static byte[] body(int... numbers) {
    ByteBuffer body = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int number : numbers) {
      body.putInt(number);
    }
    return body.array();
  }

  private static byte[] header(String magic, int length) {
    return ByteBuffer.allocate(8)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(magic.getBytes(StandardCharsets.US_ASCII))
        .putInt(length)
        .array();
  }

  private void assertServing() throws IOException {
    Command.Outcome version =
        host.plugin("calico", Map.of("CNI_COMMAND", "VERSION", "PATH", "/bin"), VERSION);
    assertThat(version.exitCode()).as(version.output()).isZero();
  }

  static Stream<Arguments> hostile() {
    return Stream.of(
        Arguments.of("nothing", new byte[0], "nothing came"),
        Arguments.of("half a header", "C4J".getBytes(StandardCharsets.US_ASCII), "it ends after"),
        Arguments.of("another protocol", header("HTTP", 0), "does not begin with C4J1"),
        Arguments.of("too long", header("C4J1", (1 << 20) + 1), "longer than 1048576"),
        Arguments.of("a negative length", header("C4J1", -1), "longer than 1048576"),
        Arguments.of("a body that ends early", header("C4J1", 100), "it ends after"),
        Arguments.of("an empty body", framed(new byte[0]), "truncated"),
        Arguments.of("no program", framed(body(0, 0, 0)), "names no program"),
        Arguments.of("a million items", framed(body(1_000_000)), "more than 4096 items"),
        Arguments.of("a text that is not there", framed(body(1, 5)), "points outside"),
        Arguments.of("a negative count", framed(body(1, -5)), "negative"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hostile")
  void aBrokenRequestIsNamed(String name, byte[] request, String text) throws Exception {
    assertThat(exchange(request)).as(name).contains(text).contains("\"code\":5");
    assertServing();
  }

  @Test
  void anUnknownProgramIsToldItsNames() throws Exception {
    Path copy = state.resolve("calico-unknown");
    Files.copy(Installed.distribution().resolve("bin/calico"), copy);
    Command.Outcome outcome =
        new Command(
                host.enter(List.of(copy.toString())),
                Map.of("CNI_COMMAND", "VERSION", "PATH", "/bin"),
                VERSION)
            .run();
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.standardOutput()).contains("calico-unknown").contains("calico-ipam");
  }

  @Test
  void hundredsOfSilentCallersDoNotKeepOthersWaiting() throws Exception {
    int descriptors = host.agentDescriptors();
    List<SocketChannel> silent = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      SocketChannel channel = caller().connect();
      if (i % 2 == 0) {
        channel.write(ByteBuffer.wrap("C4".getBytes(StandardCharsets.US_ASCII)));
      }
      silent.add(channel);
    }
    long start = System.nanoTime();
    assertServing();
    assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start)).isLessThan(3000);
    ByteBuffer answer = ByteBuffer.allocate(1000);
    assertThat(silent.get(0).read(answer)).isPositive();
    assertThat(new String(answer.array(), StandardCharsets.UTF_8))
        .contains("others needed its place");
    for (SocketChannel channel : silent) {
      channel.close();
    }
    assertServing();
    Await.until("no descriptor is left", 10, () -> host.agentDescriptors() <= descriptors);
  }

  @Test
  void aSilentCallerIsToldWhenItsTimeIsOver() throws Exception {
    try (SocketChannel channel = caller().connect()) {
      ByteBuffer answer = ByteBuffer.allocate(1000);
      assertThat(channel.read(answer)).isPositive();
      assertThat(new String(answer.array(), StandardCharsets.UTF_8))
          .contains("did not come within 10 s");
    }
  }

  @Test
  void aCallerMaySendOneDescriptorAndMoreAreNotKept() throws Exception {
    int descriptors = host.agentDescriptors();
    byte[] request = RawCaller.request("calico", List.of("CNI_COMMAND=VERSION"), VERSION);
    for (int i = 0; i < 20; i++) {
      try (DescriptorSender sender = new DescriptorSender(socket())) {
        sender.send(request, 1 + i % 5);
        assertThat(sender.receive()).contains("supportedVersions");
      }
    }
    Await.until("no descriptor is left", 10, () -> host.agentDescriptors() <= descriptors);
  }

  @Test
  void anybodyButRootIsRefused() throws Exception {
    Path copy = Files.createDirectories(Path.of("/run/launcher")).resolve("calico");
    Files.copy(Installed.distribution().resolve("bin/calico"), copy);
    String[] asNobody = {
      "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", copy.toString()
    };
    Map<String, String> environment = Map.of("CNI_COMMAND", "VERSION", "PATH", "/usr/bin:/bin");
    Command call = new Command(host.enter(List.of(asNobody)), environment, VERSION);
    Command.Outcome kept = call.run();
    assertThat(kept.exitCode()).isEqualTo(1);
    assertThat(kept.standardOutput()).contains("\"code\":4").contains("only root");

    Path directory = socket().toAbsolutePath().getParent();
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.setPosixFilePermissions(socket(), PosixFilePermissions.fromString("rw-rw-rw-"));
    Command.Outcome refused = call.run();
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    Files.setPosixFilePermissions(socket(), PosixFilePermissions.fromString("rw-------"));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.standardOutput())
        .contains("\"code\":4")
        .contains("only root may call the plugin");
    assertServing();
  }

  @Test
  void theSocketIsItsOwnersOnly() throws Exception {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
        .isEqualTo("rw-------");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(socket().toAbsolutePath().getParent())))
        .isEqualTo("rwx------");
  }

  @Test
  void aBigRequestIsRefusedByTheLauncherAndALongOneServed() throws Exception {
    Namespace sandbox = Namespace.create("big");
    String padding = "\"pad\":\"" + "x".repeat(700_000) + "\"";
    String big = VERSION.replace("}", "," + padding + "}");
    Command.Outcome added = host.cni("ADD", sandbox, Map.of(), big);
    assertThat(added.exitCode()).as(added.output()).isZero();
    assertThat(host.cni("DEL", sandbox, Map.of(), big).exitCode()).isZero();
    Command.Outcome refused =
        host.cni("ADD", sandbox, Map.of(), big.replace("\"pad\"", padding + ",\"pad\""));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.standardOutput()).contains("\"code\":").contains("1048576");
    sandbox.delete();
    host.mustBeClean();
  }
}
