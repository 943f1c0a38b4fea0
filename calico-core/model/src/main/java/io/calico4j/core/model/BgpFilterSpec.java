package io.calico4j.core.model;

import com.google.gson.annotations.SerializedName;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a BGPFilter: which routes a peer is told and which are taken from it. The rules of a list
 * are tried in order; the first that matches decides, and a route that none matches goes on to the
 * next filter.
 *
 * @param exportV4 IPv4 routes to the peer
 * @param importV4 IPv4 routes from the peer
 * @param exportV6 IPv6 routes to the peer
 * @param importV6 IPv6 routes from the peer
 */
public record BgpFilterSpec(
    List<Rule> exportV4, List<Rule> importV4, List<Rule> exportV6, List<Rule> importV6) {
  /** Copies the lists; absent ones become empty. */
  public BgpFilterSpec {
    exportV4 = Lists.copy(exportV4);
    importV4 = Lists.copy(importV4);
    exportV6 = Lists.copy(exportV6);
    importV6 = Lists.copy(importV6);
  }

  /**
   * A rule; all conditions that are given must hold.
   *
   * @param action Accept or Reject
   * @param cidr a network that the route's is compared with
   * @param matchOperator how: Equal, NotEqual, In or NotIn
   * @param prefixLength limits of the route's prefix length
   * @param source RemotePeers: routes that were learnt by BGP
   * @param interfaceName the interface that the route leads to, in JSON {@code interface}; may have
   *     the wildcards * and ?
   * @param peerType eBGP or iBGP: the kind of session
   * @param communities that the route has
   * @param asPathPrefix what the route's AS path begins with
   * @param priority the route's metric
   * @param operations what is done with a route that is accepted
   */
  public record Rule(
      @Nullable String action,
      @Nullable String cidr,
      @Nullable String matchOperator,
      @Nullable PrefixLength prefixLength,
      @Nullable String source,
      @SerializedName("interface") @Nullable String interfaceName,
      @Nullable String peerType,
      @Nullable Communities communities,
      List<AsNumber> asPathPrefix,
      @Nullable Integer priority,
      List<Operation> operations) {
    /** Copies the lists; absent ones become empty. */
    public Rule {
      asPathPrefix = Lists.copy(asPathPrefix);
      operations = Lists.copy(operations);
    }
  }

  /**
   * Limits of a prefix length.
   *
   * @param min the least; the network's own when null
   * @param max the most; 32 or 128 when null
   */
  public record PrefixLength(@Nullable Integer min, @Nullable Integer max) {}

  /**
   * Communities that a route must have.
   *
   * @param values exactly one
   */
  public record Communities(List<String> values) {
    /** Copies the list; an absent one becomes empty. */
    public Communities {
      values = Lists.copy(values);
    }
  }

  /**
   * A change of a route; exactly one is given.
   *
   * @param addCommunity adds a community
   * @param prependASPath lengthens the AS path
   * @param setPriority sets the metric
   */
  public record Operation(
      @Nullable AddCommunity addCommunity,
      @Nullable PrependAsPath prependASPath,
      @Nullable SetPriority setPriority) {}

  /**
   * Adds a community.
   *
   * @param value {@code aa:nn} or {@code aa:nn:mm}
   */
  public record AddCommunity(@Nullable String value) {}

  /**
   * Lengthens the AS path.
   *
   * @param prefix what it begins with afterwards
   */
  public record PrependAsPath(List<AsNumber> prefix) {
    /** Copies the list; an absent one becomes empty. */
    public PrependAsPath {
      prefix = Lists.copy(prefix);
    }
  }

  /**
   * Sets the metric.
   *
   * @param value 1 to 2147483646
   */
  public record SetPriority(@Nullable Integer value) {}
}
