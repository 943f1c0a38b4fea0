package io.calico4j.mesos;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.ProfileDraft;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import java.util.ArrayList;
import java.util.List;

/**
 * The profiles calico-mesos made, in its order: the agent's host, {@code public}, and one for each
 * netgroup.
 */
final class NetModulesProfiles {
  private static final ProfileName PUBLIC = new ProfileName("public");

  private final ResourceClient resources;
  private final NodeName node;

  NetModulesProfiles(ResourceClient resources, NodeName node) {
    this.resources = resources;
    this.node = node;
  }

  List<ProfileDraft> of(String hostname, List<String> groups)
      throws DatastoreException, RefusedRequestException {
    List<ProfileDraft> profiles = new ArrayList<>();
    profiles.add(
        ProfileDraft.ofNet(
            new ProfileName("default_" + LabelNames.ofGroup(hostname)), hostAddress() + "/32"));
    if (groups.contains(PUBLIC.text())) {
      profiles.add(ProfileDraft.open(PUBLIC));
    }
    groups.stream()
        .filter(group -> !group.equals(PUBLIC.text()))
        .map(LabelNames::ofGroup)
        .distinct()
        .map(ProfileName::new)
        .map(ProfileDraft::ofMembers)
        .forEach(profiles::add);
    return profiles;
  }

  private String hostAddress() throws DatastoreException, RefusedRequestException {
    NodeSpec.Bgp bgp =
        resources.get(ResourceKind.NODE, "", node.text()).map(n -> n.spec().bgp()).orElse(null);
    String address = bgp == null ? null : bgp.ipv4Address();
    if (address == null) {
      throw new RefusedRequestException(
          "node " + node + " has no address: is calico-node running there?");
    }
    int slash = address.indexOf('/');
    return slash < 0 ? address : address.substring(0, slash);
  }
}
