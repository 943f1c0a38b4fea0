package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** rtnetlink: constants are those of {@code linux/rtnetlink.h}, {@code linux/if_link.h}. */
final class LinuxNetlink implements Netlink {
  private static final int NETLINK_ROUTE = 0;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  static final int NEWLINK = 16;
  static final int DELLINK = 17;
  private static final int GETLINK = 18;
  static final int NEWADDR = 20;
  static final int DELADDR = 21;
  private static final int GETADDR = 22;
  static final int NEWROUTE = 24;
  static final int DELROUTE = 25;
  private static final int GETROUTE = 26;
  static final int NEWNEIGH = 28;
  static final int DELNEIGH = 29;
  private static final int NEWRULE = 32;
  private static final int IFF_UP = 1;
  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_IFNAME = 3;

  /** IPAM says that the address is nobody else's: it can be used at once (linux/if_addr.h). */
  private static final int IFA_F_NODAD = 0x02;

  private static final int IFLA_MTU = 4;
  private static final int IFLA_LINKINFO = 18;
  private static final int IFLA_GROUP = 27;
  private static final int IFLA_NET_NS_FD = 28;
  private static final int IFLA_NUM_TX_QUEUES = 31;
  private static final int IFLA_NUM_RX_QUEUES = 32;

  /**
   * Of each direction of a veth pair. A request that does not say so gets as many as there can be
   * processors, of which the driver at once takes all but one out of service, with two of the
   * kernel's grace periods.
   */
  private static final int QUEUES = 1;

  private static final int INFO_KIND = 1;
  private static final int INFO_DATA = 2;
  private static final int VETH_INFO_PEER = 1;
  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int RTA_DST = 1;
  private static final int RTA_OIF = 4;
  private static final int RTA_GATEWAY = 5;
  private static final int RTA_PRIORITY = 6;
  private static final int RTA_PREFSRC = 7;
  private static final int RTA_TABLE = 15;
  private static final int TABLE_MAIN = 254;
  private static final int SCOPE_UNIVERSE = 0;
  private static final int SCOPE_LINK = 253;
  private static final int TYPE_UNICAST = 1;
  private static final int TYPE_BLACKHOLE = 6;
  private static final int RTNH_F_ONLINK = 4;
  private static final int FRA_SRC = 2;
  private static final int FRA_TABLE = 15;
  private static final int NDA_DST = 1;
  private static final int NDA_LLADDR = 2;
  private static final int NUD_PERMANENT = 0x80;
  private static final int IPV6_DEFAULT_METRIC = 1024;

  private final NetlinkSocket socket;

  /** Where changes go instead of to the kernel; null for the socket itself. */
  private final @Nullable List<NetlinkSocket.Request> collected;

  LinuxNetlink() throws KernelException {
    this(new NetlinkSocket(NETLINK_ROUTE), null);
  }

  private LinuxNetlink(NetlinkSocket socket, @Nullable List<NetlinkSocket.Request> collected) {
    this.socket = socket;
    this.collected = collected;
  }

  private NetlinkMessage message(int type, int flags) {
    return new NetlinkMessage(type, NetlinkMessage.REQUEST | flags, socket.nextSequence());
  }

  private void change(NetlinkMessage message, String operation, String object)
      throws KernelException {
    if (collected == null) {
      socket.request(message.toBytes(), operation, object, (type, body) -> {});
    } else {
      collected.add(new NetlinkSocket.Request(message.toBytes(), operation, object));
    }
  }

  @Override
  public void together(Changes changes) throws KernelException {
    List<NetlinkSocket.Request> requests = new ArrayList<>();
    changes.make(new LinuxNetlink(socket, requests));
    if (!requests.isEmpty()) {
      socket.requestAll(requests);
    }
  }

  @Override
  public OptionalInt index(String name) throws KernelException {
    int index = socket.interfaceIndex(name);
    return index == 0 ? OptionalInt.empty() : OptionalInt.of(index);
  }

