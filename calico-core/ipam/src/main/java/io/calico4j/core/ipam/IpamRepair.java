package io.calico4j.core.ipam;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Puts right what {@link IpamCheck} reports, as far as that can be done without doubt: what is
 * doubtful stays reported. What counts is what two checks report with some time between them, and
 * each repair is a transaction that fails if anything has changed since.
 */
public final class IpamRepair {
  private IpamRepair() {}

  /**
   * Repairs what is wrong now and was wrong, in the same way, before.
   *
   * @param datastore the datastore
   * @param before what a check found some time ago; longer ago than an attachment takes
   * @return what was put right
   */
  public static List<IpamCheck.Problem> run(Datastore datastore, List<IpamCheck.Problem> before)
      throws DatastoreException {
    Set<IpamCheck.Problem> known = new HashSet<>(before);
    Set<String> nodes = new HashSet<>();
    for (Resource<?> node : new ResourceClient(datastore).list(ResourceKind.NODE)) {
      nodes.add(node.metadata().name());
    }
    List<IpamCheck.Problem> repaired = new ArrayList<>();
    try (Ipam ipam = Ipam.ofCluster(datastore)) {
      for (IpamCheck.Problem problem : IpamCheck.run(datastore)) {
        if (known.contains(problem) && isCertain(problem, nodes) && ipam.repair(problem)) {
          repaired.add(problem);
        }
      }
    }
    return repaired;
  }

  /**
   * A leak is certain when its node is gone, or when it was made together with an endpoint: then
   * only the endpoint's deletion can have left it. An address that was reserved, as Mesos
   * frameworks do, has no endpoint yet; a tunnel's address belongs to its node.
   */
  private static boolean isCertain(IpamCheck.Problem problem, Set<String> nodes) {
    IpamCheck.Leak leak = problem.leak();
    if (problem.kind() != IpamCheck.Kind.LEAKED || leak == null) {
      return true;
    }
    Map<String, String> attributes = leak.owner().secondary();
    String node = attributes.get("node");
    return node != null
        && (!nodes.contains(node)
            || attributes.containsKey("interface")
            || attributes.containsKey("pod"));
  }
}
