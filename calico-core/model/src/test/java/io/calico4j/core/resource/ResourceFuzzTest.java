package io.calico4j.core.resource;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonSyntaxException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Damaged resources: whatever is stored or given, the answer is a resource or the one documented
 * exception, and what was decoded can be written again.
 */
class ResourceFuzzTest {
  private static final List<String> SEEDS =
      List.of(
          "{'cidr':'10.65.0.0/16','blockSize':26,'nodeSelector':'has(a)','allowedUses':['Tunnel']}",
          "{'selector':'has(a)','types':['Ingress'],'order':1,'ingress':[{'action':'Allow',"
              + "'protocol':'TCP','icmp':{'type':1},'source':{'nets':['10.0.0.0/8'],'ports':[80]}}]}",
          "{'orchestrator':'cni','node':'n','containerID':'c','endpoint':'eth0','ipNetworks':"
              + "['10.0.0.1/32'],'ports':[{'name':'a','protocol':6,'port':1}],'mac':'ca:fe:1:2:3:4'}",
          "{'bgp':{'asNumber':'1.10','ipv4Address':'192.0.2.1/24'},'addresses':[{'address':'x'}]}",
          "{'peerIP':'[fd00::1]:179','asNumber':64512,'nodeSelector':'all()','filters':['f']}",
          "{'nets':['198.51.100.0/24'],'labelsToApply':{'a':'b'},'reservedCIDRs':['10.0.0.0/30']}");

  private static final List<String> TOKENS =
      List.of(
          "null",
          "[]",
          "{}",
          "-1",
          "1e99",
          "\"\"",
          "true",
          "[null]",
          "{\"a\":null}",
          "[[]]",
          "\"%\"",
          "99999999999999999999",
          "\"\\u0000\"",
          "\"{\\\"name\\\":null}\"");

  @Provide
  Arbitrary<String> documents() {
    return Arbitraries.longs().map(ResourceFuzzTest::document);
  }

  private static String document(long seed) {
    Random random = new Random(seed);
    ResourceKind<?> kind = ResourceKind.all().get(random.nextInt(ResourceKind.all().size()));
    JsonObject document =
        JsonParser.parseString(
                ("{'kind':'"
                        + kind.kind()
                        + "','apiVersion':'projectcalico.org/v3','metadata':{'name':'n','labels':"
                        + "{'a':'b'},'annotations':{'projectcalico.org/metadata':'{}'}},'spec':"
                        + SEEDS.get(random.nextInt(SEEDS.size()))
                        + "}")
                    .replace('\'', '"'))
            .getAsJsonObject();
    for (int i = random.nextInt(3); i >= 0; i--) {
      damage(document, random);
    }
    StringBuilder text = new StringBuilder(document.toString());
    if (random.nextInt(10) == 0) {
      text.deleteCharAt(random.nextInt(text.length()));
    }
    return text.toString();
  }

  /** Replaces something, at any depth, by something else. */
  private static void damage(JsonElement element, Random random) {
    JsonElement token = JsonParser.parseString(TOKENS.get(random.nextInt(TOKENS.size())));
    if (element instanceof JsonObject object && !object.isEmpty()) {
      String key = List.copyOf(object.keySet()).get(random.nextInt(object.size()));
      if (object.get(key).isJsonPrimitive() || random.nextInt(4) == 0) {
        object.add(key, token);
      } else {
        damage(object.get(key), random);
      }
    } else if (element instanceof JsonArray array && !array.isEmpty()) {
      int index = random.nextInt(array.size());
      if (array.get(index).isJsonPrimitive() || random.nextInt(4) == 0) {
        array.set(index, token);
      } else {
        damage(array.get(index), random);
      }
    }
  }

  @Property(tries = 4000)
  void aStoredResourceIsReadOrRefused(@ForAll("documents") String document) {
    for (ResourceKind<?> kind : ResourceKind.all()) {
      try {
        Entry entry = new Entry(ResourceKey.of(kind, "n").path(), document, 1);
        Optional<Resource<?>> read = ResourceCodec.decode(entry);
        if (read.isPresent()) {
          String unused = ResourceCodec.encode(read.get());
        }
      } catch (ValidationException e) {
        // The documented answer to damage.
      }
    }
  }

  @Property(tries = 4000)
  void whoOnlyReadsReadsTheSame(@ForAll("documents") String document) {
    for (ResourceKind<?> kind : ResourceKind.all()) {
      Entry entry = new Entry(ResourceKey.of(kind, "n").path(), document, 1);
      assertThat(read(() -> ResourceCodec.decodeWithoutDocument(kind, entry)))
          .as("%s %s", kind.kind(), document)
          .isEqualTo(read(() -> ResourceCodec.decode(kind, entry)));
    }
  }

  private static Optional<List<Object>> read(Callable<Resource<?>> decoding) {
    try {
      Resource<?> resource = decoding.call();
      return Optional.of(List.of(resource.metadata(), resource.spec(), resource.revision()));
    } catch (ValidationException e) {
      return Optional.empty();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Property(tries = 4000)
  void aUsersDocumentIsReadOrRefused(@ForAll("documents") String document) {
    JsonObject object;
    try {
      JsonElement parsed = JsonParser.parseString(document);
      if (!parsed.isJsonObject()) {
        return;
      }
      object = parsed.getAsJsonObject();
    } catch (JsonSyntaxException e) {
      return;
    }
    try {
      String unused = ResourceCodec.encode(UserResources.parse(object));
    } catch (ValidationException e) {
      // The documented answer to damage.
    }
  }
}
