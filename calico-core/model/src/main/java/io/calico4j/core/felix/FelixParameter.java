package io.calico4j.core.felix;

import io.calico4j.core.setting.ValueType;
import java.util.Locale;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * A parameter of upstream's Felix.
 *
 * @param name in felix.cfg, and behind FELIX_ in the environment
 * @param variable the environment variable; empty when there is none
 * @param field of FelixConfiguration's spec; empty when there is none
 * @param type how values are compared
 * @param absent upstream's default
 * @param everywhere whether a FelixConfiguration may have it
 * @param fatal whether upstream's Felix exits when the value is bad
 * @param status what becomes of it here
 * @param inForce a value beside the default as which this Felix behaves anyway; empty when none
 */
public record FelixParameter(
    String name,
    String variable,
    String field,
    Type type,
    String absent,
    boolean everywhere,
    boolean fatal,
    Status status,
    String inForce) {
  private static final int COLUMNS = 9;

  /** How values of a parameter are compared. */
  public enum Type {
    /** Yes or no. */
    FLAG,
    /** A whole number, decimal or hexadecimal. */
    NUMBER,
    /** Seconds, or a Go duration. */
    SECONDS,
    /** Milliseconds, or a Go duration. */
    MILLISECONDS,
    /** A word in any case. */
    WORD,
    /** Comma-separated texts in any order. */
    LIST,
    /** Any text. */
    TEXT;

    /** Returns the one form of all texts that mean the same. */
    String canonical(String text) {
      return switch (this) {
        case FLAG -> ValueType.flag().parse(text).map(Object::toString).orElse(text);
        case NUMBER -> number(text);
        case SECONDS -> ValueType.duration().parse(text).map(Object::toString).orElse(text);
        case MILLISECONDS ->
            ValueType.duration()
                .parse(text.matches("[0-9.]+") ? text + "ms" : text)
                .map(Object::toString)
                .orElse(text);
        case WORD -> text.toLowerCase(Locale.ROOT);
        case LIST ->
            String.join(
                ",",
                new TreeSet<>(
                    Pattern.compile("[, ]+")
                        .splitAsStream(text.toLowerCase(Locale.ROOT).strip())
                        .toList()));
        case TEXT -> text;
      };
    }

    private static String number(String text) {
      try {
        return Long.decode(text).toString();
      } catch (NumberFormatException e) {
        return text;
      }
    }
  }

  /** What becomes of a parameter: this Felix acts upon it, or why it does not. */
  public enum Status {
    /** This Felix acts upon it. */
    ACTED(""),
    /** calico-node acts upon its environment variable. */
    CALICO_NODE("calico-node reads it from its environment only"),
    /** Amazon's interfaces. */
    AWS("this Felix does not change settings of Amazon's interfaces"),
    /** The BPF dataplane. */
    BPF("this Felix programs nftables only, and no BPF"),
    /** The kind of datastore. */
    DATASTORE("etcd is the only datastore"),
    /** Aids for upstream's developers. */
    DEBUG("it is an aid for developers of another program"),
    /** External dataplanes. */
    DRIVER("the dataplane is built in"),
    /** Access to etcd. */
    ETCD("calico-node reads ETCD_ENDPOINTS and the other ETCD_ variables instead"),
    /** Detection of kernel features. */
    FEATURES("this Felix has no features to switch"),
    /** Floating addresses. */
    FLOATING("floating addresses are always in force"),
    /** Flow logs. */
    FLOW_LOGS("denied flows are named in the agent's log, and nothing else is reported"),
    /** Go's runtime. */
    GO("it tunes Go's runtime, and calico-node is a JVM: see CALICO_NODE_JAVA_OPTIONS"),
    /** The health page. */
    HEALTH("the health page is always served"),
    /** Interface names. */
    INTERFACE("the plugins give every interface a name that begins with cali"),
    /** The iptables dataplane. */
    IPTABLES("this Felix programs nftables only, and no iptables or ipsets"),
    /** IPv6. */
    IPV6("policy for IPv6 is always in force"),
    /** Logging. */
    LOG("the log goes to standard error only"),
    /** Service meshes. */
    MESH("service meshes are not supported"),
    /** Groups of metrics. */
    METRICS("this Felix has metrics of its own"),
    /** Metrics with TLS. */
    METRICS_TLS("metrics are served without TLS"),
    /** MTU detection. */
    MTU("the MTU comes from the interface that has the node's address"),
    /** The node's name. */
    NODE_NAME("NODENAME says the node's name"),
    /** Selection of nodes. */
    NODE_SELECTOR("only the FelixConfigurations default and node.NAME are read"),
    /** What could be done. */
    NOT_YET("it is not yet implemented"),
    /** OpenStack. */
    OPENSTACK("OpenStack is not supported"),
    /** The form of the ruleset. */
    OWN_TABLE(
        "the rules are in an nftables table of their own, which needs neither"
            + " a place among others' rules nor marks"),
    /** Routes. */
    ROUTES("routes to workloads have one form, and BIRD makes those to other hosts"),
    /** Kubernetes' services. */
    SERVICES("services are not handled here"),
    /** Spoofed sources. */
    SPOOFING("allowSpoofedSourcePrefixes of an endpoint always holds"),
    /** Intervals and time limits. */
    TIMING("this Felix has a fixed time for it"),
    /** Typha. */
    TYPHA("there is no Typha: every node watches etcd itself"),
    /** Usage reports. */
    USAGE("nothing is reported to anybody"),
    /** Windows. */
    WINDOWS("this Felix runs on Linux only"),
    /** WireGuard. */
    WIREGUARD("WireGuard is not yet implemented"),
    /** XDP. */
    XDP("this Felix programs nftables only, and no XDP");

    private final String reason;

    Status(String reason) {
      this.reason = reason;
    }

    /** Returns why it is not acted upon; empty when it is. */
    public String reason() {
      return reason;
    }
  }

  /** Reads a line of the table. */
  static FelixParameter parse(String line) {
    String[] cells = line.split(";", -1);
    if (cells.length != COLUMNS) {
      throw new IllegalArgumentException("not " + COLUMNS + " columns: " + line);
    }
    return new FelixParameter(
        cells[0],
        cells[1],
        cells[2],
        Type.valueOf(cells[3].toUpperCase(Locale.ROOT)),
        cells[4],
        either(cells[5], "all", "local"),
        either(cells[6], "exit", "default"),
        Status.valueOf(cells[7].toUpperCase(Locale.ROOT).replace('-', '_')),
        cells[8]);
  }

  private static boolean either(String cell, String yes, String no) {
    if (!cell.equals(yes) && !cell.equals(no)) {
      throw new IllegalArgumentException("\"" + cell + "\" is neither " + yes + " nor " + no);
    }
    return cell.equals(yes);
  }

  /** Tells whether this Felix behaves as this text says, although it does not act upon it. */
  boolean isInForce(String text) {
    String given = canonical(text);
    return given.equals(canonical(absent))
        || !inForce.isEmpty() && given.equals(canonical(inForce));
  }

  /** Upstream takes the word none for an empty value. */
  private String canonical(String text) {
    return type.canonical(text.equalsIgnoreCase("none") ? "" : text);
  }
}
