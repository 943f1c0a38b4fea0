package io.calico4j.core.ipam.decision;

import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import java.util.Optional;

/** Where IPAM's data lives in etcd, as Calico v3 lays it out. */
public final class IpamKeys {
  /** The prefix of all IPAM keys. */
  public static final String ROOT = "/calico/ipam/v2/";

  /** The key of the IPAM configuration. */
  public static final String CONFIG = ROOT + "config";

  /** The prefix of the affinities of all hosts. */
  public static final String HOSTS = ROOT + "host/";

  /** The prefix of the blocks of both families. */
  public static final String BLOCKS = ROOT + "assignment/";

  /** Below it, the handles by their ids. */
  public static final String HANDLES = ROOT + "handle/";

  private IpamKeys() {}

  /** Returns the prefix of every block of a family. */
  public static String blocks(IpFamily family) {
    return BLOCKS + family.keyName() + "/block/";
  }

  /** Returns the key of a block. */
  public static String block(Cidr cidr) {
    return blocks(cidr.family()) + dashed(cidr);
  }

  /** Returns the prefix of a host's affinities of a family. */
  public static String affinities(NodeName node, IpFamily family) {
    return affinities(node.text(), family);
  }

  private static String affinities(String host, IpFamily family) {
    return HOSTS + host + "/" + family.keyName() + "/block/";
  }

  /** Returns the key of a host's affinity to a block. */
  public static String affinity(NodeName node, Cidr cidr) {
    return Affinity.of(node, cidr).key();
  }

  /**
   * Whose block it is, as an affinity's key or a block says.
   *
   * @param node the host as it is stored there, which may be no node's name
   * @param block the block
   */
  public record Affinity(String node, Cidr block) {
    /** Makes a node's. */
    public static Affinity of(NodeName node, Cidr block) {
      return new Affinity(node.text(), block);
    }

    /** Returns its key. */
    public String key() {
      return affinities(node, block.family()) + dashed(block);
    }

    /** Tells whether the block says so too. */
    public boolean isOf(Block stored) {
      return ("host:" + node).equals(stored.affinity());
    }
  }

  /** Reads an affinity's key; empty when it is none. */
  public static Optional<Affinity> parseAffinity(String key) {
    int slash = key.indexOf('/', HOSTS.length());
    int name = key.lastIndexOf('/');
    if (!key.startsWith(HOSTS) || slash < 0 || !key.substring(0, name).endsWith("/block")) {
      return Optional.empty();
    }
    return Cidr.tryParse(key.substring(name + 1).replace('-', '/'))
        .map(cidr -> new Affinity(key.substring(HOSTS.length(), slash), cidr));
  }

  /** Returns the key of a handle. */
  public static String handle(HandleId handleId) {
    return HANDLES + handleId;
  }

  /** Reads the CIDR at the end of a block's or affinity's key, which must have been read before. */
  public static Cidr cidrOf(String key) {
    return tryCidrOf(key)
        .orElseThrow(
            () -> new IllegalArgumentException("key " + key + " does not end with a CIDR"));
  }

  /** Reads the CIDR at the end of a block's or affinity's key; empty when the key is damaged. */
  public static Optional<Cidr> tryCidrOf(String key) {
    String last = key.substring(key.lastIndexOf('/') + 1);
    return Cidr.tryParse(last.replace('-', '/')).filter(cidr -> dashed(cidr).equals(last));
  }

  private static String dashed(Cidr cidr) {
    return cidr.toString().replace('/', '-');
  }
}
