package io.calico4j.core.cni;

import io.calico4j.core.plugin.PluginRequest;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.StringTokenizer;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A CNI request whose form has been checked: which variables each command needs is a table of the
 * spec.
 *
 * @param command what to do
 * @param containerId CNI_CONTAINERID
 * @param netns CNI_NETNS; empty when absent
 * @param interfaceName CNI_IFNAME
 * @param arguments CNI_ARGS, keys in upper case; empty for DEL, which nothing may keep from its end
 * @param path CNI_PATH: where the runtime looks for plugins; empty when absent
 * @param environment the CNI_* variables as they came, for plugins that are delegated to
 * @param configuration the network configuration
 */
public record CniRequest(
    Command command,
    String containerId,
    String netns,
    String interfaceName,
    Map<String, String> arguments,
    String path,
    Map<String, String> environment,
    NetworkConfiguration configuration) {
  /** Copies the maps. */
  public CniRequest {
    arguments = Collections.unmodifiableMap(new TreeMap<>(arguments));
    environment = Map.copyOf(environment);
  }

  /** The operations, and which variables they need. */
  public enum Command {
    /** Attaches. */
    ADD(true, true),
    /** Detaches. */
    DEL(true, false),
    /** Checks. */
    CHECK(true, true),
    /** Detaches all of a network but what is listed. */
    GC(false, false),
    /** Tells whether an ADD could be served. */
    STATUS(false, false);

    private final boolean needsContainer;
    private final boolean needsNetns;

    Command(boolean needsContainer, boolean needsNetns) {
      this.needsContainer = needsContainer;
      this.needsNetns = needsNetns;
    }
  }

  private static final Pattern CONTAINER_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
  private static final Pattern INTERFACE = Pattern.compile("[!-~&&[^/:]]{1,15}");

  /** Parses a request other than VERSION; the error has code 1, 4, 6 or 7. */
  public static CniRequest parse(PluginRequest request) throws CniError {
    NetworkConfiguration configuration = NetworkConfiguration.parse(request.standardInput());
    Map<String, String> environment = request.environment();
    Command command = command(environment.getOrDefault("CNI_COMMAND", ""), configuration);
    String containerId = environment.getOrDefault("CNI_CONTAINERID", "");
    if (command.needsContainer
        && (containerId.length() > 253 || !CONTAINER_ID.matcher(containerId).matches())) {
      throw invalid(
          "CNI_CONTAINERID",
          containerId,
          "1 to 253 letters, digits or _.- beginning with a letter or digit");
    }
    String interfaceName = environment.getOrDefault("CNI_IFNAME", "");
    if (command.needsContainer
        && (!INTERFACE.matcher(interfaceName).matches()
            || interfaceName.equals(".")
            || interfaceName.equals(".."))) {
      throw invalid(
          "CNI_IFNAME",
          interfaceName,
          "1 to 15 printable ASCII characters without slash, colon, blank");
    }
    String netns = environment.getOrDefault("CNI_NETNS", "");
    if (command.needsNetns && netns.isEmpty()) {
      throw invalid("CNI_NETNS", netns, "the path of the container's network namespace");
    }
    return new CniRequest(
        command,
        containerId,
        netns,
        interfaceName,
        command == Command.DEL ? Map.of() : arguments(environment.getOrDefault("CNI_ARGS", "")),
        environment.getOrDefault("CNI_PATH", ""),
        environment,
        configuration);
  }

  private static Command command(String name, NetworkConfiguration configuration) throws CniError {
    for (Command command : Command.values()) {
      if (command.name().equals(name)) {
        if (command == Command.CHECK && !configuration.version().hasCheck()) {
          throw invalid("CNI_COMMAND", name, "used with cniVersion 0.4.0 or newer");
        }
        if (!command.needsContainer && !configuration.version().hasGcAndStatus()) {
          throw invalid("CNI_COMMAND", name, "used with cniVersion 1.1.0 or newer");
        }
        return command;
      }
    }
    throw invalid("CNI_COMMAND", name, "one of ADD, DEL, CHECK, GC, STATUS, VERSION");
  }

  private static Map<String, String> arguments(String text) throws CniError {
    Map<String, String> arguments = new TreeMap<>();
    StringTokenizer pairs = new StringTokenizer(text, ";");
    while (pairs.hasMoreTokens()) {
      String pair = pairs.nextToken();
      int equals = pair.indexOf('=');
      if (equals <= 0) {
        throw invalid("CNI_ARGS", pair, "a list such as KEY=VALUE;KEY=VALUE");
      }
      arguments.put(pair.substring(0, equals).toUpperCase(Locale.ROOT), pair.substring(equals + 1));
    }
    return arguments;
  }

  private static CniError invalid(String variable, String value, String wanted) {
    return new CniError(
        CniError.INVALID_ENVIRONMENT,
        variable
            + " is \""
            + (value.length() > 80 ? value.substring(0, 80) + "…" : value)
            + "\" but must be "
            + wanted,
        "");
  }
}
