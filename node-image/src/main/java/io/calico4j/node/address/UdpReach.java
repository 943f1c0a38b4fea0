package io.calico4j.node.address;

import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Optional;

/** Asks the kernel's routes by a UDP socket that is connected and sends nothing. */
public final class UdpReach implements Autodetection.Reach {
  /** Any port does. */
  private static final int PORT = 80;

  /** Opens nothing yet. */
  public UdpReach() {}

  @Override
  public Optional<IpAddress> sourceTo(String destination, IpFamily family) {
    try (DatagramSocket socket = new DatagramSocket()) {
      for (InetAddress each : InetAddress.getAllByName(destination)) {
        if (IpAddress.ofBytes(each.getAddress()).family() == family) {
          socket.connect(new InetSocketAddress(each, PORT));
          return Optional.of(IpAddress.ofBytes(socket.getLocalAddress().getAddress()));
        }
      }
    } catch (UnknownHostException | SocketException | UncheckedIOException e) {
      // It has no address, or there is no route: nothing is found this way.
    }
    return Optional.empty();
  }
}
