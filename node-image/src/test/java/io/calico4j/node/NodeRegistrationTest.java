package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Listing;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.testing.MemoryDatastore;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What the agent does and says about its own Node and the datastore. */
class NodeRegistrationTest {
  private static final NodeSpec SPEC =
      new NodeSpec(
          null,
          null,
          null,
          null,
          null,
          List.of(new NodeSpec.Address("192.0.2.11/24", "CalicoNodeIP")));

  private final MemoryDatastore datastore = new MemoryDatastore();
  private final ResourceClient resources = new ResourceClient(datastore);
  private final AtomicLong clock = new AtomicLong();
  private final NodeRegistration registration =
      new NodeRegistration(resources, new NodeName("h1"), clock::get);
  private final String key = ResourceKey.of(ResourceKind.NODE, "h1").path();

  private void create() throws Exception {
    Metadata metadata = Metadata.named(null, "h1").withLabels(Map.of("rack", "r1"));
    var unused = resources.create(Resource.create(ResourceKind.NODE, metadata, SPEC));
  }

  @Test
  void aDeletedNodeIsWrittenAgainAsItWasSeen() throws Exception {
    create();
    registration.check();
    var unused = datastore.commit(Transaction.builder().delete(key).build());
    registration.check();
    Resource<NodeSpec> again = resources.get(ResourceKind.NODE, "", "h1").orElseThrow();
    assertThat(again.spec()).isEqualTo(SPEC);
    assertThat(again.metadata().labels()).isEqualTo(Map.of("rack", "r1"));
    assertThat(registration.nodeProblem()).isEmpty();
  }

  @Test
  void aNodeThatWasNeverSeenOrCannotBeReadIsNamed() throws Exception {
    registration.check();
    assertThat(registration.nodeProblem().orElseThrow()).contains("Node h1 was deleted");
    var unused = datastore.commit(Transaction.builder().put(key, "{broken").build());
    registration.check();
    assertThat(registration.nodeProblem().orElseThrow()).contains("Node h1 cannot be read");
    assertThat(registration.datastoreProblem()).isEmpty();
  }

  @Test
  void aDatastoreThatIsAwayIsNamedAfterAMinute() throws Exception {
    create();
    registration.check();
    NodeRegistration apart =
        new NodeRegistration(
            new ResourceClient(new AwayDatastore()), new NodeName("h1"), clock::get);
    apart.check();
    assertThat(apart.datastoreProblem()).isEmpty();
    clock.set(TimeUnit.SECONDS.toNanos(61));
    apart.check();
    assertThat(apart.datastoreProblem().orElseThrow())
        .contains("not answered for 61 s")
        .contains("away by a test");
  }

  /** A datastore that answers nothing. */
  private static final class AwayDatastore implements Datastore {
    private static UnavailableException away() {
      return new UnavailableException("away by a test", true, null);
    }

    @Override
    public Optional<Entry> get(String key) throws DatastoreException {
      throw away();
    }

    @Override
    public Listing list(String prefix) throws DatastoreException {
      throw away();
    }

    @Override
    public long commit(Transaction transaction) throws DatastoreException {
      throw away();
    }

    @Override
    public Watch watch(String prefix, long fromRevision, WatchListener listener) {
      throw new UnsupportedOperationException("nobody watches here");
    }

    @Override
    public void close() {}
  }
}
