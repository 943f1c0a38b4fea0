package io.calico4j.felix.dataplane.nft;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What Go's Felix leaves in the kernel when a host moves to this one: in its nftables mode the
 * tables {@code ip calico} and {@code ip6 calico}; in its iptables mode chains {@code cali-*} in
 * the tables of iptables-nft, and the rules that jump to them. They drop workloads that they do not
 * know. Its names are those of Go Calico's {@code felix/rules/rule_defs.go} and {@code
 * felix/nftables}.
 */
public final class GoFelixRemains {
  private static final String TABLE = "calico";
  private static final Set<String> FAMILIES = Set.of("ip", "ip6");
  private static final Set<String> IPTABLES = Set.of("filter", "nat", "mangle", "raw");

  /** Chains of its own tables: {@code LAYER-cali-…} beside base chains such as filter-INPUT. */
  private static final Pattern CHAIN_OF_TABLE = Pattern.compile("(filter|nat|mangle|raw)-cali-.*");

  private static final Pattern CHAIN_OF_IPTABLES = Pattern.compile("cali-[A-Za-z0-9_./-]*");

  private final Set<Table> tables;
  private final Set<Chain> chains;

  private GoFelixRemains(Set<Table> tables, Set<Chain> chains) {
    this.tables = tables;
    this.chains = chains;
  }

  private record Table(String family, String name) implements Comparable<Table> {
    @Override
    public int compareTo(Table other) {
      return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
      return family + " " + name;
    }
  }

  private record Chain(Table table, String name) implements Comparable<Chain> {
    @Override
    public int compareTo(Chain other) {
      return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
      return table + " " + name;
    }
  }

  /**
   * Looks for them; changes nothing.
   *
   * @throws NftException when nftables cannot be read
   */
  public static GoFelixRemains find(NftListing nft) throws NftException {
    Set<Table> tables = new TreeSet<>();
    Set<Chain> chains = new TreeSet<>();
    for (JsonObject chain : NftJson.objects(nft.list("list chains"), "chain")) {
      String name = NftJson.text(chain, "name");
      Table table = new Table(NftJson.text(chain, "family"), NftJson.text(chain, "table"));
      if (!FAMILIES.contains(table.family())) {
        continue;
      }
      if (table.name().equals(TABLE) && CHAIN_OF_TABLE.matcher(name).matches()) {
        tables.add(table);
      } else if (IPTABLES.contains(table.name()) && CHAIN_OF_IPTABLES.matcher(name).matches()) {
        chains.add(new Chain(table, name));
      }
    }
    return new GoFelixRemains(tables, chains);
  }

  /** Tells whether there are none. */
  public boolean isEmpty() {
    return tables.isEmpty() && chains.isEmpty();
  }

  /** Names them, such as {@code table ip calico, 7 chains cali-* in table ip filter}. */
  public String describe() {
    List<String> parts = new ArrayList<>();
    tables.forEach(table -> parts.add("table " + table));
    for (Table table : tablesOfChains()) {
      long count = chains.stream().filter(chain -> chain.table().equals(table)).count();
      parts.add(count + (count == 1 ? " chain" : " chains") + " cali-* in table " + table);
    }
    return String.join(", ", parts);
  }

  /**
   * Removes them, and the rules of other chains that jump to them, in one transaction. Everything
   * else in iptables' tables stays.
   *
   * @throws NftException when nftables refuses it; nothing has changed then
   */
  public void remove(Nft nft, NftListing listing) throws NftException {
    StringBuilder commands = new StringBuilder();
    for (Table table : tablesOfChains()) {
      for (JsonObject rule : NftJson.objects(listing.list("list table " + table), "rule")) {
        Chain in = new Chain(table, NftJson.text(rule, "chain"));
        if (!chains.contains(in) && leadsToOne(table, rule)) {
          commands.append("delete rule %s handle %s\n".formatted(in, NftJson.text(rule, "handle")));
        }
      }
    }
    chains.forEach(chain -> commands.append("flush chain ").append(chain).append('\n'));
    chains.forEach(chain -> commands.append("delete chain ").append(chain).append('\n'));
    tables.forEach(table -> commands.append("delete table ").append(table).append('\n'));
    if (!commands.isEmpty()) {
      nft.run(commands.toString());
    }
  }

  /**
   * Tells whether the table of this project is in the kernel.
   *
   * @throws NftException when nftables cannot be read
   */
  public static boolean isReplaced(NftListing nft) throws NftException {
    return NftJson.objects(nft.list("list tables"), "table").stream()
        .anyMatch(
            table ->
                NftJson.text(table, "family").equals("inet")
                    && NftJson.text(table, "name").equals(NftTable.NAME));
  }

  private Set<Table> tablesOfChains() {
    Set<Table> found = new TreeSet<>();
    chains.forEach(chain -> found.add(chain.table()));
    return found;
  }

  private boolean leadsToOne(Table table, JsonObject rule) {
    if (!(rule.get("expr") instanceof JsonArray statements)) {
      return false;
    }
    for (JsonElement element : statements) {
      if (element instanceof JsonObject statement
          && target(statement).filter(t -> chains.contains(new Chain(table, t))).isPresent()) {
        return true;
      }
    }
    return false;
  }

  private static Optional<String> target(JsonObject statement) {
    for (String kind : List.of("jump", "goto")) {
      if (statement.get(kind) instanceof JsonObject verdict) {
        return Optional.of(NftJson.text(verdict, "target"));
      }
    }
    return Optional.empty();
  }
}
