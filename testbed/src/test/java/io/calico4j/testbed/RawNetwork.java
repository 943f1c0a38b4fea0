package io.calico4j.testbed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Sends frames past the network stack of a sandbox, and records what texts arrive in one. */
final class RawNetwork {
  private static final String PYTHON = "/usr/bin/python3";
  private static final String SEND =
      "import socket,sys\n"
          + "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,0); s.bind(('eth0',0))\n"
          + "for f in sys.argv[1:]: s.send(bytes.fromhex(f))\n";

  /** Writes each text in angle brackets that comes in by eth0, and a first line when it listens. */
  private static final String RECORD =
      "import socket,re,sys\n"
          + "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3)); s.bind(('eth0',3))\n"
          + "print('listening',flush=True)\n"
          + "while True:\n"
          + "  f,a=s.recvfrom(65535)\n"
          + "  if a[2]!=4:\n"
          + "    for m in re.findall(rb'<[a-z0-9-]+>',f): print(m.decode(),flush=True)\n";

  private static final String SERVE =
      "import socket,sys\n"
          + "v6=':' in sys.argv[1]\n"
          + "s=socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,socket.SOCK_DGRAM)\n"
          + "s.bind((sys.argv[1],int(sys.argv[2])))\n"
          + "print('listening',flush=True)\n"
          + "while True:\n"
          + "  m,a=s.recvfrom(65535); print(m.decode(),flush=True); s.sendto(m,a)\n";

  private RawNetwork() {}

  /** Sends frames from a sandbox, in their order. */
  static void send(Namespace from, List<byte[]> frames) throws IOException {
    List<String> command = new ArrayList<>(List.of(PYTHON, "-c", SEND));
    frames.forEach(frame -> command.add(HexFormat.of().formatHex(frame)));
    from.command(command.toArray(String[]::new)).mustRun();
  }

  /** A process that writes down what it receives. */
  static final class Record implements AutoCloseable {
    private final Process process;
    private final Path file;

    private Record(List<String> command, Path state) throws IOException {
      file = Files.createTempFile(state, "received", "");
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(file.toFile())
              .start();
      Await.until("it listens: " + file, 20, () -> text().startsWith("listening"));
    }

    /** Returns everything that has been received so far. */
    String text() throws IOException {
      return Files.readString(file);
    }

    /** Waits until a text has come. */
    void await(String expected) throws IOException {
      Await.until(expected + " arrives in " + file, 20, () -> text().contains(expected));
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  /** Records what arrives at a sandbox's interface, whether its stack takes it or not. */
  static Record record(Namespace in, Path state) throws IOException {
    return new Record(in.enter(List.of(PYTHON, "-c", RECORD)), state);
  }

  /** Serves UDP: records what it is sent and sends it back. */
  static Record serve(Namespace in, String address, int port, Path state) throws IOException {
    return new Record(in.enter(List.of(PYTHON, "-c", SERVE, address, "" + port)), state);
  }
}
