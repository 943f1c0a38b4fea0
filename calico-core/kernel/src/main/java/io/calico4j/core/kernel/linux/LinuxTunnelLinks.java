package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Neighbour;
import io.calico4j.core.kernel.TunnelLinks;
import io.calico4j.core.kernel.Vxlan;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * rtnetlink: constants are those of {@code linux/rtnetlink.h}, {@code linux/if_link.h} and {@code
 * linux/neighbour.h}.
 */
final class LinuxTunnelLinks implements TunnelLinks {
  private static final int NETLINK_ROUTE = 0;
  private static final int AF_INET = 2;
  private static final int AF_BRIDGE = 7;
  private static final int AF_INET6 = 10;
  private static final int GETLINK = 18;
  private static final int GETNEIGH = 30;
  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_MTU = 4;
  private static final int IFLA_LINKINFO = 18;
  private static final int INFO_KIND = 1;
  private static final int INFO_DATA = 2;
  private static final int VXLAN_ID = 1;
  private static final int VXLAN_LINK = 3;
  private static final int VXLAN_LOCAL = 4;
  private static final int VXLAN_LEARNING = 7;
  private static final int VXLAN_PORT = 15;
  private static final int VXLAN_LOCAL6 = 17;
  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int NDA_DST = 1;
  private static final int NDA_LLADDR = 2;
  private static final int NUD_PERMANENT = 0x80;
  private static final int NTF_SELF = 0x02;
  private static final int NEIGHBOUR_HEADER = 12;
  private static final int LINK_HEADER = 16;

  private final NetlinkSocket socket;

  LinuxTunnelLinks() throws KernelException {
    socket = new NetlinkSocket(NETLINK_ROUTE);
  }

  private NetlinkMessage message(int type, int flags) {
    return new NetlinkMessage(type, NetlinkMessage.REQUEST | flags, socket.nextSequence());
  }

  private NetlinkMessage creation(int type) {
    return message(type, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCLUSIVE);
  }

  private void change(NetlinkMessage message, String operation, String object)
      throws KernelException {
    socket.request(message.toBytes(), operation, object, (type, body) -> {});
  }

  /** Makes a change after which nothing else holds than if it is refused for this reason. */
  private void change(NetlinkMessage message, String operation, String object, int fine)
      throws KernelException {
    int errno = socket.ask(message.toBytes(), operation, object, (type, body) -> {});
    if (errno != 0 && errno != fine) {
      throw LibC.failure(operation, object, errno);
    }
  }

  @Override
  public Optional<Vxlan> vxlan(String name) throws KernelException {
    List<Vxlan> found = new ArrayList<>(1);
    NetlinkMessage message =
        message(GETLINK, NetlinkMessage.ACK).linkHeader(0, 0, 0).attribute(IFLA_IFNAME, name);
    int errno =
        socket.ask(
            message.toBytes(),
            "find link",
            name,
            (type, body) -> {
              Vxlan device = type == LinuxNetlink.NEWLINK ? parseVxlan(name, body) : null;
              if (device != null) {
                found.add(device);
              }
            });
    if (errno != 0 && errno != KernelException.ENODEV) {
      throw LibC.failure("find link", name, errno);
    }
    return found.stream().findFirst();
  }

  private static @Nullable Vxlan parseVxlan(String name, ByteBuffer body) {
    Attributes attributes = Attributes.parse(body.position(LINK_HEADER));
    Attributes info = attributes.nested(IFLA_LINKINFO);
    if (!info.text(INFO_KIND).equals("vxlan")) {
      return null;
    }
    Attributes data = info.nested(INFO_DATA);
    byte[] local4 = data.bytes(VXLAN_LOCAL);
    byte[] local6 = data.bytes(VXLAN_LOCAL6);
    byte[] port = data.bytes(VXLAN_PORT);
    byte[] mac = attributes.bytes(IFLA_ADDRESS);
    byte[] local = local4 != null ? local4 : local6;
    return new Vxlan(
        name,
        data.integer(VXLAN_ID, 0),
        data.integer(VXLAN_LINK, 0),
        local == null ? IpAddress.ofBytes(new byte[4]) : IpAddress.ofBytes(local),
        port == null ? 0 : Short.toUnsignedInt(ByteBuffer.wrap(port).getShort()),
        mac != null && mac.length == 6 ? MacAddress.ofBytes(mac) : null);
  }

  @Override
  public void createVxlan(Vxlan device, int mtu) throws KernelException {
    NetlinkMessage message =
        creation(LinuxNetlink.NEWLINK)
            .linkHeader(0, 0, 0)
            .attribute(IFLA_IFNAME, device.name())
            .attribute(IFLA_MTU, mtu);
    MacAddress mac = device.mac();
    if (mac != null) {
      message.attribute(IFLA_ADDRESS, mac.toBytes());
    }
    int info = message.begin(IFLA_LINKINFO);
    message.attribute(INFO_KIND, "vxlan");
    int data = message.begin(INFO_DATA);
    message
        .attribute(VXLAN_ID, device.id())
        .attribute(device.local().isV4() ? VXLAN_LOCAL : VXLAN_LOCAL6, device.local().toBytes())
        .attribute(VXLAN_LEARNING, new byte[] {0})
        .attribute(VXLAN_PORT, new byte[] {(byte) (device.port() >> 8), (byte) device.port()});
    if (device.parent() != 0) {
      message.attribute(VXLAN_LINK, device.parent());
    }
    message.end(data).end(info);
    change(message, "create VXLAN device", device.name());
  }

