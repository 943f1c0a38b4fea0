package io.calico4j.core.testing;

import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Rule;
import io.calico4j.core.model.Rule.Peer;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Makes a rule. */
public final class RuleBuilder {
  private final Rule.Action action;
  private @Nullable Protocol protocol;
  private Rule.@Nullable Icmp icmp;
  private Peer source = Peer.ANY;
  private Peer destination = Peer.ANY;

  RuleBuilder(Rule.Action action) {
    this.action = action;
  }

  /** Demands a protocol. */
  public RuleBuilder protocol(Protocol newProtocol) {
    protocol = newProtocol;
    return this;
  }

  /** Demands a type of ICMP. */
  public RuleBuilder icmp(int type) {
    icmp = new Rule.Icmp(type, null);
    return protocol(Protocol.ICMP);
  }

  /** Demands a sender with labels. */
  public RuleBuilder from(String selector, String... ports) {
    source = peer(selector, ports);
    return this;
  }

  /** Demands a sender in one of some networks. */
  public RuleBuilder fromNets(String... nets) {
    source = Peer.within(List.of(nets));
    return this;
  }

  /** Demands one of some ports of the receiver. */
  public RuleBuilder toPorts(String... ports) {
    destination = peer(null, ports);
    return this;
  }

  private static Peer peer(@Nullable String selector, String... ports) {
    return new Peer(
        List.of(),
        List.of(),
        selector,
        null,
        null,
        Stream.of(ports).map(PortMatch::parse).toList(),
        List.of(),
        null,
        null);
  }

  /** Returns the rule. */
  public Rule build() {
    return new Rule(action, null, protocol, null, icmp, null, null, source, destination);
  }
}