  @Override
  public Optional<Link> link(String name) throws KernelException {
    List<Link> found = new ArrayList<>(1);
    NetlinkMessage message =
        message(GETLINK, NetlinkMessage.ACK).linkHeader(0, 0, 0).attribute(IFLA_IFNAME, name);
    int errno =
        socket.ask(
            message.toBytes(),
            "find link",
            name,
            (type, body) -> {
              if (type == NEWLINK) {
                found.add(parseLink(body));
              }
            });
    if (errno != 0 && errno != KernelException.ENODEV) {
      throw LibC.failure("find link", name, errno);
    }
    return found.stream().findFirst();
  }

  @Override
  public List<Link> links() throws KernelException {
    List<Link> links = new ArrayList<>();
    socket.request(
        message(GETLINK, NetlinkMessage.DUMP).linkHeader(0, 0, 0).toBytes(),
        "list",
        "links",
        (type, body) -> {
          if (type == NEWLINK) {
            links.add(parseLink(body));
          }
        });
    return links;
  }

  private static Link parseLink(ByteBuffer body) {
    int index = body.getInt(4);
    boolean up = (body.getInt(8) & IFF_UP) != 0;
    Attributes attributes = Attributes.parse(body.position(16));
    byte[] mac = attributes.bytes(IFLA_ADDRESS);
    return new Link(
        index,
        attributes.text(IFLA_IFNAME),
        attributes.nested(IFLA_LINKINFO).text(INFO_KIND),
        up,
        attributes.integer(IFLA_MTU, 0),
        mac != null && mac.length == 6 ? MacAddress.ofBytes(mac) : null,
        attributes.integer(IFLA_GROUP, 0));
  }

  @Override
  public void createVeth(VethPair pair) throws KernelException {
    NetlinkMessage message =
        message(NEWLINK, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCLUSIVE)
            .linkHeader(0, IFF_UP, IFF_UP)
            .attribute(IFLA_IFNAME, pair.hostName())
            .attribute(IFLA_ADDRESS, pair.hostMac().toBytes())
            .attribute(IFLA_MTU, pair.mtu())
            .attribute(IFLA_NUM_TX_QUEUES, QUEUES)
            .attribute(IFLA_NUM_RX_QUEUES, QUEUES);
    int info = message.begin(IFLA_LINKINFO);
    message.attribute(INFO_KIND, "veth");
    int data = message.begin(INFO_DATA);
    int peer = message.begin(VETH_INFO_PEER);
    message.linkHeader(0, 0, 0).attribute(IFLA_IFNAME, pair.sandboxName());
    MacAddress mac = pair.sandboxMac();
    if (mac != null) {
      message.attribute(IFLA_ADDRESS, mac.toBytes());
    }
    message
        .attribute(IFLA_MTU, pair.mtu())
        .attribute(IFLA_NUM_TX_QUEUES, QUEUES)
        .attribute(IFLA_NUM_RX_QUEUES, QUEUES)
        .attribute(IFLA_NET_NS_FD, pair.sandbox().descriptor())
        .end(peer)
        .end(data)
        .end(info);
    change(
        message,
        "create veth",
        pair.hostName() + " with " + pair.sandboxName() + " in " + pair.sandbox().name());
  }

  @Override
  public void setUp(int interfaceIndex, boolean up) throws KernelException {
    change(
        message(NEWLINK, NetlinkMessage.ACK).linkHeader(interfaceIndex, up ? IFF_UP : 0, IFF_UP),
        up ? "set up link" : "set down link",
        "#" + interfaceIndex);
  }

  @Override
  public void setGroup(int interfaceIndex, int group) throws KernelException {
    change(
        message(NEWLINK, NetlinkMessage.ACK)
            .linkHeader(interfaceIndex, 0, 0)
            .attribute(IFLA_GROUP, group),
        "set group " + group + " of link",
        "#" + interfaceIndex);
  }

