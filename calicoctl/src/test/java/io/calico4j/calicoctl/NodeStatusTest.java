package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.testing.MemoryDatastore;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code node status} says of a bird and of teardown records. */
class NodeStatusTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path directory;

  private int run() {
    CommandLine line =
        CalicoctlMain.commandLine(
            MemoryDatastore::new,
            Map.of("CALICO_RUN_DIR", directory.toString(), "CALICO_LIB_DIR", directory.toString()));
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute("node", "status");
  }

  private void record(String name, String detached) throws Exception {
    Path teardown = Files.createDirectories(directory.resolve("teardown"));
    Files.writeString(
        teardown.resolve(name),
        """
        {"network":"net","node":"a","namespace":"default","orchestrator":"cni","container":"%s",
         "interface":"eth0","detached":"%s"}
        """
            .formatted(name, detached));
  }

  @Test
  void recordsAreCountedAlsoWhenBirdDoesNotRun() throws Exception {
    record("one.json", "2026-03-01T10:00:00.123456Z");
    record("two.json", "2026-02-01T09:00:00.987654Z");
    record("record1.new", "2026-01-01T00:00:00Z");
    assertThat(run()).isEqualTo(1);
    assertThat(out.toString())
        .isEqualToIgnoringNewLines(
            "Teardown records that wait for etcd: 2, the oldest since 2026-02-01T09:00:00Z");
    assertThat(err.toString()).contains("bird cannot be asked");
  }

  @Test
  void aDamagedRecordCountsSinceItWasWritten() throws Exception {
    record("one.json", "2026-03-01T10:00:00Z");
    record("two.json", "yesterday");
    var unused =
        Files.setLastModifiedTime(
            directory.resolve("teardown/two.json"),
            FileTime.from(Instant.parse("2026-02-03T04:05:06Z")));
    assertThat(run()).isEqualTo(1);
    assertThat(out.toString()).contains(": 2, the oldest since 2026-02-03T04:05:06Z");
  }

  @Test
  @Timeout(60)
  void theLineFollowsTheSessions() throws Exception {
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(directory.resolve("bird.ctl")));
      Thread bird = new Thread(() -> answer(server));
      bird.start();
      assertThat(run()).as(err.toString()).isZero();
      bird.join();
    }
    assertThat(out.toString())
        .contains(
            "Calico process is not running, bird is.",
            "IPv4 BGP status",
            "192.0.2.12     node-to-node mesh   up      22:03:43   Established   3          2",
            "IPv6 BGP status",
            "2001:db8::9    global      start   22:03:44   Active Socket: refused   0          0")
        .endsWith("Teardown records that wait for etcd: none" + System.lineSeparator());
  }

  private static void answer(ServerSocketChannel server) {
    try (SocketChannel client = server.accept()) {
      say(client, "0001 BIRD ready.\n");
      var unused = client.read(ByteBuffer.allocate(100));
      say(
          client,
          """
          2002-Name       Proto      Table      State  Since         Info
          1002-device1    Device     ---        up     22:03:43
          1006-
          1002-Mesh_192_0_2_12 BGP        ---        up     22:03:43      Established
          1006-  BGP state:          Established
              Neighbor address: 192.0.2.12
              Neighbor AS:      64512
            Channel ipv4
              Routes:         3 imported, 1 filtered, 2 exported, 3 preferred
              Route change stats:     received   rejected   filtered    ignored   accepted
                Import updates:              7          0          0          0          7

          1002-Global_2001_db8__9 BGP   ---        start  22:03:44      Active        Socket: refused
          1006-  BGP state:          Active
              Neighbor address: 2001:db8::9
              Neighbor AS:      65001
          0000
          """
              .replace("0000\n", "0000 \n"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void say(SocketChannel client, String text) throws IOException {
    int unused = client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
  }
}
