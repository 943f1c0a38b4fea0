package io.calico4j.core.kernel.linux;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftRules;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * nfnetlink: constants are those of {@code linux/netfilter/nf_tables.h}. All rules of a table are
 * read in one dump.
 */
final class LinuxNftRules implements NftRules {
  private static final int NETLINK_NETFILTER = 12;
  private static final int SUBSYSTEM = 10;
  private static final int NEWRULE = SUBSYSTEM << 8 | 6;
  private static final int GETRULE = SUBSYSTEM << 8 | 7;
  private static final int INET = 1;

  /** sizeof(struct nfgenmsg). */
  private static final int FAMILY_HEADER = 4;

  private static final int RULE_TABLE = 1;
  private static final int RULE_CHAIN = 2;
  private static final int RULE_EXPRESSIONS = 4;
  private static final int EXPRESSION_NAME = 1;
  private static final int EXPRESSION_DATA = 2;
  private static final int COUNTER_BYTES = 1;
  private static final int COUNTER_PACKETS = 2;

  private final NetlinkSocket socket;

  LinuxNftRules() throws KernelException {
    socket = new NetlinkSocket(NETLINK_NETFILTER);
  }

  @Override
  public Map<String, List<Optional<Counter>>> counters(String table) throws KernelException {
    Map<String, List<Optional<Counter>>> chains = new HashMap<>();
    NetlinkMessage message =
        new NetlinkMessage(
                GETRULE, NetlinkMessage.REQUEST | NetlinkMessage.DUMP, socket.nextSequence())
            .netfilterHeader(INET, 0)
            .attribute(RULE_TABLE, table);
    socket.request(
        message.toBytes(),
        "read rules of",
        table,
        (type, body) -> {
          if (type == NEWRULE && body.remaining() > FAMILY_HEADER) {
            body.position(body.position() + FAMILY_HEADER);
            Attributes rule = Attributes.parse(body);
            // An older kernel answers with all tables.
            if (rule.text(RULE_TABLE).equals(table)) {
              chains
                  .computeIfAbsent(rule.text(RULE_CHAIN), chain -> new ArrayList<>())
                  .add(counter(rule));
            }
          }
        });
    return chains;
  }

  private static Optional<Counter> counter(Attributes rule) {
    for (Attributes expression : rule.list(RULE_EXPRESSIONS)) {
      if (expression.text(EXPRESSION_NAME).equals("counter")) {
        Attributes data = expression.nested(EXPRESSION_DATA);
        return Optional.of(new Counter(number(data, COUNTER_PACKETS), number(data, COUNTER_BYTES)));
      }
    }
    return Optional.empty();
  }

  /** Reads a number in network byte order. */
  private static long number(Attributes data, int type) {
    byte[] value = data.bytes(type);
    return value == null || value.length < Long.BYTES ? 0 : ByteBuffer.wrap(value).getLong();
  }

  @Override
  public void close() {
    socket.close();
  }
}
