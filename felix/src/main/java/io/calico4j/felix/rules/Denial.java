package io.calico4j.felix.rules;

/**
 * Where policy drops a packet.
 *
 * @param ingress whether the packet was for the endpoint; else it was from it
 * @param owner the key of the policy or profile in the datastore, or what else decides
 * @param rule the rule's number, the first is 1; or a word for what is no rule
 */
record Denial(boolean ingress, String owner, String rule) {
  /** The owner when no profile allows a packet. */
  static final String PROFILES = "profiles";

  /** The owner when something damaged closes an endpoint. */
  static final String DAMAGED = "damaged";

  private static final String TIER = "Tier(";
  static final String END = "end";
  static final String MISSING = "missing";
  static final String CLOSED = "closed";

  /** Tells whether it is no rule of a policy or profile. */
  boolean isEnd() {
    return !Character.isDigit(rule.charAt(0));
  }

  /** A rule of a policy or profile. */
  static Denial byRule(boolean ingress, String key, int number) {
    return new Denial(ingress, key, String.valueOf(number));
  }

  /** The end of a tier whose policies decided nothing. */
  static Denial atEndOf(boolean ingress, String tier) {
    return new Denial(ingress, TIER + tier + ")", END);
  }

  /** What follows the profiles, whether there is one or not. */
  static Denial afterProfiles(boolean ingress, boolean missing) {
    return new Denial(ingress, PROFILES, missing ? MISSING : END);
  }

  /** A policy that cannot be read. */
  static Denial closed(boolean ingress) {
    return new Denial(ingress, DAMAGED, CLOSED);
  }
}