  @Override
  public void createIpip() throws KernelException {
    NetlinkMessage message =
        creation(LinuxNetlink.NEWLINK).linkHeader(0, 0, 0).attribute(IFLA_IFNAME, "tunl0");
    int info = message.begin(IFLA_LINKINFO);
    message.attribute(INFO_KIND, "ipip").end(info);
    change(message, "create IP in IP device", "tunl0", KernelException.EEXIST);
  }

  @Override
  public void setMtu(int interfaceIndex, int mtu) throws KernelException {
    change(
        message(LinuxNetlink.NEWLINK, NetlinkMessage.ACK)
            .linkHeader(interfaceIndex, 0, 0)
            .attribute(IFLA_MTU, mtu),
        "set MTU " + mtu + " of link",
        "#" + interfaceIndex);
  }

  @Override
  public void deleteAddress(int interfaceIndex, Cidr address) throws KernelException {
    byte[] bytes = address.address().toBytes();
    change(
        message(LinuxNetlink.DELADDR, NetlinkMessage.ACK)
            .addressHeader(family(address.address()), address.prefix(), 0, interfaceIndex)
            .attribute(IFA_LOCAL, bytes)
            .attribute(IFA_ADDRESS, bytes),
        "delete address",
        address + " of #" + interfaceIndex,
        KernelException.EADDRNOTAVAIL);
  }

  @Override
  public List<Neighbour> neighbours(int interfaceIndex) throws KernelException {
    List<Neighbour> neighbours = new ArrayList<>(list(AF_INET, interfaceIndex));
    neighbours.addAll(list(AF_INET6, interfaceIndex));
    return neighbours;
  }

  @Override
  public List<Neighbour> forwarding(int interfaceIndex) throws KernelException {
    return list(AF_BRIDGE, interfaceIndex);
  }

  private List<Neighbour> list(int family, int interfaceIndex) throws KernelException {
    List<Neighbour> found = new ArrayList<>();
    socket.request(
        message(GETNEIGH, NetlinkMessage.DUMP).neighbourHeader(family, 0, 0, 0).toBytes(),
        "list",
        "neighbours",
        (type, body) -> {
          Neighbour entry = type == LinuxNetlink.NEWNEIGH ? parse(body, interfaceIndex) : null;
          if (entry != null) {
            found.add(entry);
          }
        });
    return found;
  }

  private static @Nullable Neighbour parse(ByteBuffer body, int interfaceIndex) {
    int index = body.getInt(4);
    int state = Short.toUnsignedInt(body.getShort(8));
    if (index != interfaceIndex || (state & NUD_PERMANENT) == 0) {
      return null;
    }
    Attributes attributes = Attributes.parse(body.position(NEIGHBOUR_HEADER));
    byte[] address = attributes.bytes(NDA_DST);
    byte[] mac = attributes.bytes(NDA_LLADDR);
    return address == null || mac == null || mac.length != 6
        ? null
        : new Neighbour(index, IpAddress.ofBytes(address), MacAddress.ofBytes(mac));
  }

  @Override
  public void replaceNeighbour(Neighbour neighbour) throws KernelException {
    change(
        entry(replacement(), family(neighbour.address()), 0, neighbour),
        "replace neighbour",
        describe(neighbour));
  }

  @Override
  public void deleteNeighbour(Neighbour neighbour) throws KernelException {
    change(
        entry(deletion(), family(neighbour.address()), 0, neighbour),
        "delete neighbour",
        describe(neighbour),
        KernelException.ENOENT);
  }

  @Override
  public void replaceForwarding(Neighbour entry) throws KernelException {
    change(
        entry(replacement(), AF_BRIDGE, NTF_SELF, entry),
        "replace forwarding entry",
        describe(entry));
  }

  @Override
  public void deleteForwarding(Neighbour entry) throws KernelException {
    change(
        entry(deletion(), AF_BRIDGE, NTF_SELF, entry),
        "delete forwarding entry",
        describe(entry),
        KernelException.ENOENT);
  }

  private NetlinkMessage replacement() {
    return message(
        LinuxNetlink.NEWNEIGH, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE);
  }

  private NetlinkMessage deletion() {
    return message(LinuxNetlink.DELNEIGH, NetlinkMessage.ACK);
  }

  private static NetlinkMessage entry(
      NetlinkMessage message, int family, int flags, Neighbour entry) {
    return message
        .neighbourHeader(family, entry.interfaceIndex(), NUD_PERMANENT, flags)
        .attribute(NDA_DST, entry.address().toBytes())
        .attribute(NDA_LLADDR, entry.mac().toBytes());
  }

  private static String describe(Neighbour entry) {
    return entry.address() + " at " + entry.mac() + " on #" + entry.interfaceIndex();
  }

  private static int family(IpAddress address) {
    return address.isV4() ? AF_INET : AF_INET6;
  }

  @Override
  public void close() {
    socket.close();
  }
}
