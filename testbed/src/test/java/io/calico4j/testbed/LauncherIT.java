package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The launcher against sockets that behave and sockets that do not: as it is installed, under
 * valgrind, and with the address and undefined-behaviour sanitizers, which end it with a status of
 * their own when they find anything. Its deadline is three seconds here.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("try") // a socket is open while its block runs
class LauncherIT {
  private static final int MEBIBYTE = 1 << 20;
  private final Path state = Installed.freshState(getClass());
  private final Path socket = Path.of("/run/launcher-it.sock");

  @BeforeAll
  void compile() throws Exception {
    assertThat(Files.readAllLines(LauncherBuild.SOURCE)).hasSizeLessThan(340);
    for (LauncherBuild build : LauncherBuild.values()) {
      build.compile(state, Duration.ofSeconds(3));
    }
  }

  private ProcessBuilder prepare(LauncherBuild build, Map<String, String> environment) {
    ProcessBuilder builder = new ProcessBuilder(build.command(state));
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/bin:/bin");
    builder.environment().put("CNI_COMMAND", "ADD");
    builder.environment().put("CALICO_PLUGIN_SOCKET", socket.toString());
    builder.environment().putAll(environment);
    return builder;
  }

  private Command.Outcome run(LauncherBuild build, Map<String, String> environment, String input)
      throws IOException {
    ProcessBuilder builder = prepare(build, environment);
    return new Command(builder.command(), builder.environment(), input).run();
  }

  private static void assertFails(Command.Outcome outcome, int code, String message) {
    assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(1);
    assertThat(outcome.standardOutput()).contains("\"code\":" + code + ",").contains(message);
  }

  private static byte[] numbers(int... numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(numbers).forEach(bytes::putInt);
    return bytes.array();
  }

  private static FakeNode.Behaviour sends(byte[] bytes, int piece) {
    return caller -> {
      byte[] unused = FakeNode.readRequest(caller);
      FakeNode.write(caller, bytes, piece);
    };
  }

