package io.calico4j.core.ipam.decision;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;

/** Where IPAM's data lives in etcd, as Calico v3 lays it out. */
public final class IpamKeys {
  /** The prefix of all IPAM keys. */
  public static final String ROOT = "/calico/ipam/v2/";

  /** The key of the IPAM configuration. */
  public static final String CONFIG = ROOT + "config";

  private static final String HANDLES = ROOT + "handle/";

  private IpamKeys() {}

  /** Returns the prefix of every block of a family. */
  public static String blocks(IpFamily family) {
    return ROOT + "assignment/" + family.keyName() + "/block/";
  }

  /** Returns the key of a block. */
  public static String block(Cidr cidr) {
    return blocks(cidr.family()) + dashed(cidr);
  }

  /** Returns the prefix of a host's affinities of a family. */
  public static String affinities(String node, IpFamily family) {
    return ROOT + "host/" + node + "/" + family.keyName() + "/block/";
  }

  /** Returns the key of a host's affinity to a block. */
  public static String affinity(String node, Cidr cidr) {
    return affinities(node, cidr.family()) + dashed(cidr);
  }

  /** Returns the key of a handle. */
  public static String handle(String handleId) {
    return HANDLES + handleId;
  }

  /** Reads the CIDR at the end of a block's or affinity's key. */
  public static Cidr cidrOf(String key) {
    return Cidr.parse(key.substring(key.lastIndexOf('/') + 1).replace('-', '/'));
  }

  private static String dashed(Cidr cidr) {
    return cidr.toString().replace('/', '-');
  }
}
