package io.calico4j.felix.dataplane.nft;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Chains of other programs that drop what is forwarded unless they accept it. A packet must be
 * accepted by every base chain it meets, so that they would drop what policy allows. In the table
 * {@code filter} of iptables-nft, which Docker gives the policy DROP, two rules are inserted that
 * leave packets from and to workloads to policy, as upstream's Felix does; other tables are left
 * alone and named.
 */
public final class ForeignForwarding {
  private static final Set<String> IPTABLES = Set.of("ip", "ip6");
  private static final List<String> FIELDS = List.of("iifname", "oifname");
  private static final String WORKLOADS = "cali*";

  private final NftListing listing;
  private final Nft nft;
  private final Set<String> told = new TreeSet<>();

  /**
   * What was found and done, in words for the log.
   *
   * @param opened chains that leave workloads to policy from now on
   * @param closed chains that may drop what policy allows; each is named once
   */
  public record Findings(List<String> opened, List<String> closed) {}

  private record Chain(String family, String table, String name) {
    boolean isOfIptables() {
      return IPTABLES.contains(family) && table.equals("filter") && name.equals("FORWARD");
    }

    @Override
    public String toString() {
      return family + " " + table + " " + name;
    }
  }

  /** Makes one that has not looked yet. */
  public ForeignForwarding(NftListing listing, Nft nft) {
    this.listing = listing;
    this.nft = nft;
  }

  /**
   * Looks at the chains, and inserts the rules where they are missing.
   *
   * @throws NftException when nftables cannot be read, or refuses the rules
   */
  public Findings check() throws NftException {
    List<String> opened = new ArrayList<>();
    List<String> closed = new ArrayList<>();
    StringBuilder commands = new StringBuilder();
    Set<String> present = new TreeSet<>();
    for (Chain chain : droppingChains()) {
      List<String> missing = missing(chain);
      if (missing.isEmpty()) {
        continue;
      }
      if (chain.isOfIptables()) {
        missing.forEach(
            field ->
                commands
                    .append("insert rule ")
                    .append(chain)
                    .append(' ')
                    .append(field)
                    .append(" \"" + WORKLOADS + "\" counter accept\n"));
        opened.add(chain.toString());
      } else {
        present.add(chain.toString());
        if (told.add(chain.toString())) {
          closed.add(chain.toString());
        }
      }
    }
    told.retainAll(present);
    if (commands.length() > 0) {
      nft.run(commands.toString());
    }
    return new Findings(opened, closed);
  }

  private List<Chain> droppingChains() throws NftException {
    List<Chain> chains = new ArrayList<>();
    for (JsonObject chain : NftJson.objects(listing.list("list chains"), "chain")) {
      if (NftJson.text(chain, "hook").equals("forward")
          && NftJson.text(chain, "policy").equals("drop")
          && !NftJson.text(chain, "table").equals(NftTable.NAME)) {
        chains.add(
            new Chain(
                NftJson.text(chain, "family"),
                NftJson.text(chain, "table"),
                NftJson.text(chain, "name")));
      }
    }
    return chains;
  }

  /**
   * Returns the interface fields of which the chain has no rule that accepts workloads; both of
   * them when the chain cannot be listed, as where its name is a word of nftables' own.
   */
  private List<String> missing(Chain chain) {
    try {
      return missing(listing.list("list chain " + chain));
    } catch (NftException e) {
      return FIELDS;
    }
  }

  private static List<String> missing(String chain) throws NftException {
    List<String> missing = new ArrayList<>(FIELDS);
    for (JsonObject rule : NftJson.objects(chain, "rule")) {
      JsonArray expressions = rule.get("expr") instanceof JsonArray array ? array : new JsonArray();
      boolean accepts = false;
      String field = "";
      for (JsonElement expression : expressions) {
        if (!(expression instanceof JsonObject object)) {
          continue;
        }
        accepts |= object.has("accept");
        if (object.get("match") instanceof JsonObject match
            && NftJson.text(match, "right").equals(WORKLOADS)
            && match.get("left") instanceof JsonObject left
            && left.get("meta") instanceof JsonObject meta) {
          field = NftJson.text(meta, "key");
        }
      }
      if (accepts) {
        missing.remove(field);
      }
    }
    return missing;
  }
}
