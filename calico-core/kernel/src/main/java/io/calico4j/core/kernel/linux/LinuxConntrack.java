package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.Conntrack;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * ctnetlink: constants are those of {@code linux/netfilter/nfnetlink_conntrack.h}. Reads all
 * entries and deletes the chosen ones, each by its original tuple, its zone and its id, so that an
 * entry that was made anew meanwhile stays.
 */
final class LinuxConntrack implements Conntrack {
  private static final int NETLINK_NETFILTER = 12;
  private static final int SUBSYSTEM = 1;
  private static final int NEW = SUBSYSTEM << 8;
  private static final int GET = SUBSYSTEM << 8 | 1;
  private static final int DELETE = SUBSYSTEM << 8 | 2;
  private static final int TUPLE_ORIGINAL = 1;
  private static final int TUPLE_REPLY = 2;
  private static final int ID = 12;
  private static final int ZONE = 18;
  private static final int TUPLE_IP = 1;

  /** CTA_IP_V4_SRC, CTA_IP_V4_DST, CTA_IP_V6_SRC, CTA_IP_V6_DST. */
  private static final int LAST_ADDRESS = 4;

  private static final int FAMILY_HEADER = 4;
  private static final int MAX_ROUNDS = 3;
  private static final int NESTED = 0x8000;

  private final NetlinkSocket socket;
  private final boolean supported;
  private final ReentrantLock turn = new ReentrantLock();

  /** What the next reading is for; guarded by this. */
  private Batch next = new Batch();

  /** Those who share a reading. */
  private static final class Batch {
    final List<Predicate<IpAddress>> chosen = new ArrayList<>();
    boolean done;
    int deleted;
    @Nullable KernelException failure;
  }

  /**
   * An entry to delete.
   *
   * @param family AF_INET or AF_INET6
   * @param tuple its original tuple, as the kernel printed it
   * @param id its id, so
   * @param zone its zone, so; null for none
   */
  private record Entry(int family, byte[] tuple, byte @Nullable [] id, byte @Nullable [] zone) {}

  LinuxConntrack() throws KernelException {
    socket = new NetlinkSocket(NETLINK_NETFILTER);
    supported = probe();
  }

  private boolean probe() throws KernelException {
    NetlinkMessage message =
        new NetlinkMessage(GET, NetlinkMessage.REQUEST | NetlinkMessage.DUMP, socket.nextSequence())
            .netfilterHeader(0, 0);
    return socket.ask(message.toBytes(), "read", "conntrack entries", (type, body) -> {}) == 0;
  }

  @Override
  public boolean isSupported() {
    return supported;
  }

  @Override
  public int delete(Predicate<IpAddress> chosen) throws KernelException {
    if (!supported) {
      return 0;
    }
    Batch mine;
    synchronized (this) {
      mine = next;
      mine.chosen.add(chosen);
    }
    turn.lock();
    try {
      if (!mine.done) {
        synchronized (this) {
          next = new Batch();
        }
        work(mine);
      }
    } finally {
      turn.unlock();
    }
    if (mine.failure != null) {
      throw mine.failure;
    }
    return mine.deleted;
  }

  private void work(Batch batch) {
    try {
      // A dump may miss entries that move while it is read: the next one finds them.
      List<Entry> entries = entries(batch.chosen);
      for (int round = 0; round < MAX_ROUNDS && !entries.isEmpty(); round++) {
        for (Entry entry : entries) {
          batch.deleted += delete(entry);
        }
        entries = entries(batch.chosen);
      }
    } catch (KernelException e) {
      batch.failure = e;
    } finally {
      batch.done = true;
    }
  }

  private List<Entry> entries(List<Predicate<IpAddress>> chosen) throws KernelException {
    List<Entry> entries = new ArrayList<>();
    NetlinkMessage message =
        new NetlinkMessage(GET, NetlinkMessage.REQUEST | NetlinkMessage.DUMP, socket.nextSequence())
            .netfilterHeader(0, 0);
    socket.request(
        message.toBytes(),
        "read",
        "conntrack entries",
        (type, body) -> {
          if (type == NEW && body.remaining() > FAMILY_HEADER) {
            int family = body.get(body.position());
            body.position(body.position() + FAMILY_HEADER);
            Attributes attributes = Attributes.parse(body);
            byte[] tuple = attributes.bytes(TUPLE_ORIGINAL);
            if (tuple != null
                && (concerns(attributes.nested(TUPLE_ORIGINAL), chosen)
                    || concerns(attributes.nested(TUPLE_REPLY), chosen))) {
              entries.add(new Entry(family, tuple, attributes.bytes(ID), attributes.bytes(ZONE)));
            }
          }
        });
    return entries;
  }

  private static boolean concerns(Attributes tuple, List<Predicate<IpAddress>> chosen) {
    Attributes addresses = tuple.nested(TUPLE_IP);
    for (int type = 1; type <= LAST_ADDRESS; type++) {
      byte[] bytes = addresses.bytes(type);
      if (bytes != null) {
        IpAddress address = IpAddress.ofBytes(bytes);
        if (chosen.stream().anyMatch(c -> c.test(address))) {
          return true;
        }
      }
    }
    return false;
  }

  private int delete(Entry entry) throws KernelException {
    NetlinkMessage message =
        new NetlinkMessage(
                DELETE, NetlinkMessage.REQUEST | NetlinkMessage.ACK, socket.nextSequence())
            .netfilterHeader(entry.family(), 0)
            .attribute(TUPLE_ORIGINAL | NESTED, entry.tuple());
    if (entry.zone() != null) {
      message.attribute(ZONE, entry.zone());
    }
    if (entry.id() != null) {
      message.attribute(ID, entry.id());
    }
    int errno = socket.ask(message.toBytes(), "delete", "a conntrack entry", (type, body) -> {});
    if (errno != 0 && errno != KernelException.ENOENT) {
      throw LibC.failure("delete", "a conntrack entry", errno);
    }
    return errno == 0 ? 1 : 0;
  }

  @Override
  public void close() {
    socket.close();
  }
}
