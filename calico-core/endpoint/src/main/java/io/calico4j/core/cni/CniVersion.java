package io.calico4j.core.cni;

import java.util.Arrays;
import java.util.List;

/** The spec versions, and what tells them apart. */
public enum CniVersion {
  /** 0.1.0: ip4 and ip6. */
  V0_1_0("0.1.0"),
  /** 0.2.0: VERSION. */
  V0_2_0("0.2.0"),
  /** 0.3.0: interfaces, ips and routes. */
  V0_3_0("0.3.0"),
  /** 0.3.1: as 0.3.0. */
  V0_3_1("0.3.1"),
  /** 0.4.0: CHECK. */
  V0_4_0("0.4.0"),
  /** 1.0.0: addresses without version. */
  V1_0_0("1.0.0"),
  /** 1.1.0: GC and STATUS. */
  V1_1_0("1.1.0");

  private final String text;

  CniVersion(String text) {
    this.text = text;
  }

  /** Returns the version as it is written. */
  public String text() {
    return text;
  }

  /** Returns the versions as they are written, oldest first. */
  public static List<String> supported() {
    return Arrays.stream(values()).map(CniVersion::text).toList();
  }

  /** Parses a configuration's version; none at all is 0.1.0, as in the reference library. */
  public static CniVersion parse(String text) throws CniError {
    if (text.isEmpty()) {
      return V0_1_0;
    }
    for (CniVersion version : values()) {
      if (version.text.equals(text)) {
        return version;
      }
    }
    throw new CniError(
        CniError.INCOMPATIBLE_VERSION,
        "cniVersion \"" + text + "\" is not supported: use one of the supported versions",
        "supported versions: " + String.join(", ", supported()));
  }

  /** Tells whether results have {@code ip4} and {@code ip6} instead of {@code ips}. */
  public boolean hasFamilyMembers() {
    return compareTo(V0_3_0) < 0;
  }

  /** Tells whether an interface of a result says its MTU. */
  public boolean hasInterfaceMtu() {
    return compareTo(V1_1_0) >= 0;
  }

  /** Tells whether the version has the CHECK operation. */
  public boolean hasCheck() {
    return compareTo(V0_4_0) >= 0;
  }

  /** Tells whether each address of a result says which family it has. */
  public boolean hasAddressVersion() {
    return compareTo(V1_0_0) < 0;
  }

  /** Tells whether the version has the operations GC and STATUS. */
  public boolean hasGcAndStatus() {
    return compareTo(V1_1_0) >= 0;
  }

  /** Returns the newest one. */
  public static CniVersion newest() {
    return V1_1_0;
  }
}
