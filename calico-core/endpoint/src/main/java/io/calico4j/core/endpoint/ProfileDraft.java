package io.calico4j.core.endpoint;

import io.calico4j.core.model.ProfileSpec;
import io.calico4j.core.model.ReservedLabels;
import io.calico4j.core.model.Rule;
import io.calico4j.core.name.ProfileName;
import java.util.List;
import java.util.Map;

/**
 * A profile that is created unless there is one of its name: an operator's own version stays.
 *
 * @param name the profile's name
 * @param spec what it holds when it is created
 */
public record ProfileDraft(ProfileName name, ProfileSpec spec) {
  /**
   * Begins the label by which a profile knows its members. Containers cannot ask for such a label,
   * so that none becomes a member by a label of its own.
   */
  static final String MEMBER = ReservedLabels.MEMBERS;

  private static final List<Rule> EVERYTHING = List.of(Rule.always(Rule.Action.Allow));

  /**
   * Makes the profile of a network or group: its members carry a label named like it, for policies,
   * reach each other, and send anywhere (calico-cni's and calico-mesos' default).
   *
   * @param name the profile's name, which must also be a label key
   */
  public static ProfileDraft ofMembers(ProfileName name) {
    Rule.Peer members = Rule.Peer.selected("has(" + MEMBER + name + ")");
    Rule fromMembers =
        new Rule(Rule.Action.Allow, null, null, null, null, null, null, members, Rule.Peer.ANY);
    return new ProfileDraft(
        name,
        new ProfileSpec(
            Map.of(name.text(), "", MEMBER + name, ""), List.of(fromMembers), EVERYTHING));
  }

  /** Makes a profile that lets everybody in and out. */
  public static ProfileDraft open(ProfileName name) {
    return new ProfileDraft(name, new ProfileSpec(Map.of(), EVERYTHING, EVERYTHING));
  }

  /**
   * Makes a profile that lets one network in, and out to it.
   *
   * @param net the network, as a CIDR
   */
  public static ProfileDraft ofNet(ProfileName name, String net) {
    Rule.Peer peer = Rule.Peer.within(List.of(net));
    return new ProfileDraft(
        name,
        new ProfileSpec(
            Map.of(),
            List.of(
                new Rule(
                    Rule.Action.Allow, null, null, null, null, null, null, peer, Rule.Peer.ANY)),
            List.of(
                new Rule(
                    Rule.Action.Allow, null, null, null, null, null, null, Rule.Peer.ANY, peer))));
  }
}
