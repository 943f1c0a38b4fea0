package io.calico4j.libnetwork;

import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.MacAddress;
import java.util.regex.Pattern;

/**
 * The id of an endpoint as Docker gives it, 64 hex digits; and the names that follow from it, as
 * upstream's libnetwork-plugin derives them.
 *
 * @param text the id
 */
record EndpointId(String text) {
  private static final int SHARED = 11;
  private static final Pattern FORM = Pattern.compile("[0-9a-f]{12,128}");

  EndpointId {
    if (!FORM.matcher(text).matches()) {
      throw new IllegalArgumentException("\"" + text + "\" must be 12 to 128 hex digits");
    }
  }

  /** Reads the member EndpointID of a call. */
  static EndpointId parse(String text) throws RefusedException {
    try {
      return new EndpointId(text);
    } catch (IllegalArgumentException e) {
      throw new RefusedException("EndpointID " + e.getMessage(), e);
    }
  }

  /** Returns the name of the host's end of the pair. */
  InterfaceName hostInterface() {
    return new InterfaceName("cali" + text.substring(0, SHARED));
  }

  /** Returns the name of the container's end until Docker moves and renames it. */
  InterfaceName movedInterface() {
    return new InterfaceName("temp" + text.substring(0, SHARED));
  }

  /** Returns the container end's MAC address where the user asks for none. */
  MacAddress mac() {
    StringBuilder mac = new StringBuilder("ca");
    for (int i = 0; i < 5; i++) {
      mac.append(':').append(text, 2 * i, 2 * i + 2);
    }
    return new MacAddress(mac.toString());
  }

  /** Prints what an operator finds in docker network inspect. */
  @Override
  public String toString() {
    return text;
  }
}
