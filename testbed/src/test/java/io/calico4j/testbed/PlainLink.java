package io.calico4j.testbed;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Two namespaces that a veth pair joins and that Calico does not know. A forged frame does here
 * what it is made to do: a test that expects it to do nothing on a host proves with this that the
 * frame is well formed. The receiver has the hardware address that Calico gives the host's end of a
 * workload's interface, so that the same bytes reach it.
 */
final class PlainLink implements AutoCloseable {
  private static final int SECONDS = 30;
  private static final String DEVICE = "eth0";
  private static final String HOST_END = "ee:ee:ee:ee:ee:ee";
  private static final String FORMER = "02:00:00:00:00:01";

  private final Namespace sender = Namespace.create("plain-sender");
  private final Namespace receiver = Namespace.create("plain-receiver");

  /** Makes both ends; the receiver has the settings that a kernel begins with. */
  PlainLink() throws IOException {
    sender.connect(DEVICE, receiver, DEVICE);
    receiver.ip("link", "set", DEVICE, "address", HOST_END);
    set("net.ipv6.conf.eth0.forwarding=0");
    set("net.ipv6.conf.eth0.accept_ra=1");
  }

  /** Sets a kernel setting of the receiver. */
  void set(String setting) throws IOException {
    receiver.command("sysctl", "-qw", setting).mustRun();
  }

  /** Shows that a claim of an address changes the receiver's ARP or neighbour entry of it. */
  void provesClaim(byte[] frame, String address, String mac) throws IOException {
    receiver.ip("neighbour", "replace", address, "lladdr", FORMER, "dev", DEVICE, "nud", "stale");
    Await.until(
        "a neighbour believes that " + mac + " has " + address,
        SECONDS,
        () -> {
          RawNetwork.send(sender, List.of(frame));
          return receiver.ip("neighbour", "show", address).contains("lladdr " + mac);
        });
  }

  /** Shows that a router advertisement gives the receiver a default route and an address. */
  void provesAdvertisement(byte[] frame, String router, String prefix) throws IOException {
    Await.until(
        "a neighbour has " + router + " as its default router, and an address in " + prefix,
        SECONDS,
        () -> {
          RawNetwork.send(sender, List.of(frame));
          return receiver.ip("-6", "route", "show", "default").contains("via " + router + " ")
              && receiver.ip("-6", "address").contains("inet6 " + prefix);
        });
  }

  /** Shows that a datagram to an address of the receiver reaches a service there. */
  void provesDatagram(byte[] frame, String listen, int port, String text, Path state)
      throws IOException {
    try (RawNetwork.Record service = RawNetwork.serve(receiver, listen, port, state)) {
      Await.until(
          text + " reaches a neighbour",
          SECONDS,
          () -> {
            RawNetwork.send(sender, List.of(frame));
            return service.text().contains(text);
          });
    }
  }

  /** Gives the receiver an address. */
  void addAddress(String address) throws IOException {
    receiver.ip("address", "add", address, "dev", DEVICE, "nodad");
  }

  @Override
  public void close() throws IOException {
    sender.delete();
    receiver.delete();
  }
}
