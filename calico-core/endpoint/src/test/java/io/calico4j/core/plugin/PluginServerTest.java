package io.calico4j.core.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.KernelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Callers that come, wait, send in pieces and go; on a real socket. */
@Timeout(60)
class PluginServerTest {
  private static final int WORKERS = 16;

  private final Set<String> begun = ConcurrentHashMap.newKeySet();
  private final Semaphore beginnings = new Semaphore(0);
  private final CountDownLatch gate = new CountDownLatch(1);

  private Path directory;
  private PluginServer server;

  @BeforeEach
  void start() throws IOException, KernelException {
    directory = Files.createTempDirectory("plugin");
    server =
        new PluginServer(
            socket(),
            Map.of("echo", this::echo, "gated", this::gated, "afterwards", this::withMoreToDo));
    server.start();
  }

  @AfterEach
  void stop() throws IOException {
    gate.countDown();
    server.close();
    Files.delete(directory);
  }

  private Path socket() {
    return directory.resolve("sock");
  }

  private PluginResponse echo(PluginRequest request) {
    begun.add(request.standardInput());
    return PluginResponse.served(request.standardInput());
  }

  private PluginResponse gated(PluginRequest request) {
    begun.add(request.standardInput());
    beginnings.release();
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return PluginResponse.served(request.standardInput());
  }

  private PluginResponse withMoreToDo(PluginRequest request) {
    return new PluginResponse(
        new Outcome.Served(), request.standardInput(), "", () -> gated(request));
  }

  private static byte[] request(String program, String input) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (Object part : List.of(1, program, 0, input)) {
      int number =
          part instanceof String text
              ? text.getBytes(StandardCharsets.UTF_8).length
              : (Integer) part;
      body.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(number).array());
      if (part instanceof String text) {
        body.writeBytes(text.getBytes(StandardCharsets.UTF_8));
      }
    }
    return ByteBuffer.allocate(8 + body.size())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put("C4J1".getBytes(StandardCharsets.US_ASCII))
        .putInt(body.size())
        .put(body.toByteArray())
        .array();
  }

  private SocketChannel send(byte[] request) throws IOException {
    SocketChannel caller = SocketChannel.open(UnixDomainSocketAddress.of(socket()));
    ByteBuffer bytes = ByteBuffer.wrap(request);
    while (bytes.hasRemaining()) {
      caller.write(bytes);
    }
    return caller;
  }

  private static String answer(SocketChannel caller) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(3 << 20).order(ByteOrder.LITTLE_ENDIAN);
    while (caller.read(bytes) >= 0) {
      Thread.onSpinWait();
    }
    caller.close();
    byte[] out = new byte[bytes.getInt(4)];
    bytes.get(8, out);
    return new String(out, StandardCharsets.UTF_8);
  }

  private List<SocketChannel> occupyWorkers() throws Exception {
    List<SocketChannel> busy = new ArrayList<>();
    for (int i = 0; i < WORKERS; i++) {
      busy.add(send(request("gated", "busy " + i)));
    }
    assertThat(beginnings.tryAcquire(WORKERS, 20, TimeUnit.SECONDS)).isTrue();
    return busy;
  }

  @Test
  void aRequestInPiecesAndALongOneAreAnswered() throws Exception {
    byte[] request = request("echo", "piecemeal");
    try (SocketChannel caller = SocketChannel.open(UnixDomainSocketAddress.of(socket()))) {
      for (byte piece : request) {
        caller.write(ByteBuffer.wrap(new byte[] {piece}));
      }
      assertThat(answer(caller)).isEqualTo("piecemeal");
    }
    String longInput = "x".repeat((1 << 20) - 100);
    assertThat(answer(send(request("echo", longInput)))).isEqualTo(longInput);
  }

  @Test
  @Timeout(20)
  void nobodyWaitsForWhatComesAfterTheAnswer() throws Exception {
    assertThat(answer(send(request("afterwards", "answered")))).isEqualTo("answered");
    assertThat(beginnings.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aRequestWhoseCallerHasGoneIsNotBegunAndOthersAre() throws Exception {
    List<SocketChannel> busy = occupyWorkers();
    SocketChannel abandoned = send(request("echo", "abandoned"));
    SocketChannel patient = send(request("echo", "patient"));
    abandoned.close();
    gate.countDown();
    assertThat(answer(patient)).isEqualTo("patient");
    for (int i = 0; i < WORKERS; i++) {
      assertThat(answer(busy.get(i))).isEqualTo("busy " + i);
    }
    server.close();
    assertThat(begun).contains("patient").doesNotContain("abandoned");
  }

  @Test
  void requestsThatWaitForAWorkerTakeBoundedMemory() throws Exception {
    List<SocketChannel> busy = occupyWorkers();
    List<SocketChannel> waiting = new ArrayList<>();
    String longInput = "x".repeat((1 << 20) - 100);
    for (int i = 0; i < 80; i++) {
      waiting.add(send(request("echo", longInput)));
    }
    assertThat(answer(waiting.remove(79))).contains("\"code\":11").contains("overloaded");
    gate.countDown();
    assertThat(answer(waiting.remove(0))).isEqualTo(longInput);
    for (SocketChannel caller : waiting) {
      caller.close();
    }
    for (SocketChannel caller : busy) {
      caller.close();
    }
  }

  @Test
  void aServerThatHasClosedTakesNobody() throws Exception {
    assertThat(answer(send(request("echo", "a")))).isEqualTo("a");
    server.close();
    assertThat(socket()).doesNotExist();
  }
}
