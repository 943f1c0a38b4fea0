package io.calico4j.felix.calculation;

import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.selector.Selector;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Combines the selectors of rules with their namespaces, as upstream's update processors do. */
public final class Selectors {
  /** Names of namespaces and service accounts; none of these letters ends a quoted text. */
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?");

  private Selectors() {}

  /** Returns what restricts a selector to the namespace of a policy. */
  static Selector inNamespace(Resource<?> policy) {
    return inNamespace(String.valueOf(policy.metadata().namespace()));
  }

  /** Returns what restricts a selector to a namespace. */
  static Selector inNamespace(String namespace) {
    if (!NAME.matcher(namespace).matches()) {
      throw new IllegalArgumentException("namespace \"" + namespace + "\" is no name");
    }
    return Selector.parse("projectcalico.org/namespace == '" + namespace + "'");
  }

  /** Returns the selector of endpoints whose namespaces are selected. */
  static Selector ofNamespaces(String text) {
    Selector selector = Selector.parse(text);
    return switch (selector.canonical()) {
      case "all()" -> Selector.parse("has(projectcalico.org/namespace)");
      case "global()" -> Selector.parse("!has(projectcalico.org/namespace)");
      default -> selector.prefixed("pcns.");
    };
  }

  /**
   * Returns the selector of a rule's peer; empty when it is not restricted by labels.
   *
   * @param owner the policy or profile the rule belongs to
   * @param peer the peer
   * @throws IllegalArgumentException when a selector does not parse
   */
  public static Optional<Selector> ofPeer(Resource<?> owner, Rule.Peer peer) {
    boolean namespaced =
        owner.spec() instanceof PolicySpec && owner.kind().equals(ResourceKind.NETWORK_POLICY);
    Rule.ServiceAccounts accounts = peer.serviceAccounts();
    boolean given = isGiven(peer.selector()) || accounts != null;
    Selector selector =
        isGiven(peer.selector()) ? Selector.parse(String.valueOf(peer.selector())) : Selector.all();
    if (accounts != null) {
      selector = selector.and(ofServiceAccounts(accounts));
    }
    if (isGiven(peer.namespaceSelector())) {
      return Optional.of(ofNamespaces(String.valueOf(peer.namespaceSelector())).and(selector));
    }
    if (namespaced && (given || isGiven(peer.notSelector()))) {
      return Optional.of(inNamespace(owner).and(selector));
    }
    return given ? Optional.of(selector) : Optional.empty();
  }

  private static Selector ofServiceAccounts(Rule.ServiceAccounts accounts) {
    Selector selector = Selector.all();
    if (!accounts.names().isEmpty()) {
      for (String name : accounts.names()) {
        if (!NAME.matcher(name).matches()) {
          throw new IllegalArgumentException("service account \"" + name + "\" is no name");
        }
      }
      selector =
          Selector.parse(
              "projectcalico.org/serviceaccount in {'"
                  + String.join("', '", accounts.names())
                  + "'}");
    }
    return isGiven(accounts.selector())
        ? selector.and(Selector.parse(String.valueOf(accounts.selector())).prefixed("pcsa."))
        : selector;
  }

  private static boolean isGiven(@Nullable String text) {
    return text != null && !text.isEmpty();
  }
}
