package io.calico4j.felix.rules;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the prefixes of logged packets stand for, and whose interfaces are. A prefix has a digest
 * instead of a name, which may be longer than the 64 bytes that iptables and upstream allow. Safe
 * for use by many threads.
 */
public final class DenialNames {
  /**
   * Verdict D (deny), direction I or E, the rule's number or a word, the digest of the owner's key,
   * which is also in the names of the owner's chains.
   */
  private static final Pattern PREFIX = Pattern.compile("calico:D([IE]):([0-9a-z]+):([0-9a-f]+)");

  /** The interface of a host endpoint that has all interfaces without one of their own. */
  private static final String ANY = "*";

  private final Map<String, String> owners = new HashMap<>();
  private final Map<String, String> endpoints = new HashMap<>();

  DenialNames() {}

  /**
   * Where a packet was dropped, in words.
   *
   * @param ingress whether the packet was for the endpoint; else it was from it
   * @param policy the policy, the profile or the tier as {@code Kind(namespace/name)}, {@code
   *     profiles} or {@code damaged}; {@code removed} for a policy that is gone
   * @param rule the rule's number, the first is 1; {@code end} of a tier or of the profiles, {@code
   *     missing} for a profile that is missing, {@code closed} for what is damaged
   */
  public record Place(boolean ingress, String policy, String rule) {}

  /** Returns the prefix of a place, at most 64 bytes without quotation marks. */
  String prefix(Denial denial) {
    if (denial.isEnd()) {
      put(denial.owner(), denial.owner());
    }
    return "calico:D"
        + (denial.ingress() ? "I:" : "E:")
        + denial.rule()
        + ":"
        + Digest.of(denial.owner());
  }

  /** Notes the name of a policy or profile, or of what else drops. */
  synchronized void put(String key, String name) {
    owners.put(Digest.of(key), name);
  }

  /** Forgets a policy or profile. */
  synchronized void remove(String key) {
    owners.remove(Digest.of(key));
  }

  /** Notes whose an interface is. */
  synchronized void putEndpoint(String interfaceName, String name) {
    endpoints.put(interfaceName, name);
  }

  /** Forgets whose an interface was. */
  synchronized void removeEndpoint(String interfaceName) {
    endpoints.remove(interfaceName);
  }

  /** Returns what a prefix stands for; empty when it is none of these rules'. */
  public synchronized Optional<Place> find(String prefix) {
    Matcher matcher = PREFIX.matcher(prefix);
    return matcher.matches()
        ? Optional.of(
            new Place(
                matcher.group(1).equals("I"),
                owners.getOrDefault(matcher.group(3), "removed"),
                matcher.group(2)))
        : Optional.empty();
  }

  /**
   * Returns the endpoint of a dropped packet as {@code Kind(namespace/name)}: the one that has the
   * interface on the place's side, or else the other interface; {@code -} when neither has one.
   *
   * @param in the interface that the packet came by; may be empty
   * @param out the interface that it would leave by, so
   */
  public synchronized String endpoint(boolean ingress, String in, String out) {
    // A workload's packet to the host, or a host endpoint's, has one interface only.
    String first = ingress ? out : in;
    String second = ingress ? in : out;
    for (String name : new String[] {first, second, ANY}) {
      String endpoint = endpoints.get(name);
      if (endpoint != null) {
        return endpoint;
      }
    }
    return "-";
  }
}
