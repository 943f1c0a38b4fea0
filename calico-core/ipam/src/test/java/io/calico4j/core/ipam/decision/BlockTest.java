package io.calico4j.core.ipam.decision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Blocks: assignment order, release, and upstream's JSON. */
class BlockTest {
  private static final Block EMPTY =
      Block.empty(
          Cidr.parse("10.65.1.0/29"), "host:host-a", "2026-11-23T18:09:00Z", 1795457340123456789L);

  private static final Block.Owner OWNER =
      Block.Owner.of(new HandleId("net.c1"), Map.of("node", "host-a"));

  @Test
  void aReleasedAddressIsUsedAgainAsLateAsPossible() {
    Block.Assigned first = EMPTY.assign(1, OWNER);
    Block released = first.block().releaseAll(first.addresses()).block();

    assertThat(released.assign(8, OWNER).addresses().get(7)).isEqualTo(first.addresses().get(0));
    assertThat(released.isEmpty()).isTrue();
  }

  @Test
  void sequenceNumbersSurviveAsExactIntegers() {
    Block block = EMPTY.assign(1, OWNER).block();

    assertThat(block.toJson())
        .contains("\"sequenceNumber\":1795457340123456790")
        .contains("\"sequenceNumberForAllocation\":{\"0\":1795457340123456789}");
    assertThat(Block.parse(block.toJson()).toJson()).isEqualTo(block.toJson());
  }

  @Test
  void aSequenceNumberLeftAtAFreeAddressIsNotWrittenBesideTheNewOne() {
    Block block =
        Block.parse(
            "{\"cidr\":\"10.0.0.0/31\",\"allocations\":[null,null],\"unallocated\":[0,1],"
                + "\"attributes\":[],\"sequenceNumber\":9,"
                + "\"sequenceNumberForAllocation\":{\"0\":3}}");

    assertThat(block.assign(1, OWNER).block().toJson())
        .contains("\"sequenceNumberForAllocation\":{\"0\":9}");
  }

  @Test
  void oneOwnersAddressesShareAnAttribute() {
    Block.Owner other = Block.Owner.of(new HandleId("net.c2"), Map.of("node", "host-a"));
    Block block = EMPTY.assign(1, OWNER).block().assign(1, other).block().assign(2, OWNER).block();

    assertThat(block.toJson())
        .contains("\"allocations\":[0,1,0,0,null,null,null,null]")
        .containsOnlyOnce("net.c1")
        .containsOnlyOnce("net.c2");
    assertThat(block.release(OWNER::equals).block().toJson())
        .contains("\"allocations\":[null,0,null,null,null,null,null,null]")
        .doesNotContain("net.c1");
  }

  @Test
  void aHeldAddressIsNotAssignedAgain() {
    IpAddress address = IpAddress.parse("10.65.1.5");
    Block block = EMPTY.assign(address, OWNER).block();

    assertThat(block.assign(address, OWNER).addresses()).isEmpty();
    assertThat(block.owner(address)).isNotNull();
    assertThat(block.freeCount()).isEqualTo(7);
  }

  @Test
  void upstreamsBlockIsReadWithItsCoolingAddressFree() {
    Block block =
        Block.parse(
            """
            {"cidr":"10.65.1.0/29","affinity":"host:host-a","allocations":[0,null,1,null,null,2,null,null],
             "unallocated":[4,6,7,1,3],"attributes":[
              {"handle_id":"ipip-tunnel-addr-host-a","secondary":{"type":"ipipTunnelAddress"}},
              {"handle_id":"calico.8f2d\\rjunk","secondary":{"node":"host-a"}},
              {"releasedAt":"2026-11-23T18:12:00Z"}],
             "sequenceNumber":5,"deleted":false,"future":"kept"}
            """);

    assertThat(block.freeCount()).isEqualTo(6);
    assertThat(block.addresses(o -> "calico.8f2d".equals(o.handleId())))
        .isEqualTo(List.of(IpAddress.parse("10.65.1.2")));
    assertThat(block.toJson()).contains("\"future\":\"kept\"");
  }

  @Test
  void aDamagedBlockIsRefusedWithAReason() {
    assertThatThrownBy(() -> Block.parse("{\"cidr\":\"10.0.0.0/29\",\"allocations\":[]}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("10.0.0.0/29");
    assertThatThrownBy(() -> Block.parse("[]")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aFreeListThatDoesNotFitTheOwnersIsPutRight() {
    Block block =
        Block.parse(
            "{\"cidr\":\"10.0.0.0/30\",\"allocations\":[0,null,null,null],"
                + "\"unallocated\":[3,0,3,7],\"attributes\":[{\"handle_id\":\"h\"}]}");
    assertThat(block.freeCount()).isEqualTo(3);
    assertThat(block.assign(4, Block.Owner.of(new HandleId("i"), Map.of())).addresses())
        .extracting(IpAddress::toString)
        .containsExactly("10.0.0.3", "10.0.0.1", "10.0.0.2");
  }
}
