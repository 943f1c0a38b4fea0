package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftMonitor;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Notifications of nfnetlink's group NFNLGRP_NFTABLES ({@code linux/netfilter/nfnetlink.h}). The
 * kernel sends one message for each object that a transaction changed, then NFT_MSG_NEWGEN with its
 * generation.
 */
final class LinuxNftMonitor implements NftMonitor {
  private static final int NETLINK_NETFILTER = 12;
  private static final int GROUP_NFTABLES = 7;
  private static final int SUBSYSTEM = 10;
  private static final int NEWGEN = SUBSYSTEM << 8 | 15;
  private static final int GETGEN = SUBSYSTEM << 8 | 16;
  private static final int INET = 1;
  private static final int GENERATION = 1;

  /** In NFT_MSG_* of tables, chains, rules, sets and elements alike. */
  private static final int TABLE_NAME = 1;

  private static final int FAMILY_HEADER = 4;

  private final NetlinkSocket questions;
  private final NetlinkEvents events;
  private final String table;
  private final Listener listener;

  /** Only the monitor's thread uses it. */
  private boolean touched;

  LinuxNftMonitor(String table, Listener listener) throws KernelException {
    this.table = table;
    this.listener = listener;
    questions = new NetlinkSocket(NETLINK_NETFILTER);
    try {
      events =
          new NetlinkEvents(
              NETLINK_NETFILTER, List.of(GROUP_NFTABLES), "nft-monitor", this::message, this::lost);
    } catch (KernelException e) {
      questions.close();
      throw e;
    }
  }

  private void message(int type, ByteBuffer body) {
    if (type >> 8 != SUBSYSTEM || body.remaining() < FAMILY_HEADER) {
      return;
    }
    int family = body.get(body.position());
    body.position(body.position() + FAMILY_HEADER);
    Attributes attributes = Attributes.parse(body);
    if (type != NEWGEN) {
      touched |= family == INET && attributes.text(TABLE_NAME).equals(table);
    } else if (touched) {
      touched = false;
      listener.changed(Integer.reverseBytes(attributes.integer(GENERATION, 0)));
    }
  }

  private void lost() {
    touched = false;
    listener.lost();
  }

  @Override
  public int generation() throws KernelException {
    AtomicInteger generation = new AtomicInteger();
    NetlinkMessage message =
        new NetlinkMessage(
                GETGEN, NetlinkMessage.REQUEST | NetlinkMessage.ACK, questions.nextSequence())
            .netfilterHeader(0, 0);
    questions.request(
        message.toBytes(),
        "ask for",
        "the generation of nftables",
        (type, body) -> {
          if (type == NEWGEN) {
            body.position(body.position() + FAMILY_HEADER);
            generation.set(Integer.reverseBytes(Attributes.parse(body).integer(GENERATION, 0)));
          }
        });
    return generation.get();
  }

  @Override
  public void close() {
    events.close();
    questions.close();
  }
}
