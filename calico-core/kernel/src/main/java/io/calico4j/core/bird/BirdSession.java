package io.calico4j.core.bird;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A BGP session, as {@code show protocols all} of BIRD 2 tells of it.
 *
 * @param name the protocol's name
 * @param state whether the protocol is up, down, or on its way
 * @param since when that changed
 * @param info the session's state, such as Established, and why it is not
 * @param address the peer's address; empty when bird does not tell it
 * @param asNumber the peer's AS number; empty likewise
 * @param imported how many routes are taken from the peer
 * @param exported how many routes the peer is told
 * @param updates how many times the peer has told a route
 */
public record BirdSession(
    String name,
    String state,
    String since,
    String info,
    String address,
    String asNumber,
    long imported,
    long exported,
    long updates) {
  private static final Pattern HEAD =
      Pattern.compile(
          "(\\S+)\\s+(\\S+)\\s+(\\S+)\\s+(\\S+)\\s+([0-9-]+(?: [0-9:.]+|[0-9:.]*))(.*)");
  private static final Pattern FIELD = Pattern.compile("\\s+([A-Z][A-Za-z ]+):\\s+(.*)");
  private static final Pattern ROUTES =
      Pattern.compile("([0-9]+) imported, .*?([0-9]+) exported.*");
  private static final Pattern NUMBER = Pattern.compile("\\s*([0-9]+).*");

  /** Returns the state of the session itself: Established, Active, Connect, Idle, Passive, Down. */
  public String status() {
    int space = info.indexOf(' ');
    String first = space < 0 ? info : info.substring(0, space);
    return first.isEmpty() ? "Down" : first;
  }

  /** Tells whether the peer has an IPv6 address. */
  public boolean isV6() {
    return address.indexOf(':') >= 0;
  }

  /** Reads bird's answer, without the codes of its lines; other protocols are left out. */
  static List<BirdSession> parse(List<String> lines) {
    List<BirdSession> sessions = new ArrayList<>();
    List<String> block = new ArrayList<>();
    for (String line : lines) {
      if (!line.isBlank() && !Character.isWhitespace(line.charAt(0))) {
        add(block, sessions);
        block.clear();
      }
      block.add(line);
    }
    add(block, sessions);
    return List.copyOf(sessions);
  }

  private static void add(List<String> block, List<BirdSession> sessions) {
    if (block.isEmpty()) {
      return;
    }
    Matcher head = HEAD.matcher(block.get(0));
    if (!head.matches() || !head.group(2).equals("BGP")) {
      return;
    }
    Map<String, String> fields = new TreeMap<>();
    for (String line : block.subList(1, block.size())) {
      Matcher field = FIELD.matcher(line);
      if (field.matches()) {
        fields.putIfAbsent(field.group(1), field.group(2).strip());
      }
    }
    Matcher routes = ROUTES.matcher(fields.getOrDefault("Routes", ""));
    Matcher updates = NUMBER.matcher(fields.getOrDefault("Import updates", ""));
    boolean counted = routes.matches();
    sessions.add(
        new BirdSession(
            head.group(1),
            head.group(4),
            head.group(5).strip(),
            head.group(6).strip().replaceAll("\\s+", " "),
            fields.getOrDefault("Neighbor address", ""),
            fields.getOrDefault("Neighbor AS", ""),
            counted ? Long.parseLong(routes.group(1)) : 0,
            counted ? Long.parseLong(routes.group(2)) : 0,
            updates.matches() ? Long.parseLong(updates.group(1)) : 0));
  }
}