  @Override
  public void deleteLink(int interfaceIndex) throws KernelException {
    change(
        message(DELLINK, NetlinkMessage.ACK).linkHeader(interfaceIndex, 0, 0),
        "delete link",
        "#" + interfaceIndex);
  }

  @Override
  public void deleteGroup(int group) throws KernelException {
    try {
      change(
          message(DELLINK, NetlinkMessage.ACK).linkHeader(0, 0, 0).attribute(IFLA_GROUP, group),
          "delete links of group",
          Integer.toString(group));
    } catch (KernelException e) {
      if (e.errno() != KernelException.ENODEV) {
        throw e;
      }
    }
  }

  @Override
  public void addAddress(int interfaceIndex, Cidr address) throws KernelException {
    byte[] bytes = address.address().toBytes();
    change(
        message(NEWADDR, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCLUSIVE)
            .addressHeader(
                family(address.address()),
                address.prefix(),
                address.address().isV4() ? 0 : IFA_F_NODAD,
                interfaceIndex)
            .attribute(IFA_LOCAL, bytes)
            .attribute(IFA_ADDRESS, bytes),
        "add address",
        address + " to #" + interfaceIndex);
  }

  @Override
  public List<InterfaceAddress> addresses() throws KernelException {
    List<InterfaceAddress> addresses = new ArrayList<>();
    socket.request(
        message(GETADDR, NetlinkMessage.DUMP).addressHeader(0, 0, 0, 0).toBytes(),
        "list",
        "addresses",
        (type, body) -> {
          int prefix = Byte.toUnsignedInt(body.get(1));
          int index = body.getInt(4);
          Attributes attributes = Attributes.parse(body.position(8));
          byte[] local = attributes.bytes(IFA_LOCAL);
          byte[] bytes = local != null ? local : attributes.bytes(IFA_ADDRESS);
          if (type == NEWADDR && bytes != null) {
            addresses.add(new InterfaceAddress(index, IpAddress.ofBytes(bytes), prefix));
          }
        });
    return addresses;
  }

  @Override
  public void replaceRoute(Route route) throws KernelException {
    change(
        route(NEWROUTE, NetlinkMessage.CREATE | NetlinkMessage.REPLACE, route, TABLE_MAIN),
        "replace route",
        describe(route));
  }

  @Override
  public void replaceRoute(Route route, int table) throws KernelException {
    change(
        route(NEWROUTE, NetlinkMessage.CREATE | NetlinkMessage.REPLACE, route, 0)
            .attribute(RTA_TABLE, table),
        "replace route",
        describe(route) + " in table " + table);
  }

  @Override
  public void addSourceRule(IpAddress source, int table) throws KernelException {
    try {
      change(
          message(NEWRULE, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCLUSIVE)
              .sourceRuleHeader(family(source), source.family().bits())
              .attribute(FRA_SRC, source.toBytes())
              .attribute(FRA_TABLE, table),
          "add rule",
          "from " + source + " to table " + table);
    } catch (KernelException e) {
      if (e.errno() != KernelException.EEXIST) {
        throw e;
      }
    }
  }

  @Override
  public void addRoute(Route route) throws KernelException {
    change(
        route(NEWROUTE, NetlinkMessage.CREATE | NetlinkMessage.EXCLUSIVE, route, TABLE_MAIN),
        "add route",
        describe(route));
  }

  @Override
  public void deleteRoute(Route route) throws KernelException {
    change(route(DELROUTE, 0, route, TABLE_MAIN), "delete route", describe(route));
  }

  private static String describe(Route route) {
    return route.destination()
        + (route.interfaceIndex() == 0 ? "" : " on #" + route.interfaceIndex());
  }

