package io.calico4j.core.ipam.decision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** A block after any course of assignments and releases, beside a plain map of who holds what. */
class BlockPropertyTest {
  private static final int SIZE = 8;

  @Property(tries = 1000)
  void everyOrdinalIsFreeOrHeldAndStaysSoOnPaper(
      @ForAll @Size(max = 30) List<@IntRange(min = 0, max = 39) Integer> steps) {
    Block block = Block.empty(Cidr.parse("10.0.0.8/29"), "host:a", "2026-01-01T00:00:00Z", 7);
    Map<IpAddress, String> model = new HashMap<>();
    for (int step : steps) {
      IpAddress address = IpAddress.parse("10.0.0.8").plus(step % SIZE);
      Block.Owner owner = Block.Owner.of(new HandleId("h" + step / SIZE), Map.of("node", "a\"b"));
      if (step < SIZE) {
        boolean held = model.remove(address) != null;
        Block.Released outcome = block.releaseAll(List.of(address));
        assertThat(outcome.addresses()).hasSize(held ? 1 : 0);
        block = outcome.block();
      } else if (step < 3 * SIZE) {
        Block.Assigned outcome = block.assign(address, owner);
        assertThat(outcome.addresses()).hasSize(model.containsKey(address) ? 0 : 1);
        outcome.addresses().forEach(a -> model.put(a, owner.handleId()));
        block = outcome.block();
      } else {
        Block.Assigned outcome = block.assign(step % 3, owner);
        assertThat(outcome.addresses())
            .hasSize(Math.min(step % 3, SIZE - model.size()))
            .noneMatch(model::containsKey);
        outcome.addresses().forEach(a -> model.put(a, owner.handleId()));
        block = outcome.block();
      }
      Block onPaper = Block.parse(block.toJson());
      assertThat(JsonParser.parseString(onPaper.toJson()))
          .isEqualTo(JsonParser.parseString(block.toJson()));
      assertHolds(block, model);
      assertHolds(onPaper, model);
      block = step % 2 == 0 ? block : onPaper;
    }
  }

  private static void assertHolds(Block block, Map<IpAddress, String> model) {
    assertThat(block.freeCount()).isEqualTo(SIZE - model.size());
    assertThat(block.isEmpty()).isEqualTo(model.isEmpty());
    for (int i = 0; i < SIZE; i++) {
      IpAddress each = IpAddress.parse("10.0.0.8").plus(i);
      Block.Owner holder = block.owner(each);
      assertThat(holder == null ? null : holder.handleId()).isEqualTo(model.get(each));
      assertThat(block.assignedAt(each) != 0).isEqualTo(holder != null);
    }
  }

  @Provide
  Arbitrary<String> damaged() {
    JsonObject json =
        JsonParser.parseString(
                Block.empty(Cidr.parse("10.0.0.8/30"), "host:a", "2026-01-01T00:00:00Z", 7)
                    .assign(2, Block.Owner.of(new HandleId("h"), Map.of()))
                    .block()
                    .toJson())
            .getAsJsonObject();
    return Arbitraries.of(List.copyOf(json.keySet()))
        .flatMap(
            field ->
                Arbitraries.of("null", "7", "-1", "\"x\"", "[]", "{}", "[[]]", "[9,null]", "true")
                    .map(
                        value -> {
                          JsonObject copy = json.deepCopy();
                          copy.add(field, JsonParser.parseString(value));
                          return copy.toString();
                        }));
  }

  @Property(tries = 300)
  void aDamagedBlockIsReadOrRefused(@ForAll("damaged") String json) {
    try {
      assertThat(Block.parse(json).toJson()).isNotEmpty();
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).isNotBlank();
    } catch (RuntimeException e) {
      fail("%s broke the parser", json, e);
    }
  }
}
