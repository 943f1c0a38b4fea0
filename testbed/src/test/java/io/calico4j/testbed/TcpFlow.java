package io.calico4j.testbed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A TCP connection (RFC 9293) between two sandboxes, of which anybody can forge a segment with the
 * right ports and sequence numbers. The client writes {@value #TICK} ten times a second for as long
 * as it lives, whether anybody answers or not.
 */
final class TcpFlow implements AutoCloseable {
  /** What the client writes. */
  static final String TICK = "<tick>";

  private static final int TCP = 6;
  private static final int SECONDS = 60;
  private static final String PYTHON = "/usr/bin/python3";

  /**
   * Reads the sequence numbers as a checkpoint of a container does: TCP_REPAIR (19),
   * TCP_REPAIR_QUEUE (20: 1 receives, 2 sends), TCP_QUEUE_SEQ (21).
   */
  private static final String SERVE =
      "import socket,sys\n"
          + "l=socket.socket(); l.bind((sys.argv[1],int(sys.argv[2]))); l.listen()\n"
          + "print('listening',flush=True)\n"
          + "s,a=l.accept(); s.recv(99)\n"
          + "s.setsockopt(6,19,1); n=[]\n"
          + "for q in 2,1: s.setsockopt(6,20,q); n.append(s.getsockopt(6,21)&0xffffffff)\n"
          + "s.setsockopt(6,19,-1)\n"
          + "print('numbers',a[1],*n,'.',flush=True)\n"
          + "for m in iter(lambda: s.recv(999),b''): print(m.decode(),flush=True)\n";

  private static final String CONNECT =
      "import socket,sys,threading,time\n"
          + "s=socket.create_connection((sys.argv[1],int(sys.argv[2])),60); s.settimeout(None)\n"
          + "def tick():\n"
          + "  while True: s.send(sys.argv[3].encode()); time.sleep(0.1)\n"
          + "threading.Thread(target=tick).start()\n"
          + "for m in iter(lambda: s.recv(999),b''): print(m.decode(),flush=True)\n";

  private static final Pattern NUMBERS = Pattern.compile("numbers (\\d+) (\\d+) (\\d+) \\.");

  private final String serverAddress;
  private final int serverPort;
  private final Workload client;
  private final List<Process> processes = new ArrayList<>();
  private final Path atServer;
  private final Path atClient;
  private final int clientPort;
  private final long clientNext;
  private long serverNext;

  /** Opens the connection and waits until both ends use it. */
  TcpFlow(Namespace server, String address, int port, Workload client, Path state)
      throws IOException {
    serverAddress = address;
    serverPort = port;
    this.client = client;
    atServer = start(server, state, SERVE, address, "" + port);
    Await.until("it listens: " + atServer, SECONDS, () -> has(atServer, "listening"));
    atClient = start(client.sandbox(), state, CONNECT, address, "" + port, TICK);
    Await.until("the client's text arrives", SECONDS, () -> has(atServer, ".\n" + TICK));
    Matcher numbers = NUMBERS.matcher(Files.readString(atServer));
    if (!numbers.find()) {
      throw new IOException("the server does not know its sequence numbers: " + atServer);
    }
    clientPort = Integer.parseInt(numbers.group(1));
    serverNext = Long.parseLong(numbers.group(2));
    clientNext = Long.parseLong(numbers.group(3));
  }

  private Path start(Namespace in, Path state, String program, String... arguments)
      throws IOException {
    Path file = Files.createTempFile(state, "flow", "");
    List<String> command = new ArrayList<>(List.of(PYTHON, "-c", program));
    command.addAll(List.of(arguments));
    processes.add(
        new ProcessBuilder(in.enter(command))
            .redirectErrorStream(true)
            .redirectOutput(file.toFile())
            .start());
    return file;
  }

  private static boolean has(Path file, String text) throws IOException {
    return Files.readString(file).contains(text);
  }

  /** Returns what the client has read from the connection. */
  String readByClient() throws IOException {
    return Files.readString(atClient);
  }

  /** Shows that the client reads a segment that is forged at the server's end. */
  void provesForgery(Namespace server, String mac) throws IOException {
    String text = "<forged>";
    byte[] frame = fromServer(mac, text);
    Await.until(
        "the client reads the forged segment",
        SECONDS,
        () -> {
          RawNetwork.send(server, List.of(frame));
          return readByClient().contains(text);
        });
    serverNext += text.length();
  }

  /** Returns the segment that the client expects next, in the frame of who has this MAC address. */
  byte[] fromServer(String mac, String text) {
    return frame(
        mac,
        serverAddress,
        client.address(),
        segment(serverPort, clientPort, serverNext, clientNext, text));
  }

  /** Returns a segment of the client with text that the server has had room for from the start. */
  byte[] fromClient(String mac, String text) {
    return frame(
        mac,
        client.address(),
        serverAddress,
        segment(clientPort, serverPort, clientNext, serverNext, text));
  }

  private static byte[] segment(int from, int to, long number, long acknowledged, String text) {
    byte[] payload = text.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(20 + payload.length)
        .putShort((short) from)
        .putShort((short) to)
        .putInt((int) number)
        .putInt((int) acknowledged)
        .put((byte) (5 << 4))
        .put((byte) 0x18) // PSH, ACK
        .putShort((short) 0xffff)
        .putInt(0)
        .put(payload)
        .array();
  }

  private static byte[] frame(String mac, String from, String to, byte[] segment) {
    // The checksum is over the addresses, the protocol, the length and the segment.
    byte[] covered =
        ByteBuffer.allocate(12 + segment.length + segment.length % 2)
            .put(io.calico4j.core.net.IpAddress.parse(from).toBytes())
            .put(io.calico4j.core.net.IpAddress.parse(to).toBytes())
            .putShort((short) TCP)
            .putShort((short) segment.length)
            .put(segment)
            .array();
    int sum = 0;
    for (int at = 0; at < covered.length; at += 2) {
      sum += ByteBuffer.wrap(covered).getShort(at) & 0xffff;
    }
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    ByteBuffer.wrap(segment).putShort(16, (short) ~sum);
    return Frame.toHost(mac, Frame.packet(from, to, TCP, segment, 0, false));
  }

  @Override
  public void close() {
    processes.forEach(Process::destroyForcibly);
  }
}
