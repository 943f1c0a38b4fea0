package io.calico4j.core.model;

import java.util.List;

/**
 * Label keys that only the cluster sets, never a workload: policies and profiles trust them. {@code
 * projectcalico.org/} names namespace, service account and orchestrator, {@code pcns.} and {@code
 * pcsa.} begin the labels of namespaces and service accounts, and {@code members.calico4j.io/}
 * makes members of a profile.
 */
public final class ReservedLabels {
  /** The prefixes, in the order of the documentation. */
  public static final List<String> PREFIXES =
      List.of(
          "projectcalico.org/", "cni.projectcalico.org/", "pcns.", "pcsa.", ReservedLabels.MEMBERS);

  /** Begins the label by which a profile knows its members. */
  public static final String MEMBERS = "members.calico4j.io/";

  private ReservedLabels() {}

  /** Tells whether a label of this key must not come from a workload. */
  public static boolean contain(String key) {
    return PREFIXES.stream().anyMatch(key::startsWith);
  }
}
