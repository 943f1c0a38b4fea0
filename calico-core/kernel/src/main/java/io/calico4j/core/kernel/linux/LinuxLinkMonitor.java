package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.LinkMonitor;
import java.nio.ByteBuffer;
import java.util.List;

/** Notifications of rtnetlink's groups ({@code linux/rtnetlink.h}). */
final class LinuxLinkMonitor implements LinkMonitor {
  private static final int NETLINK_ROUTE = 0;

  /**
   * RTNLGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE, _IPV4_NETCONF,
   * _IPV6_NETCONF.
   */
  private static final List<Integer> GROUPS = List.of(1, 3, 5, 7, 9, 11, 24, 25);

  /** RTM_NEWNETCONF and its attribute ({@code linux/netconf.h}). */
  private static final int NEWNETCONF = 80;

  private static final int NETCONFA_IFINDEX = 1;
  private static final int NETCONF_HEADER = 4;

  private static final int RTA_OIF = 4;
  private static final int ROUTE_HEADER = 12;

  /** struct ifaddrmsg, which like the others has the interface's index at the fourth byte. */
  private static final int SHORTEST = 8;

  private static final int TABLE_LOCAL = 255;

  private final Listener listener;
  private final NetlinkEvents events;

  LinuxLinkMonitor(Listener listener) throws KernelException {
    this.listener = listener;
    events =
        new NetlinkEvents(NETLINK_ROUTE, GROUPS, "link-monitor", this::message, listener::lost);
  }

  private void message(int type, ByteBuffer body) {
    if (body.remaining() < SHORTEST) {
      return;
    }
    int start = body.position();
    switch (type) {
      case LinuxNetlink.NEWLINK, LinuxNetlink.DELLINK ->
          listener.changed(Subject.LINK, body.getInt(start + 4));
      case LinuxNetlink.NEWADDR, LinuxNetlink.DELADDR ->
          listener.changed(Subject.ADDRESS, body.getInt(start + 4));
      case LinuxNetlink.NEWNEIGH, LinuxNetlink.DELNEIGH ->
          listener.changed(Subject.NEIGHBOUR, body.getInt(start + 4));
      case LinuxNetlink.NEWROUTE, LinuxNetlink.DELROUTE -> {
        if (Byte.toUnsignedInt(body.get(start + 4)) != TABLE_LOCAL) {
          body.position(start + ROUTE_HEADER);
          listener.changed(Subject.ROUTE, Attributes.parse(body).integer(RTA_OIF, 0));
        }
      }
      case NEWNETCONF -> {
        body.position(start + NETCONF_HEADER);
        listener.changed(Subject.SETTING, Attributes.parse(body).integer(NETCONFA_IFINDEX, 0));
      }
      default -> {}
    }
  }

  @Override
  public void close() {
    events.close();
  }
}
