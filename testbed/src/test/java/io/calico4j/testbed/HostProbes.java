package io.calico4j.testbed;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Connections between a host with endpoints and what is around it, each in both address families.
 *
 * @param host the host's namespace
 * @param client a machine on the host's eth0
 * @param behind a machine on the host's eth1
 * @param task the sandbox of its only workload
 * @param ipv4 the IPv4 addresses
 * @param ipv6 the IPv6 addresses
 * @param threads for the probes of a round
 */
record HostProbes(
    Namespace host,
    Namespace client,
    Namespace behind,
    Namespace task,
    Addresses ipv4,
    Addresses ipv6,
    ExecutorService threads)
    implements AutoCloseable {
  static final int SSH = 22;
  static final int FAILSAFE_OUT = 6666;
  static final int TRANSLATED = 9100;
  static final int TRANSLATED_OUT = 9101;

  private static final int AT_ONCE = 16;
  private static final String TRANSLATION = "translated";
  private static final List<String> NAMES =
      List.of(
          "in",
          "in-failsafe",
          "out",
          "out-failsafe",
          "out-translated",
          "in-eth1",
          "forward-in",
          "forward-out",
          "task-in",
          "task-out",
          "host-to-task",
          "task-to-host",
          TRANSLATION);

  /** The addresses of one family: the host has one on each of its interfaces. */
  record Addresses(String host, String hostEth1, String client, String behind, String task) {}

  HostProbes(
      Namespace host,
      Namespace client,
      Namespace behind,
      Namespace task,
      Addresses ipv4,
      Addresses ipv6) {
    this(host, client, behind, task, ipv4, ipv6, Executors.newFixedThreadPool(AT_ONCE));
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }

  /** Returns the connections that fail: the names alone where both families agree. */
  String failing() throws IOException {
    List<Future<Boolean>> results = new ArrayList<>();
    for (Addresses addresses : List.of(ipv4, ipv6)) {
      for (String name : NAMES) {
        results.add(threads.submit(() -> passes(name, addresses)));
      }
    }
    List<Boolean> passed = new ArrayList<>();
    try {
      for (Future<Boolean> result : results) {
        passed.add(result.get());
      }
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    return told(passed);
  }

  /** Returns those that fail by what explain says, which does not follow translation. */
  String explained(HostEndpointModel model) {
    List<Boolean> passed = new ArrayList<>();
    for (Addresses addresses : List.of(ipv4, ipv6)) {
      NAMES.forEach(name -> passed.add(explained(name, addresses, model)));
    }
    return told(passed);
  }

  /** Leaves out those whose destination is translated. */
  static String withoutTranslated(String names) {
    return String.join(
        " ", Stream.of(names.split(" ", -1)).filter(n -> !n.contains(TRANSLATION)).toList());
  }

  private static String told(List<Boolean> passed) {
    String four = failed(passed.subList(0, NAMES.size()));
    String six = failed(passed.subList(NAMES.size(), passed.size()));
    return four.equals(six) ? four : "IPv4: " + four + "; IPv6: " + six;
  }

  private static String failed(List<Boolean> passed) {
    List<String> failed = new ArrayList<>(NAMES);
    for (int i = NAMES.size() - 1; i >= 0; i--) {
      if (passed.get(i)) {
        failed.remove(i);
      }
    }
    return String.join(" ", failed);
  }

  private boolean passes(String name, Addresses at) throws IOException {
    return switch (name) {
      case "in" -> PacketProbe.tcp(client, at.host());
      case "in-failsafe" -> PacketProbe.tcp(client, at.host(), SSH);
      case "out" -> PacketProbe.tcp(host, at.client());
      case "out-failsafe" -> PacketProbe.tcp(host, at.client(), FAILSAFE_OUT);
      case "out-translated" -> PacketProbe.tcp(host, at.behind(), TRANSLATED_OUT);
      case "in-eth1" -> PacketProbe.tcp(behind, at.hostEth1());
      case "forward-in" -> PacketProbe.tcp(client, at.behind());
      case "forward-out" -> PacketProbe.tcp(behind, at.client());
      case "task-in" -> PacketProbe.tcp(client, at.task());
      case "task-out" -> PacketProbe.tcp(task, at.client());
      case "host-to-task" -> PacketProbe.tcp(host, at.task());
      case "task-to-host" -> PacketProbe.tcp(task, at.host());
      case TRANSLATION -> PacketProbe.tcp(client, at.host(), TRANSLATED);
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static boolean explained(String name, Addresses at, HostEndpointModel model) {
    return switch (name) {
      case "in" -> model.allows("eth0", at.client(), "", at.host());
      case "in-failsafe" -> model.allows("eth0", at.client(), "", at.host(), SSH);
      case "out" -> model.allows("", at.host(), "eth0", at.client());
      case "out-failsafe" -> model.allows("", at.host(), "eth0", at.client(), FAILSAFE_OUT);
      case "in-eth1" -> model.allows("eth1", at.behind(), "", at.hostEth1());
      case "forward-in" -> model.allows("eth0", at.client(), "eth1", at.behind());
      case "forward-out" -> model.allows("eth1", at.behind(), "eth0", at.client());
      case "task-in" -> model.allows("eth0", at.client(), "task", at.task());
      case "task-out" -> model.allows("task", at.task(), "eth0", at.client());
      case "host-to-task" -> model.allows("", at.host(), "task", at.task());
      case "task-to-host" -> model.allows("task", at.task(), "", at.host());
      default -> true;
    };
  }
}
