package io.calico4j.core.resource;

import io.calico4j.core.net.IpAddress;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a BGP peer listens: BGPPeer's {@code peerIP}.
 *
 * @param address its address
 * @param port its TCP port; empty when none is given
 */
public record PeerAddress(IpAddress address, OptionalInt port) {
  private static final Pattern BRACKETS = Pattern.compile("\\[([0-9A-Fa-f:.]+)](?::([0-9]{1,5}))?");
  private static final Pattern V4 = Pattern.compile("([0-9.]+)(?::([0-9]{1,5}))?");
  private static final int LAST_PORT = 65535;

  /**
   * Reads {@code 192.0.2.1}, {@code 192.0.2.1:1790}, {@code 2001:db8::1} or {@code
   * [2001:db8::1]:1790}; empty when the text is none of them.
   */
  public static Optional<PeerAddress> tryParse(String text) {
    for (Pattern pattern : new Pattern[] {BRACKETS, V4}) {
      Matcher matcher = pattern.matcher(text);
      if (matcher.matches()) {
        String port = matcher.group(2);
        OptionalInt number =
            port == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(port));
        if (number.isPresent() && (number.getAsInt() < 1 || number.getAsInt() > LAST_PORT)) {
          return Optional.empty();
        }
        return IpAddress.tryParse(matcher.group(1)).map(a -> new PeerAddress(a, number));
      }
    }
    return IpAddress.tryParse(text).map(address -> new PeerAddress(address, OptionalInt.empty()));
  }
}
