package io.calico4j.node.bird;

import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Optional;

/**
 * How the router id is chosen: {@code CALICO_ROUTER_ID}.
 *
 * @param text {@code hash}, an IPv4 address, or empty: the node's IPv4 address
 */
public record RouterId(String text) {
  /** The node's IPv4 address, and for a node without one a hash of its name. */
  public static final RouterId ADDRESS = new RouterId("");

  private static final String HASH = "hash";
  private static final int LAST_UNICAST = 223;

  /** Checks the text. */
  public RouterId {
    boolean known = text.isEmpty() || text.equals(HASH);
    if (!known
        && IpAddress.tryParse(text)
            .filter(address -> address.isV4() && address.value().signum() > 0)
            .isEmpty()) {
      throw new IllegalArgumentException("\"" + text + "\" is neither hash nor an IPv4 address");
    }
  }

  /** Returns the router id of a node. */
  IpAddress of(NodeName node, Optional<IpAddress> address) {
    if (text.isEmpty() && address.isPresent()) {
      return address.get();
    }
    return text.isEmpty() || text.equals(HASH) ? hash(node.text()) : IpAddress.parse(text);
  }

  /** The first four bytes of the name's hash, as upstream makes it. */
  private static IpAddress hash(String name) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      int first = Byte.toUnsignedInt(hash[0]);
      hash[0] = (byte) (first > LAST_UNICAST ? first - 32 : first);
      return IpAddress.ofBytes(Arrays.copyOf(hash, 4));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
