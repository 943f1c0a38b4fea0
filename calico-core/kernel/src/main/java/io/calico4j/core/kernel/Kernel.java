package io.calico4j.core.kernel;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The way into the kernel: namespaces, netlink sockets, sysctls. Safe for use by many threads. */
public interface Kernel {
  /**
   * Opens a network namespace by path; ENOENT when nothing is there, EINVAL when it is no network
   * namespace.
   */
  NetworkNamespace openNamespace(Path path) throws KernelException;

  /** Takes over a descriptor that came by SCM_RIGHTS. EINVAL when it is no network namespace. */
  NetworkNamespace adoptNamespace(int descriptor, String name) throws KernelException;

  /** Opens a netlink socket in this process's own namespace. */
  Netlink netlink() throws KernelException;

  /** Opens a netlink socket in a namespace; it may outlive the namespace object. */
  Netlink netlink(NetworkNamespace namespace) throws KernelException;

  /**
   * Looks at a namespace before anything is changed in it.
   *
   * @param <E> thrown when the namespace must stay as it is
   */
  interface Check<E extends Exception> {
    /** Returns when the namespace may be changed; starts no thread, which would be in it too. */
    void pass(Netlink inside) throws E;
  }

  /**
   * Opens a netlink socket in a namespace, and writes sysctls there once the check has passed; all
   * in one visit. What the check throws is thrown. The check runs on the caller's thread, inside.
   */
  <E extends Exception> Netlink netlink(
      NetworkNamespace namespace, Check<E> check, List<Sysctl> sysctls) throws KernelException, E;

  /** Opens a netlink socket for the ends of tunnels in this process's own namespace. */
  TunnelLinks tunnelLinks() throws KernelException;

  /** Listens to changes of links, addresses, routes, neighbours and forwarding settings. */
  LinkMonitor linkMonitor(LinkMonitor.Listener listener) throws KernelException;

  /** Opens a socket for nftables' sets and verdict maps in this process's own namespace. */
  NftSets nftSets() throws KernelException;

  /** Opens a socket that reads what nftables' rules count in this process's own namespace. */
  NftRules nftRules() throws KernelException;

  /** Listens to nftables' transactions that change a table of the family inet. */
  NftMonitor nftMonitor(String table, NftMonitor.Listener listener) throws KernelException;

  /**
   * Waits until all packets that the kernel is working on have been through its rules: some
   * milliseconds. Packets that come meanwhile are not waited for.
   *
   * @throws KernelException ENOSYS where the kernel does not tell
   */
  void awaitPackets() throws KernelException;

  /**
   * Listens to what rules log to a group of nfnetlink_log.
   *
   * @param group 0 to 255
   * @param bytes how much of each packet is wanted, from its IP header on
   * @throws KernelException EINVAL when the kernel has no nfnetlink_log, EBUSY or EPERM when
   *     another listens to the group
   */
  PacketLog packetLog(int group, int bytes, PacketLog.Listener listener) throws KernelException;

  /** Opens a socket for connection tracking in this process's own namespace. */
  Conntrack conntrack() throws KernelException;

  /**
   * Tells whether the namespace is the process's own or that of process 1, by device and inode:
   * whatever path or descriptor leads to it.
   */
  boolean isOwn(NetworkNamespace namespace) throws KernelException;

  /** Reads a sysctl of this process's own namespace; empty when the kernel does not have it. */
  Optional<String> sysctl(String path) throws KernelException;

  /** Writes sysctls of this process's own namespace. */
  void setSysctls(List<Sysctl> sysctls) throws KernelException;

  /** Writes sysctls of a namespace. */
  void setSysctls(NetworkNamespace namespace, List<Sysctl> sysctls) throws KernelException;

  /**
   * A sysctl to write.
   *
   * @param path below /proc/sys, such as {@code net/ipv4/conf/eth0/proxy_arp}
   * @param value the text to write
   * @param optional whether a failure is ignored
   */
  record Sysctl(String path, String value, boolean optional) {
    /** A setting that must succeed. */
    public static Sysctl of(String path, String value) {
      return new Sysctl(path, value, false);
    }

    /** A setting that may fail, as on a kernel without IPv6. */
    public static Sysctl optional(String path, String value) {
      return new Sysctl(path, value, true);
    }
  }
}
