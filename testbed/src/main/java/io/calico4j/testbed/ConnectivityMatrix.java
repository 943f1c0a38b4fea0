package io.calico4j.testbed;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Who reaches whom: every pair by a TCP connection and by a ping, measured at the same time. */
public final class ConnectivityMatrix {
  private static final int PARALLEL = 32;

  private final List<Workload> workloads;
  private final Map<List<String>, String> seen = new LinkedHashMap<>();

  private ConnectivityMatrix(List<Workload> workloads) {
    this.workloads = List.copyOf(workloads);
  }

  /** What ought to be: whether one reaches the other. */
  public interface Expectation {
    /** Tells whether the packets must get through. */
    boolean reaches(Workload from, Workload to);
  }

  /** Probes every pair. */
  public static ConnectivityMatrix probe(List<Workload> workloads) throws IOException {
    ConnectivityMatrix matrix = new ConnectivityMatrix(workloads);
    ExecutorService pool = Executors.newFixedThreadPool(PARALLEL);
    try {
      Map<List<String>, Future<String>> probes = new LinkedHashMap<>();
      for (Workload from : workloads) {
        for (Workload to : workloads) {
          if (!from.equals(to)) {
            probes.put(List.of(from.name(), to.name()), pool.submit(() -> probe(from, to)));
          }
        }
      }
      for (Map.Entry<List<String>, Future<String>> probe : probes.entrySet()) {
        matrix.seen.put(probe.getKey(), probe.getValue().get());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the probes were interrupted");
    } catch (ExecutionException e) {
      throw new IllegalStateException("a probe could not be made", e.getCause());
    } finally {
      pool.shutdownNow();
    }
    return matrix;
  }

  private static String probe(Workload from, Workload to) throws IOException {
    String tcp = PacketProbe.tcp(from.sandbox(), to.address()) ? "yes" : "no";
    String ping = PacketProbe.ping(from.sandbox(), to.address()) ? "yes" : "no";
    return tcp.equals(ping) ? tcp : tcp + "/" + ping;
  }

  /** Returns one line for each pair that is not as expected. */
  public List<String> differences(Expectation expectation) {
    List<String> differences = new ArrayList<>();
    for (Workload from : workloads) {
      for (Workload to : workloads) {
        String got = seen.get(List.of(from.name(), to.name()));
        String wanted = expectation.reaches(from, to) ? "yes" : "no";
        if (got != null && !got.equals(wanted)) {
          differences.add(
              from.name() + " to " + to.name() + ": tcp/ping " + got + ", expected " + wanted);
        }
      }
    }
    return differences;
  }

  /** Prints the table: rows send, columns receive. */
  public String table() {
    StringBuilder text = new StringBuilder("%-9s".formatted("from\\to"));
    workloads.forEach(w -> text.append("%-7s".formatted(w.name())));
    for (Workload from : workloads) {
      text.append("%n%-9s".formatted(from.name()));
      for (Workload to : workloads) {
        String got = seen.getOrDefault(List.of(from.name(), to.name()), "-");
        text.append("%-7s".formatted(got));
      }
    }
    return text.toString();
  }
}
