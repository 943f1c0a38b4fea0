package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.dataplane.nft.TableState.Difference;
import io.calico4j.felix.rules.SetType;
import io.calico4j.felix.rules.TableWriter.Direction;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Counts what is in the table by what was sent to the kernel. Not for several threads. */
final class TableCounts {
  private static final int MAPS = Direction.values().length;

  /** How many rules each chain has. */
  private final Map<String, Integer> chains = new HashMap<>();

  private final Map<String, SetType> sets = new HashMap<>();
  private int rules;
  private int ipv4Sets;

  /** Notes that the table is an empty one now, which has only what is always there. */
  void replaced() {
    chains.clear();
    sets.clear();
    rules = 0;
    ipv4Sets = 0;
    String chain = "";
    int lines = 0;
    for (String line : NftTable.replaceAll(new Difference()).lines().map(String::strip).toList()) {
      if (line.startsWith("chain ")) {
        chain = line.split(" ", -1)[1];
        lines = 0;
      } else if (!chain.isEmpty() && !line.equals("}") && !line.startsWith("type ")) {
        lines++;
      }
      if (!chain.isEmpty() && line.endsWith("}") && (line.equals("}") || lines == 0)) {
        put(chain, lines);
        chain = "";
      }
    }
  }

  private void put(String chain, int lines) {
    Integer before = chains.put(chain, lines);
    rules += lines - (before == null ? 0 : before);
  }

  /** Notes that a difference is in the kernel. */
  void sent(Difference difference) {
    difference.newChains().forEach(chain -> put(chain, 0));
    difference.rules().forEach((chain, lines) -> put(chain, lines.size()));
    difference.newSets().forEach(this::putSet);
    for (String chain : difference.goneChains()) {
      Integer before = chains.remove(chain);
      rules -= before == null ? 0 : before;
    }
    difference.goneSets().forEach(set -> ipv4Sets -= isIpv4(sets.remove(set)) ? 1 : 0);
  }

  private void putSet(String name, SetType type) {
    ipv4Sets += (isIpv4(type) ? 1 : 0) - (isIpv4(sets.put(name, type)) ? 1 : 0);
  }

  private static boolean isIpv4(@Nullable SetType type) {
    return type != null && type.family() == IpFamily.IPV4;
  }

  /** Returns the figures; nothing is there before the first table is. */
  TableFigures figures() {
    return chains.isEmpty()
        ? TableFigures.NONE
        : new TableFigures(chains.size(), rules, MAPS, ipv4Sets, sets.size() - ipv4Sets);
  }
}
