package io.calico4j.felix.config;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.setting.ValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A port that stays open at host endpoints whatever policy says.
 *
 * @param protocol tcp, udp or sctp
 * @param network the network at the other end; null is any
 * @param port 0 to 65535
 */
public record FailsafePort(String protocol, @Nullable Cidr network, int port) {
  private static final Pattern FORM =
      Pattern.compile("(?:(tcp|udp|sctp):)?(?:([0-9a-f.:/\\[\\]]+):)?([0-9]{1,5})");
  private static final int LAST_PORT = 65_535;

  /** Returns how a list of them is written: comma-separated, or {@code none}. */
  static ValueType<List<FailsafePort>> list() {
    return ValueType.of(
        "none, or comma-separated ports such as tcp:22 or tcp:10.0.0.0/8:22",
        FailsafePort::parseAll);
  }

  private static Optional<List<FailsafePort>> parseAll(String text) {
    List<FailsafePort> ports = new ArrayList<>();
    if (text.strip().equalsIgnoreCase("none")) {
      return Optional.of(ports);
    }
    for (String each : text.split(",", -1)) {
      if (each.isBlank()) {
        continue;
      }
      Optional<FailsafePort> port = parse(each.strip().toLowerCase(Locale.ROOT));
      if (port.isEmpty()) {
        return Optional.empty();
      }
      ports.add(port.get());
    }
    return Optional.of(List.copyOf(ports));
  }

  private static Optional<FailsafePort> parse(String text) {
    Matcher form = FORM.matcher(text);
    if (!form.matches() || Integer.parseInt(form.group(3)) > LAST_PORT) {
      return Optional.empty();
    }
    String protocol = form.group(1) == null ? "tcp" : form.group(1);
    int port = Integer.parseInt(form.group(3));
    if (form.group(2) == null) {
      return Optional.of(new FailsafePort(protocol, null, port));
    }
    // An IPv6 network may stand in brackets, which hold its length or not.
    return Cidr.tryParse(form.group(2).replaceAll("[\\[\\]]", ""))
        .map(network -> new FailsafePort(protocol, network, port));
  }
}
