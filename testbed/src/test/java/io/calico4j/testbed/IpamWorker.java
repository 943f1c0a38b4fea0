package io.calico4j.testbed;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A process of {@link IpamHistoryIT}: assigns and releases at random until it is killed, and writes
 * down each step before and after. Arguments: etcd's URL, node, name, seed, log file.
 */
final class IpamWorker {
  private static final int MAX_HELD = 40;

  private final FileOutputStream log;
  private final Ipam ipam;
  private final String name;
  private final Random random;
  private final List<String> held = new ArrayList<>();

  private IpamWorker(FileOutputStream log, Ipam ipam, String name, long seed) {
    this.log = log;
    this.ipam = ipam;
    this.name = name;
    this.random = new Random(seed);
  }

  public static void main(String[] arguments) throws IOException {
    EtcdConfig config =
        new EtcdConfig(List.of(arguments[0]), null, null, null, Duration.ofMillis(1500));
    try (FileOutputStream log = new FileOutputStream(Path.of(arguments[4]).toFile(), true);
        Datastore datastore = EtcdDatastore.connect(config);
        Ipam ipam = Ipam.watching(datastore, new NodeName(arguments[1]))) {
      new IpamWorker(log, ipam, arguments[2], Long.parseLong(arguments[3])).work();
    }
  }

  private void work() throws IOException {
    for (int i = 0; ; i++) {
      int bound = random.nextInt(MAX_HELD);
      if (held.size() > bound) {
        release(held.remove(random.nextInt(held.size())));
      } else {
        assign("w." + name + "-" + i);
      }
    }
  }

  private void assign(String handle) throws IOException {
    write("assigning " + handle);
    try {
      List<IpAddress> addresses =
          ipam.assign(
                  new AssignRequest(
                      AssignRequest.Use.Workload,
                      new HandleId(handle),
                      1,
                      0,
                      List.of(),
                      List.of(),
                      List.of(),
                      Map.of()),
                  Ipam.FurtherWrites.NONE)
              .addresses();
      write("assigned " + handle + " " + addresses.get(0));
      held.add(handle);
    } catch (IpamException e) {
      write("refused " + handle);
    } catch (DatastoreException e) {
      write("unknown " + handle);
    }
  }

  private void release(String handle) throws IOException {
    write("releasing " + handle);
    try {
      var unused = ipam.release(new HandleId(handle));
      write("released " + handle);
    } catch (DatastoreException e) {
      write("unknown " + handle);
    }
  }

  private void write(String line) throws IOException {
    log.write((System.nanoTime() + " " + line + "\n").getBytes(StandardCharsets.UTF_8));
  }
}
