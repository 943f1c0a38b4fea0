package io.calico4j.felix.rules;

import java.util.List;

/**
 * Renders the lines by which policy drops packets. Where denied packets are told of, a line before
 * the drop logs them to a group of nfnetlink_log ({@code log} and {@code limit} of nft(8)).
 */
public final class DropRenderer {
  /** The group of nfnetlink_log, 0 to 255; one that other programs are unlikely to listen to. */
  public static final int GROUP = 145;

  /** How much of a packet is logged, in bytes: IPv6 with some extension headers, and ports. */
  public static final int BYTES = 128;

  /** How many packets a line logs in a second: a flood costs no more than that. */
  static final int PACKETS_PER_SECOND = 50;

  private final boolean logs;
  private final DenialNames names;

  DropRenderer(boolean logs, DenialNames names) {
    this.logs = logs;
    this.names = names;
  }

  /**
   * Renders a drop.
   *
   * @param match which packets are dropped; empty for all
   * @param comment a comment without quotation marks; empty for none
   */
  List<String> lines(String match, String comment, Denial denial) {
    return lines(match, "", comment, denial);
  }

  /**
   * Renders a drop.
   *
   * @param match which packets are dropped; empty for all
   * @param counter a statement that counts them, with a blank behind it; or empty
   * @param comment a comment without quotation marks; empty for none
   */
  List<String> lines(String match, String counter, String comment, Denial denial) {
    String condition = match.isEmpty() ? "" : match + " ";
    String drop =
        condition + counter + "drop" + (comment.isEmpty() ? "" : " comment \"" + comment + "\"");
    if (!logs) {
      return List.of(drop);
    }
    return List.of(
        condition
            + "limit rate "
            + PACKETS_PER_SECOND
            + "/second burst "
            + PACKETS_PER_SECOND
            + " packets log prefix \""
            + names.prefix(denial)
            + "\" group "
            + GROUP
            + " snaplen "
            + BYTES,
        drop);
  }
}