  static Stream<Arguments> badAnswers() {
    byte[] good = FakeNode.answer(0, "out", "err");
    List<Arguments> rows = new ArrayList<>();
    for (LauncherBuild build : LauncherBuild.values()) {
      for (int length : new int[] {0, 3, 4, 8, 11, 12, good.length - 1}) {
        rows.add(
            Arguments.of(
                build, "the first " + length, Arrays.copyOf(good, length), "before it answered"));
      }
      rows.add(Arguments.of(build, "more", Arrays.copyOf(good, 100), "before it answered"));
      rows.add(Arguments.of(build, "a huge output", numbers(0, -1, 0), "before it answered"));
      rows.add(Arguments.of(build, "a huge error", numbers(0, 0, -1), "before it answered"));
      rows.add(Arguments.of(build, "a sum that wraps", numbers(0, -8, 0, 0), "before it answered"));
      rows.add(Arguments.of(build, "no exit status", numbers(256, 0, 0), "before it answered"));
      byte[] long1 = FakeNode.answer(0, "x".repeat(2 * MEBIBYTE), "");
      rows.add(Arguments.of(build, "two mebibytes", long1, "longer than 1048576"));
    }
    return rows.stream();
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("badAnswers")
  void aBrokenAnswerIsAnError(LauncherBuild build, String name, byte[] answer, String message)
      throws Exception {
    try (FakeNode node = new FakeNode(socket, sends(answer, 1 << 16))) {
      assertFails(run(build, Map.of(), "{}"), 11, message);
    }
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void theWholeRequestGoesOverAndTheWholeAnswerComesBack(LauncherBuild build) throws Exception {
    AtomicReference<byte[]> seen = new AtomicReference<>();
    byte[] answer = FakeNode.answer(201, "{\"a\":\"ä\"}\n", "a log line\n");
    try (FakeNode node =
        new FakeNode(
            socket,
            caller -> {
              seen.set(FakeNode.readRequest(caller));
              FakeNode.write(caller, answer, 1);
            })) {
      Command.Outcome outcome =
          run(build, Map.of("CNI_IFNAME", "eth0", "SECRET", "s"), "{\"name\":\"ö\"}");
      assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(201);
      assertThat(outcome.standardOutput()).isEqualTo("{\"a\":\"ä\"}\n");
      assertThat(outcome.standardError()).isEqualTo("a log line\n");
      byte[] request =
          RawCaller.request(
              "calico", List.of("CNI_COMMAND=ADD", "CNI_IFNAME=eth0"), "{\"name\":\"ö\"}");
      byte[] other =
          RawCaller.request(
              "calico", List.of("CNI_IFNAME=eth0", "CNI_COMMAND=ADD"), "{\"name\":\"ö\"}");
      assertThat(RawCaller.frame(seen.get())).isIn(request, other);
    }
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void theLongestRequestAndAnswerAreCarriedAndALongerRequestIsRefused(LauncherBuild build)
      throws Exception {
    byte[] answer = FakeNode.answer(0, "y".repeat(MEBIBYTE - 12), "");
    int fixed = 4 + 4 + 6 + 4 + 4 + "CNI_COMMAND=ADD".length() + 4;
    AtomicReference<byte[]> seen = new AtomicReference<>();
    try (FakeNode node =
        new FakeNode(
            socket,
            caller -> {
              seen.set(FakeNode.readRequest(caller));
              FakeNode.write(caller, answer, 70_000);
            })) {
      Command.Outcome outcome = run(build, Map.of(), "x".repeat(MEBIBYTE - fixed));
      assertThat(outcome.exitCode()).as(outcome.standardError()).isZero();
      assertThat(outcome.standardOutput()).hasSize(MEBIBYTE - 12);
      assertThat(seen.get()).hasSize(MEBIBYTE);
      assertFails(run(build, Map.of(), "x".repeat(MEBIBYTE - fixed + 1)), 7, "longer than 1048576");
      Map<String, String> huge = new TreeMap<>();
      for (int i = 0; i < 9; i++) {
        huge.put("CNI_ARGS_" + i, "z".repeat(120_000));
      }
      assertFails(run(build, huge, "{}"), 7, "longer than 1048576");
    }
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void aRefusalThatComesBeforeTheRequestIsReadIsPrinted(LauncherBuild build) throws Exception {
    try (FakeNode node =
        new FakeNode(
            socket, caller -> FakeNode.write(caller, FakeNode.answer(3, "refused", ""), 100))) {
      Command.Outcome outcome = run(build, Map.of(), "x".repeat(900_000));
      assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(3);
      assertThat(outcome.standardOutput()).isEqualTo("refused");
    }
  }

  private static void awaitHangup(SocketChannel caller) throws IOException {
    while (caller.read(ByteBuffer.allocate(1 << 16)) >= 0) {
      Thread.onSpinWait();
    }
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void silenceOnEitherSideEndsAtTheDeadline(LauncherBuild build) throws Exception {
    try (FakeNode node = new FakeNode(socket, LauncherIT::awaitHangup)) {
      CompletableFuture<Command.Outcome> unanswered = inBackground(build, "{}");
      Process waiting = prepare(build, Map.of()).start();
      byte[] half = "{\"half\":".getBytes(StandardCharsets.UTF_8);
      OutputStream input = waiting.getOutputStream();
      for (byte piece : half) {
        input.write(piece);
        input.flush();
      }
      assertThat(waiting.waitFor(120, TimeUnit.SECONDS)).isTrue();
      String output = new String(waiting.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(output).contains("\"code\":5,").contains("did not end within 3 s");
      assertThat(waiting.exitValue()).isEqualTo(1);
      assertFails(unanswered.get(20, TimeUnit.SECONDS), 11, "did not answer within 3 s");
    }
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void aRuntimeThatReadsNothingDoesNotKeepItForever(LauncherBuild build) throws Exception {
    byte[] answer = FakeNode.answer(0, "y".repeat(MEBIBYTE - 12), "");
    try (FakeNode node = new FakeNode(socket, sends(answer, MEBIBYTE))) {
      Process process = prepare(build, Map.of()).start();
      process.getOutputStream().close();
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(1);
      assertThat(process.getInputStream().readAllBytes())
          .startsWith('y', 'y')
          .hasSizeLessThan(MEBIBYTE / 2);
    }
  }

  private CompletableFuture<Command.Outcome> inBackground(LauncherBuild build, String input) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return run(build, Map.of(), input);
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void manyAtOnceEachGetTheirOwnAnswer(LauncherBuild build) throws Exception {
    CountDownLatch all = new CountDownLatch(8);
    try (FakeNode node =
        new FakeNode(
            socket,
            caller -> {
              String request = new String(FakeNode.readRequest(caller), StandardCharsets.UTF_8);
              all.countDown();
              try {
                boolean unused = all.await(1, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              String own = request.substring(request.length() - 1);
              FakeNode.write(caller, FakeNode.answer(0, own, ""), 5);
            })) {
      List<ProcessBuilder> builders = new ArrayList<>();
      List<Process> processes = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        builders.add(prepare(build, Map.of()));
      }
      for (ProcessBuilder builder : builders) {
        Process process = builder.start();
        process.getOutputStream().write('0' + processes.size());
        process.getOutputStream().close();
        processes.add(process);
      }
      for (int i = 0; i < 8; i++) {
        assertThat(processes.get(i).getInputStream().readAllBytes())
            .isEqualTo(new byte[] {(byte) ('0' + i)});
        assertThat(processes.get(i).waitFor()).isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void aSocketThatCannotBeUsedIsNamed(LauncherBuild build) throws Exception {
    Map<String, String> tooLong = Map.of("CALICO_PLUGIN_SOCKET", "/run/" + "s".repeat(120));
    assertFails(run(build, tooLong, "{}"), 4, "too long");
    Map<String, String> noSocket = Map.of("CALICO_PLUGIN_SOCKET", "/etc/hostname/x");
    assertFails(run(build, noSocket, "{}"), 11, "Not a directory");
    Files.deleteIfExists(socket);
    assertFails(run(build, Map.of(), "{}"), 11, "No such file");
  }

  @Test
  void aSignalEndsItWhileItWaitsAndTheOtherSideNotices() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch gone = new CountDownLatch(1);
    try (FakeNode node =
        new FakeNode(
            socket,
            caller -> {
              byte[] unused = FakeNode.readRequest(caller);
              asked.countDown();
              awaitHangup(caller);
              gone.countDown();
            })) {
      Process process = prepare(LauncherBuild.INSTALLED, Map.of()).start();
      process.getOutputStream().close();
      assertThat(asked.await(10, TimeUnit.SECONDS)).isTrue();
      process.destroy();
      assertThat(process.waitFor()).isEqualTo(128 + 15);
      assertThat(gone.await(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void withoutANodeItBecomesThePluginInItsOwnProcess(LauncherBuild build) throws Exception {
    Files.deleteIfExists(socket);
    Path alone = build.alone(state);
    Files.writeString(
        alone,
        """
        #!/bin/sh
        trap 'exit 42' TERM
        echo "$1 $CNI_COMMAND $(cat)"
        ls -l /proc/self/fd | grep -c -e socket: -e /ns/ >&2
        while [ "$CNI_COMMAND" = DEL ]; do read nothing; done
        exit 17
        """);
    assertThat(alone.toFile().setExecutable(true)).isTrue();
    try {
      Map<String, String> netns = Map.of("CNI_NETNS", "/proc/self/ns/net");
      Command.Outcome outcome = run(build, netns, "{\"x\": 1}");
      assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(17);
      assertThat(outcome.standardOutput()).isEqualTo("calico ADD {\"x\": 1}\n");
      assertThat(outcome.standardError()).as("inherited descriptors").isEqualTo("0\n");

      Process process = prepare(build, Map.of("CNI_COMMAND", "DEL")).start();
      process.getOutputStream().close();
      assertThat(process.inputReader().readLine()).isEqualTo("calico DEL ");
      process.destroy();
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(42);
    } finally {
      Files.delete(alone);
    }
  }
}
