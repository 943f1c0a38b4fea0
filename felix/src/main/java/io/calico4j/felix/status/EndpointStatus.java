package io.calico4j.felix.status;

import java.util.Locale;

/** What Felix reports of an endpoint ({@code felix/dataplane/linux/endpoint_mgr.go}). */
public enum EndpointStatus {
  /** Its rules are in the kernel and its interface is up. */
  UP,
  /** Its interface is down, or its rules are not in the kernel. */
  DOWN,
  /** No interface is the host endpoint's. */
  ERROR;

  /** Returns the value of a status key. */
  String json() {
    return "{\"status\":\"" + name().toLowerCase(Locale.ROOT) + "\"}";
  }
}
