package io.calico4j.benchmarks;

import io.calico4j.testbed.TestHost;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What a calico-node of a benchmark costs. */
final class AgentProcess {
  private static final long READY_NANOS = TimeUnit.MINUTES.toNanos(8);
  private static final int POLL_MILLIS = 10;
  private static final String READINESS = "http://127.0.0.1:9099/readiness";

  /** A tick of /proc/PID/stat: USER_HZ is 100 on every architecture that Linux has Java for. */
  private static final double TICKS_IN_A_SECOND = 100;

  private static final int UTIME = 11;
  private static final int STIME = 12;

  private AgentProcess() {}

  /** Returns how many seconds the agent takes until it is ready. */
  static double start(TestHost host) throws IOException, InterruptedException {
    long start = System.nanoTime();
    host.beginAgent();
    while (!isReady()) {
      if (System.nanoTime() - start > READY_NANOS) {
        throw new IOException("the agent does not become ready: " + host.state());
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private static boolean isReady() {
    try {
      HttpURLConnection connection =
          (HttpURLConnection) URI.create(READINESS).toURL().openConnection();
      try {
        return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
      } finally {
        connection.disconnect();
      }
    } catch (IOException e) {
      return false;
    }
  }

  /** Returns the processor time that a process has used, in seconds. */
  static double cpuSeconds(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    // Behind the program's name, which may hold anything.
    List<String> fields = List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
    return (Long.parseLong(fields.get(UTIME)) + Long.parseLong(fields.get(STIME)))
        / TICKS_IN_A_SECOND;
  }

  /** Returns a field of /proc/PID/status that is given in kB, in MB. */
  static double megabytes(long pid, String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith(field)) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
      }
    }
    throw new IOException("no " + field + " of process " + pid);
  }
}
