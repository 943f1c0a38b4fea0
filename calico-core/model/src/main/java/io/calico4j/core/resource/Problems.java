package io.calico4j.core.resource;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.selector.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Collects what is wrong with a resource, each with the path of its field; has the checks that many
 * kinds share.
 */
final class Problems {
  private final List<String> found = new ArrayList<>();

  /** Notes a problem. */
  void add(String path, String problem) {
    found.add(path + ": " + problem);
  }

  /** Throws all that was found, if anything was. */
  void fail(String title) throws ValidationException {
    if (!found.isEmpty()) {
      throw new ValidationException(title + " " + String.join("; ", found), null);
    }
  }

  /** Demands a text that is neither null nor empty. */
  boolean required(String path, @Nullable String text) {
    if (text == null || text.isEmpty()) {
      add(path, "is missing");
      return false;
    }
    return true;
  }

  /** Demands that a text, if given, has the form. */
  void form(String path, @Nullable String text, Pattern form, String description) {
    if (text != null && !form.matcher(text).matches()) {
      add(path, "\"" + text + "\" is not " + description);
    }
  }

  /** Demands that a selector, if given, parses and does not say {@code global()}. */
  void selector(String path, @Nullable String text) {
    selector(path, text, false);
  }

  /** The same where {@code global()} has a meaning: in a peer's namespaceSelector. */
  void selectorOrGlobal(String path, @Nullable String text) {
    selector(path, text, true);
  }

  private void selector(String path, @Nullable String text, boolean globalAllowed) {
    if (text == null) {
      return;
    }
    try {
      if (Selector.parse(text).mentionsGlobal() && !globalAllowed) {
        add(path, "global() has a meaning only in the namespaceSelector of a rule's peer");
      } else if (text.contains("global()") && !text.strip().equals("global()")) {
        add(path, "global() stands alone");
      }
    } catch (IllegalArgumentException e) {
      add(path, String.valueOf(e.getMessage()));
    }
  }

  /** Demands a CIDR or an address; returns it when it is one. */
  Optional<Cidr> cidr(String path, String text) {
    Optional<Cidr> cidr = Cidr.tryParse(text);
    if (cidr.isEmpty()) {
      add(path, "\"" + text + "\" is not a CIDR such as 10.65.0.0/16 or fd00::/64");
    }
    return cidr;
  }

  /** Demands CIDRs or addresses. */
  void cidrs(String path, List<String> texts) {
    for (int i = 0; i < texts.size(); i++) {
      Optional<Cidr> unused = cidr(path + "[" + i + "]", texts.get(i));
    }
  }

  /** Demands an address, if given; returns it when it is one. */
  Optional<IpAddress> address(String path, @Nullable String text) {
    if (text == null || text.isEmpty()) {
      return Optional.empty();
    }
    Optional<IpAddress> address = IpAddress.tryParse(text);
    if (address.isEmpty()) {
      add(path, "\"" + text + "\" is not an IP address");
    }
    return address;
  }
}
