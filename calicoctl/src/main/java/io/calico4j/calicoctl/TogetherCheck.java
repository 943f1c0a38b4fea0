package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ValidationException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Checks the resources of one command against each other before any of them is written. */
final class TogetherCheck {
  private static final String TIER_PREFIX = "default.";

  private final List<String> problems = new ArrayList<>();

  private TogetherCheck() {}

  /**
   * Demands that no resource is given twice, and that the pools do not overlap.
   *
   * @throws ValidationException with every problem, a line each
   */
  static void run(List<ResourceReader.Given> given) throws ValidationException {
    TogetherCheck check = new TogetherCheck();
    check.duplicates(given);
    check.pools(given);
    check.fail();
  }

  /**
   * Demands that each policy's tier is stored already, or given before the policy.
   *
   * @throws ValidationException with every problem, a line each
   */
  static void references(List<ResourceReader.Given> given, Datastore datastore)
      throws ValidationException, DatastoreException {
    TogetherCheck check = new TogetherCheck();
    ResourceClient stored = new ResourceClient(datastore);
    Set<String> tiers = new HashSet<>(Set.of("default"));
    for (ResourceReader.Given one : given) {
      if (one.resource().kind().equals(ResourceKind.TIER)) {
        tiers.add(one.resource().metadata().name());
      } else if (one.resource().spec() instanceof PolicySpec policy) {
        String tier = policy.effectiveTier();
        if (!tiers.contains(tier) && stored.get(ResourceKind.TIER, "", tier).isEmpty()) {
          check.add(one, "spec.tier: there is no tier " + tier + ": create it first");
        }
      }
    }
    check.fail();
  }

  private void duplicates(List<ResourceReader.Given> given) {
    Map<ResourceKey, String> places = new HashMap<>();
    for (ResourceReader.Given one : given) {
      String before = places.putIfAbsent(identity(one.resource()), one.place());
      if (before != null) {
        add(one, "is given twice, before in " + before);
      }
    }
  }

  private static ResourceKey identity(Resource<?> resource) {
    ResourceKey key = resource.key();
    return resource.spec() instanceof PolicySpec policy
            && policy.effectiveTier().equals("default")
            && key.name().startsWith(TIER_PREFIX)
        ? new ResourceKey(key.kind(), key.namespace(), key.name().substring(TIER_PREFIX.length()))
        : key;
  }

  private void pools(List<ResourceReader.Given> given) {
    for (int i = 0; i < given.size(); i++) {
      for (int j = 0; j < i; j++) {
        ResourceReader.Given before = given.get(j);
        if (given.get(i).resource().spec() instanceof IpPoolSpec pool
            && before.resource().spec() instanceof IpPoolSpec other
            && !given.get(i).resource().key().equals(before.resource().key())
            && pool.network().overlaps(other.network())) {
          add(
              given.get(i),
              "spec.cidr: "
                  + pool.cidr()
                  + " overlaps "
                  + before.resource().key()
                  + " with "
                  + other.cidr()
                  + " in "
                  + before.place());
        }
      }
    }
  }

  private void add(ResourceReader.Given given, String problem) {
    problems.add(given.place() + ": " + given.resource().key() + " " + problem);
  }

  private void fail() throws ValidationException {
    if (!problems.isEmpty()) {
      throw new ValidationException(String.join("\n", problems), null);
    }
  }
}
