package io.calico4j.node;

import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.LinkMonitor;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.NftMonitor;
import io.calico4j.core.kernel.NftRules;
import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.kernel.PacketLog;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.TunnelLinks;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A kernel of one host and one sandbox in memory. Safe for many threads. */
final class FakeKernel implements Kernel {
  private final Map<Integer, Link> hostLinks = new HashMap<>();
  private final Map<Integer, Link> sandboxLinks = new HashMap<>();
  private final List<Route> hostRoutes = new ArrayList<>();
  private final NetworkNamespace sandbox = new Sandbox();
  private int lastIndex;

  /** How many pairs are refused because of a link that vanishes right afterwards. */
  final AtomicInteger creationsRefused = new AtomicInteger();

  /** What connection tracking does when it is asked to forget addresses. */
  volatile Forgetting forgetting = chosen -> {};

  /** Forgets the connections of chosen addresses. */
  interface Forgetting {
    void forget(Predicate<IpAddress> chosen) throws KernelException;
  }

  /** Returns the one sandbox. */
  NetworkNamespace sandbox() {
    return sandbox;
  }

  @Override
  public NetworkNamespace openNamespace(Path path) {
    return sandbox;
  }

  @Override
  public NetworkNamespace adoptNamespace(int descriptor, String name) {
    return sandbox;
  }

  @Override
  public Netlink netlink() {
    return new Socket(hostLinks);
  }

  @Override
  public Netlink netlink(NetworkNamespace namespace) {
    return new Socket(sandboxLinks);
  }

  @Override
  public <E extends Exception> Netlink netlink(
      NetworkNamespace namespace, Check<E> check, List<Sysctl> sysctls) throws E {
    Netlink inside = netlink(namespace);
    check.pass(inside);
    return inside;
  }

  @Override
  public TunnelLinks tunnelLinks() {
    throw new UnsupportedOperationException("no test makes tunnels here");
  }

  @Override
  public LinkMonitor linkMonitor(LinkMonitor.Listener listener) {
    throw new UnsupportedOperationException("no test listens to links here");
  }

  @Override
  public NftRules nftRules() {
    throw new UnsupportedOperationException("no test reads rules here");
  }

  @Override
  public NftSets nftSets() {
    return new NftSets() {
      @Override
      public void change(String table, List<Element> removed, List<Element> added) {}

      @Override
      public void close() {}
    };
  }

  @Override
  public NftMonitor nftMonitor(String table, NftMonitor.Listener listener) {
    throw new UnsupportedOperationException("no test listens to nftables here");
  }

  @Override
  public void awaitPackets() {}

  @Override
  public PacketLog packetLog(int group, int bytes, PacketLog.Listener listener) {
    throw new UnsupportedOperationException("no test logs packets here");
  }

  @Override
  public Conntrack conntrack() {
    return new Conntrack() {
      @Override
      public int delete(Predicate<IpAddress> chosen) throws KernelException {
        forgetting.forget(chosen);
        return 0;
      }

      @Override
      public boolean isSupported() {
        return true;
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public boolean isOwn(NetworkNamespace namespace) {
    return false;
  }

  @Override
  public Optional<String> sysctl(String path) {
    return Optional.empty();
  }

  @Override
  public void setSysctls(List<Sysctl> sysctls) {}

  @Override
  public void setSysctls(NetworkNamespace namespace, List<Sysctl> sysctls) {}

  private static final class Sandbox implements NetworkNamespace {
    @Override
    public int descriptor() {
      return -1;
    }

    @Override
    public String name() {
      return "/sandbox";
    }

    @Override
    public void close() {}
  }

  private synchronized void create(VethPair pair) {
    lastIndex++;
    hostLinks.put(lastIndex, link(lastIndex, pair.hostName(), pair.hostMac(), pair.mtu()));
    MacAddress mac = pair.sandboxMac();
    sandboxLinks.put(
        lastIndex,
        link(lastIndex, pair.sandboxName(), mac == null ? pair.hostMac() : mac, pair.mtu()));
  }

  private static Link link(int index, String name, MacAddress mac, int mtu) {
    return new Link(index, name, "veth", true, mtu, mac, 0);
  }

  private synchronized void delete(int index) {
    hostLinks.remove(index);
    sandboxLinks.remove(index);
    hostRoutes.removeIf(route -> route.interfaceIndex() == index);
  }

  private final class Socket implements Netlink {
    private final Map<Integer, Link> links;

    Socket(Map<Integer, Link> links) {
      this.links = links;
    }

    @Override
    public OptionalInt index(String name) {
      Optional<Link> link = link(name);
      return link.isPresent() ? OptionalInt.of(link.get().index()) : OptionalInt.empty();
    }

    @Override
    public Optional<Link> link(String name) {
      return links().stream().filter(link -> link.name().equals(name)).findFirst();
    }

    @Override
    public List<Link> links() {
      synchronized (FakeKernel.this) {
        return List.copyOf(links.values());
      }
    }

    @Override
    public void createVeth(VethPair pair) throws KernelException {
      if (creationsRefused.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        throw new KernelException(
            "create veth", pair.hostName(), KernelException.EEXIST, "File exists");
      }
      create(pair);
    }

    @Override
    public void setUp(int interfaceIndex, boolean up) {}

    @Override
    public void setGroup(int interfaceIndex, int group) {
      delete(interfaceIndex);
    }

    @Override
    public void deleteLink(int interfaceIndex) {
      delete(interfaceIndex);
    }

    @Override
    public void deleteGroup(int group) {}

    @Override
    public void addAddress(int interfaceIndex, Cidr address) {}

    @Override
    public List<InterfaceAddress> addresses() {
      return List.of();
    }

    @Override
    public void replaceRoute(Route route) {}

    @Override
    public void replaceRoute(Route route, int table) {}

    @Override
    public void addSourceRule(IpAddress source, int table) {}

    @Override
    public void addRoute(Route route) throws KernelException {
      synchronized (FakeKernel.this) {
        if (links == hostLinks) {
          hostRoutes.add(route);
        }
      }
    }

    @Override
    public void deleteRoute(Route route) {}

    @Override
    public List<Route> routes() {
      synchronized (FakeKernel.this) {
        return List.copyOf(hostRoutes);
      }
    }

    @Override
    public void replaceNeighbour(int interfaceIndex, IpAddress address, MacAddress mac) {}

    @Override
    public void together(Changes changes) throws KernelException {
      changes.make(this);
    }

    @Override
    public void close() {}
  }
}