  private NetlinkMessage route(int type, int flags, Route route, int table) {
    boolean blackhole = route.type() == Route.Type.BLACKHOLE;
    IpAddress gateway = route.gateway();
    NetlinkMessage message =
        message(type, NetlinkMessage.ACK | flags)
            .routeHeader(
                family(route.destination().address()),
                route.destination().prefix(),
                table,
                route.protocol(),
                route.linkScope() ? SCOPE_LINK : SCOPE_UNIVERSE,
                blackhole ? TYPE_BLACKHOLE : TYPE_UNICAST,
                gateway != null && route.interfaceIndex() != 0 ? RTNH_F_ONLINK : 0)
            .attribute(RTA_DST, route.destination().address().toBytes());
    if (route.interfaceIndex() != 0) {
      message.attribute(RTA_OIF, route.interfaceIndex());
    }
    if (gateway != null) {
      message.attribute(RTA_GATEWAY, gateway.toBytes());
    }
    if (route.metric() != 0) {
      message.attribute(RTA_PRIORITY, route.metric());
    }
    IpAddress source = route.source();
    if (source != null) {
      message.attribute(RTA_PREFSRC, source.toBytes());
    }
    return message;
  }

  @Override
  public List<Route> routes() throws KernelException {
    List<Route> routes = new ArrayList<>();
    for (int family : new int[] {AF_INET, AF_INET6}) {
      socket.request(
          message(GETROUTE, NetlinkMessage.DUMP).routeHeader(family, 0, 0, 0, 0, 0, 0).toBytes(),
          "list",
          "routes",
          (type, body) -> {
            Route route = type == NEWROUTE ? parseRoute(body, family) : null;
            if (route != null) {
              routes.add(route);
            }
          });
    }
    return routes;
  }

  private static @Nullable Route parseRoute(ByteBuffer body, int family) {
    int prefix = Byte.toUnsignedInt(body.get(1));
    int table = Byte.toUnsignedInt(body.get(4));
    int protocol = Byte.toUnsignedInt(body.get(5));
    int scope = Byte.toUnsignedInt(body.get(6));
    int type = Byte.toUnsignedInt(body.get(7));
    Attributes attributes = Attributes.parse(body.position(12));
    if (attributes.integer(RTA_TABLE, table) != TABLE_MAIN
        || type != TYPE_UNICAST && type != TYPE_BLACKHOLE) {
      return null;
    }
    byte[] destination = attributes.bytes(RTA_DST);
    byte[] gateway = attributes.bytes(RTA_GATEWAY);
    byte[] source = attributes.bytes(RTA_PREFSRC);
    IpAddress address =
        IpAddress.ofBytes(destination != null ? destination : new byte[family == AF_INET ? 4 : 16]);
    int metric = attributes.integer(RTA_PRIORITY, 0);
    return new Route(
        new Cidr(address, prefix),
        gateway == null ? null : IpAddress.ofBytes(gateway),
        type == TYPE_BLACKHOLE ? 0 : attributes.integer(RTA_OIF, 0),
        type == TYPE_BLACKHOLE ? Route.Type.BLACKHOLE : Route.Type.UNICAST,
        scope == SCOPE_LINK,
        protocol,
        family == AF_INET6 && metric == IPV6_DEFAULT_METRIC ? 0 : metric,
        source == null ? null : IpAddress.ofBytes(source));
  }

  @Override
  public void replaceNeighbour(int interfaceIndex, IpAddress address, MacAddress mac)
      throws KernelException {
    change(
        message(NEWNEIGH, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE)
            .neighbourHeader(family(address), interfaceIndex, NUD_PERMANENT, 0)
            .attribute(NDA_DST, address.toBytes())
            .attribute(NDA_LLADDR, mac.toBytes()),
        "replace neighbour",
        address + " on #" + interfaceIndex);
  }

  private static int family(IpAddress address) {
    return address.isV4() ? AF_INET : AF_INET6;
  }

  @Override
  public void close() {
    socket.close();
  }
}
