package io.calico4j.testbed;

import java.io.IOException;

/** Sends real packets from one sandbox to an address. */
public final class PacketProbe {
  /** The port workloads listen on. */
  public static final int PORT = 8080;

  private static final String FETCH =
      "exec 3<>\"/dev/tcp/$1/$2\" && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ok <&3";

  private PacketProbe() {}

  /** Tells whether a ping comes back within a second. */
  public static boolean ping(Namespace from, String address) throws IOException {
    return from.command("busybox", "ping", "-c", "1", "-W", "1", address).run().exitCode() == 0;
  }

  /** Tells whether a ping with a source address of its own choice comes back within a second. */
  public static boolean pingFrom(Namespace from, String source, String address) throws IOException {
    return from.command("busybox", "ping", "-I", source, "-c", "1", "-W", "1", address)
            .run()
            .exitCode()
        == 0;
  }

  /** Tells whether a TCP connection to the web server of a workload is answered within a second. */
  public static boolean tcp(Namespace from, String address) throws IOException {
    return tcp(from, address, PORT);
  }

  /** The same for another port, which leads to a workload's web server. */
  public static boolean tcp(Namespace from, String address, int port) throws IOException {
    return from.command(
                "timeout", "1", "bash", "-c", FETCH, "fetch", address, Integer.toString(port))
            .run()
            .exitCode()
        == 0;
  }
}
