package io.calico4j.calicoctl;

import io.calico4j.core.testing.MemoryDatastore;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What the tests of commands share: a command line over a datastore in memory. */
abstract class CommandFixture {
  static final String POOL =
      """
      apiVersion: projectcalico.org/v3
      kind: IPPool
      metadata:
        name: %s
      spec:
        cidr: %s
      """;

  final MemoryDatastore datastore = new MemoryDatastore();
  final StringWriter out = new StringWriter();
  final StringWriter err = new StringWriter();

  @TempDir private Path directory;

  int run(String... arguments) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    CommandLine line = CalicoctlMain.commandLine(Unclosable::new, Map.of());
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute(arguments);
  }

  /** Commands close their datastore; this one must outlive them. */
  final class Unclosable implements io.calico4j.core.datastore.Datastore {
    @Override
    public java.util.Optional<io.calico4j.core.model.Entry> get(String key) {
      return datastore.get(key);
    }

    @Override
    public io.calico4j.core.datastore.Listing list(String prefix) {
      return datastore.list(prefix);
    }

    @Override
    public long commit(io.calico4j.core.datastore.Transaction transaction)
        throws io.calico4j.core.datastore.DatastoreException {
      return datastore.commit(transaction);
    }

    @Override
    public Watch watch(String prefix, long fromRevision, WatchListener listener) {
      return datastore.watch(prefix, fromRevision, listener);
    }

    @Override
    public void close() {}
  }

  String file(String text) throws Exception {
    Path file = directory.resolve("input.yaml");
    Files.writeString(file, text);
    return file.toString();
  }

  String stored(String plural, String name) {
    return datastore
        .get("/calico/resources/v3/projectcalico.org/" + plural + "/" + name)
        .orElseThrow()
        .value();
  }
}
