package io.calico4j.core.cni;

/** Reads the version a caller speaks, from whatever it sent. */
final class VersionRequest {
  private VersionRequest() {}

  /** Returns the version VERSION asks with; the newest when it sent none. */
  static String asked(String standardInput) throws CniError {
    String newest = CniVersion.newest().text();
    if (standardInput.isBlank()) {
      return newest;
    }
    String given =
        NetworkConfiguration.string(NetworkConfiguration.decode(standardInput), "cniVersion");
    return given.isEmpty() ? newest : given;
  }
}
