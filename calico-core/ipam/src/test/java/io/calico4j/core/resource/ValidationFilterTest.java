package io.calico4j.core.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.testing.DamagedValues;
import io.calico4j.core.testing.MemoryDatastore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever is stored, the filter answers with a value that can be used, or with none. */
class ValidationFilterTest {
  private final List<String> reported = new ArrayList<>();
  private final ValidationFilter filter = new ValidationFilter(reported::add);

  static List<ResourceKind<?>> kinds() {
    return DamagedValues.kinds();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void damagedValuesOfEveryKind(ResourceKind<?> kind) {
    int damaged = 0;
    for (Entry entry : DamagedValues.of(kind, "d")) {
      Optional<? extends Resource<?>> resource = filter.accept(kind, entry);
      if (resource.isEmpty()) {
        damaged++;
        assertThat(filter.damaged()).containsKey(entry.key());
      } else {
        // What is accepted is whole: it can be written again.
        assertThatCode(() -> ResourceCodec.encode(resource.get()))
            .as(entry.value())
            .doesNotThrowAnyException();
      }
    }
    assertThat(damaged).as("of %s", kind.kind()).isGreaterThan(20);
    assertThat(reported).hasSize(damaged).allMatch(text -> text.length() < 1000);
    assertThat(filter.accept(kind, good(kind))).as("a good one").isPresent();
  }

  private static Entry good(ResourceKind<?> kind) {
    return new Entry(
        DamagedValues.key(kind, "good").path(), DamagedValues.good(kind, "good").toString(), 7);
  }

  @Test
  void aDamageIsReportedOnceForEachValueAndForgottenWhenItIsMended() {
    ResourceKind<?> kind = ResourceKind.IP_POOL;
    String key = DamagedValues.key(kind, "good").path();
    for (int look = 0; look < 3; look++) {
      assertThat(filter.accept(kind, new Entry(key, "{", 7))).isEmpty();
    }
    assertThat(reported).hasSize(1);
    assertThat(filter.accept(kind, new Entry(key, "[", 8))).isEmpty();
    assertThat(reported).hasSize(2);
    assertThat(filter.accept(kind, good(kind))).isPresent();
    assertThat(filter.damaged()).isEmpty();
    assertThat(filter.accept(kind, new Entry(key, "{", 9))).isEmpty();
    filter.forget(key);
    assertThat(filter.damaged()).isEmpty();
  }

  /** Neither pools, reservations and nodes nor IPAM's own data stop an assignment. */
  @Test
  void addressesAreAssignedBesideDamagedData() throws Exception {
    MemoryDatastore datastore = new MemoryDatastore();
    ResourceClient resources = new ResourceClient(datastore);
    put(datastore, ResourceKind.IP_POOL, "a-good", "{'cidr':'10.1.0.0/16'}");
    put(datastore, ResourceKind.NODE, "host", "{}");
    for (ResourceKind<?> kind :
        List.of(ResourceKind.IP_POOL, ResourceKind.IP_RESERVATION, ResourceKind.NODE)) {
      for (Entry entry : DamagedValues.of(kind, "z")) {
        long unused =
            datastore.commit(Transaction.builder().put(entry.key(), entry.value()).build());
      }
    }
    Map<String, String> ipam =
        Map.of(
            "host/host/ipv4/block/nonsense", "{}",
            "host/host/ipv4/block/10.1.0.7-26", "{\"state\":\"confirmed\"}",
            "host/host/ipv4/block/10.1.0.64-26", "{\"state\":\"confirmed\"}",
            "assignment/ipv4/block/10.1.0.64-26", "{\"cidr\":null}",
            "assignment/ipv4/block/10.1.0.128-26", "[".repeat(20_000),
            "assignment/ipv4/block/x", "{}",
            "handle/strange", "7",
            "config", "{\"maxBlocksPerHost\":\"many\"}");
    for (Map.Entry<String, String> entry : ipam.entrySet()) {
      long unused =
          datastore.commit(
              Transaction.builder()
                  .put("/calico/ipam/v2/" + entry.getKey(), entry.getValue())
                  .build());
    }
    try (Ipam host = new Ipam(datastore, new NodeName("host"))) {
      for (int i = 0; i < 100; i++) {
        var assigned =
            host.assign(
                new AssignRequest(
                    AssignRequest.Use.Workload,
                    new HandleId("net.c" + i),
                    1,
                    0,
                    List.of(),
                    List.of(),
                    List.of(),
                    Map.of("node", "host")),
                Ipam.FurtherWrites.NONE);
        assertThat(assigned.addresses().get(0).toString()).startsWith("10.1.");
      }
      assertThat(host.release(new HandleId("net.c7"))).hasSize(1);
    }
    assertThat(resources.list(ResourceKind.IP_POOL)).isNotEmpty();
  }

  private static void put(MemoryDatastore datastore, ResourceKind<?> kind, String name, String spec)
      throws Exception {
    String json = "{'metadata':{'name':'" + name + "'},'spec':" + spec + "}";
    long unused =
        datastore.commit(
            Transaction.builder().put(kind.prefix() + name, json.replace('\'', '"')).build());
  }
}
