package io.calico4j.testbed;

import com.google.gson.JsonParser;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Attaches containers to a host, one after the other on a thread of its own, and detaches every
 * other one; each request must succeed.
 */
final class Attacher implements Closeable {
  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"front\",\"type\":\"calico\","
          + "\"ipam\":{\"type\":\"calico-ipam\"}}";

  private static final String OWN = "pod-many-";
  private static final int REQUEST_SECONDS = 40;

  private final TestHost host;
  private final AddressOwnership owners;
  private final Thread thread;
  private final AtomicInteger done = new AtomicInteger();
  private final List<Namespace> sandboxes = new ArrayList<>();

  /** Written by the thread; read after its end. */
  private final List<String> attached = new ArrayList<>();

  private volatile boolean ended;
  private volatile @Nullable Throwable failure;

  /** Begins. */
  Attacher(TestHost host, AddressOwnership owners) {
    this.host = host;
    this.owners = owners;
    thread = new Thread(this::run, "attacher-" + host.name());
    thread.start();
  }

  /** Returns the container of an endpoint's stored text. */
  static String container(String endpoint) {
    return JsonParser.parseString(endpoint)
        .getAsJsonObject()
        .getAsJsonObject("spec")
        .get("containerID")
        .getAsString();
  }

  /** Tells whether a container is one of those that are attached here. */
  static boolean isOwn(String container) {
    return container.startsWith(OWN);
  }

  private void run() {
    try {
      for (int i = 0; !ended; i++) {
        Namespace sandbox = Namespace.create("many-" + host.name() + "-" + i);
        sandboxes.add(sandbox);
        String address = TestHost.address(request("ADD", sandbox));
        owners.take(address, sandbox.name());
        if (i % 2 == 0) {
          attached.add("pod-" + sandbox.name());
        } else {
          owners.leave(address);
          String unused = request("DEL", sandbox);
          sandbox.delete();
        }
        done.incrementAndGet();
      }
    } catch (IOException | RuntimeException | AssertionError e) {
      failure = e;
    }
  }

  private String request(String command, Namespace sandbox) throws IOException {
    Command.Outcome outcome = host.cni(command, sandbox, Map.of(), CONFIGURATION);
    if (outcome.exitCode() != 0) {
      throw new IOException(command + " of " + sandbox.name() + " failed: " + outcome.output());
    }
    return outcome.standardOutput();
  }

  /** Waits until so many more containers were attached. */
  void awaitRequests(String meanwhile, int count) throws IOException {
    int before = done.get();
    Await.until(
        count + " containers are attached on " + host.name() + ", while " + meanwhile,
        REQUEST_SECONDS,
        () -> {
          failIfBroken();
          return done.get() - before >= count;
        });
  }

  private void failIfBroken() throws IOException {
    Throwable broken = failure;
    if (broken != null) {
      throw new IOException(broken);
    }
  }

  /** Ends after the request that is under way, and returns the containers that are attached. */
  List<String> end() throws IOException {
    ended = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    failIfBroken();
    return List.copyOf(attached);
  }

  @Override
  public void close() throws IOException {
    ended = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    for (Namespace sandbox : sandboxes) {
      sandbox.delete();
    }
  }
}
