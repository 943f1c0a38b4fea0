package io.calico4j.testbed;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A named network namespace. Must be made inside private user, network and mount namespaces, where
 * this process is root.
 *
 * @param name its name below /run/netns, or the absolute path of a bind mount of it; empty for the
 *     one this process is in
 */
public record Namespace(String name) {
  /** Makes it, with its loopback up. */
  public static Namespace create(String name) throws IOException {
    Command.of("ip", "netns", "add", name).mustRun();
    Command.of("ip", "-n", name, "link", "set", "lo", "up").mustRun();
    return new Namespace(name);
  }

  /** Returns the namespace this process is in. */
  public static Namespace own() {
    return new Namespace("");
  }

  /** Returns the one that is bind-mounted somewhere. */
  public static Namespace at(Path path) {
    return new Namespace(path.toAbsolutePath().toString());
  }

  private boolean isPath() {
    return name.startsWith("/");
  }

  private boolean isOwn() {
    return name.isEmpty();
  }

  /** Returns the path a runtime gives as CNI_NETNS. */
  public String path() {
    return isOwn() ? "/proc/self/ns/net" : isPath() ? name : "/run/netns/" + name;
  }

  /** Returns the command that runs a program inside; nothing but the network changes for it. */
  public List<String> enter(List<String> arguments) {
    List<String> all = new ArrayList<>();
    if (!isOwn()) {
      all.addAll(List.of("nsenter", "--net=" + path()));
    }
    all.addAll(arguments);
    return all;
  }

  /** Makes a command that runs inside with this process's environment. */
  public Command command(String... arguments) {
    return Command.of(enter(List.of(arguments)).toArray(String[]::new));
  }

  /** Runs {@code ip} on it. */
  public String ip(String... arguments) throws IOException {
    List<String> all =
        new ArrayList<>(isOwn() || isPath() ? enter(List.of("ip")) : List.of("ip", "-n", name));
    all.addAll(List.of(arguments));
    return Command.of(all.toArray(String[]::new)).mustRun();
  }

  /** Joins this namespace's new interface to another one's by a veth pair; both ends are up. */
  public void connect(String link, Namespace other, String otherLink) throws IOException {
    Command.of(
            "ip",
            "link",
            "add",
            link,
            "netns",
            name,
            "type",
            "veth",
            "peer",
            "name",
            otherLink,
            "netns",
            other.name)
        .mustRun();
    ip("link", "set", link, "up");
    other.ip("link", "set", otherLink, "up");
  }

  /** Removes it; processes inside keep it alive without a name. */
  public void delete() throws IOException {
    if (!isOwn()) {
      var unused = Command.of("ip", "netns", "del", name).run();
    }
  }
}
