package io.calico4j.core.datastore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.UserResources;
import io.calico4j.core.testing.MemoryDatastore;
import org.junit.jupiter.api.Test;

/** What a resource must have in common with others and with its former self. */
class ResourceRelationsTest {
  private final MemoryDatastore datastore = new MemoryDatastore();
  private final ResourceClient client = new ResourceClient(datastore);

  private static Resource<?> read(String kind, String name, String spec) throws Exception {
    return UserResources.parse(
        JsonParser.parseString(
                ("{'apiVersion':'projectcalico.org/v3','kind':'"
                        + kind
                        + "','metadata':{'name':'"
                        + name
                        + "'},'spec':"
                        + spec
                        + "}")
                    .replace('\'', '"'))
            .getAsJsonObject());
  }

  private void apply(String kind, String name, String spec) throws Exception {
    client.apply(read(kind, name, spec));
  }

  private void refused(String kind, String name, String spec, String message) {
    assertThatThrownBy(() -> apply(kind, name, spec))
        .isInstanceOf(InvalidResourceException.class)
        .hasMessageContaining(message);
  }

  @Test
  void poolsNeitherOverlapNorChangeTheirBlocks() throws Exception {
    apply("IPPool", "a", "{'cidr':'10.65.0.0/16'}");

    refused("IPPool", "b", "{'cidr':'10.65.128.0/20'}", "overlaps IPPool(a)");
    refused("IPPool", "a", "{'cidr':'10.66.0.0/16'}", "cannot replace 10.65.0.0/16");
    refused("IPPool", "a", "{'cidr':'10.65.0.0/16','blockSize':28}", "28 cannot replace 26");
    refused("IPPool", "a", "{'cidr':'10.65.0.0/16','allowedUses':['LoadBalancer']}", "neither");
    apply("IPPool", "a", "{'cidr':'10.65.0.0/16','disabled':true}");
  }

  @Test
  void aPoolTakesTheSizeOfTheBlocksThatAreThere() throws Exception {
    datastore.commit(
        Transaction.builder()
            .put("/calico/ipam/v2/assignment/ipv4/block/10.65.0.64-26", "{}")
            .build());

    refused("IPPool", "a", "{'cidr':'10.65.0.0/16','blockSize':28}", "10.65.0.64/26");
    apply("IPPool", "a", "{'cidr':'10.65.0.0/16','blockSize':26}");
  }

  @Test
  void aPolicyNeedsItsTierAndATierIsNotDeletedUnderItsPolicies() throws Exception {
    refused("GlobalNetworkPolicy", "p", "{'tier':'security'}", "there is no tier security");
    apply("Tier", "security", "{'order':10}");
    apply("GlobalNetworkPolicy", "p", "{'tier':'security'}");

    ResourceKey tier = ResourceKey.of(ResourceKind.TIER, "security");
    assertThatThrownBy(() -> client.delete(tier))
        .hasMessageContaining("in use by GlobalNetworkPolicy(p)");
    client.delete(ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "p"));
    client.delete(tier);
    assertThatThrownBy(() -> client.delete(ResourceKey.of(ResourceKind.TIER, "default")))
        .hasMessageContaining("cannot be deleted");
  }

  @Test
  void whatAUserWritesForOtherToolsIsStoredAndWhatTheyTakeOutIsGone() throws Exception {
    apply("FelixConfiguration", "default", "{'ipipEnabled':true,'logPrefix':'x'}");
    apply("FelixConfiguration", "default", "{'wireguardEnabled':false}");

    String stored =
        datastore
            .get(ResourceKey.of(ResourceKind.FELIX_CONFIGURATION, "default").path())
            .orElseThrow()
            .value();
    assertThat(stored).contains("\"wireguardEnabled\":false").doesNotContain("ipipEnabled", "logP");
  }

  @Test
  void unknownFieldsOfARuleSurviveAChangeBesideIt() throws Exception {
    String key = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "p").path();
    datastore.commit(
        Transaction.builder()
            .put(
                key,
                "{'kind':'GlobalNetworkPolicy','apiVersion':'projectcalico.org/v3','metadata':"
                    + "{'name':'p','uid':'u'},'spec':{'selector':'all()','ingress':["
                    + "{'action':'Allow','future':1},{'action':'Deny','future':2}]}}")
            .build());
    Resource<PolicySpec> read =
        client.get(ResourceKind.GLOBAL_NETWORK_POLICY, "", "p").orElseThrow();
    PolicySpec spec = read.spec();
    client.update(
        read.withSpec(
            new PolicySpec(
                null,
                5d,
                spec.selector(),
                null,
                null,
                spec.types(),
                spec.ingress().subList(1, 2),
                spec.egress(),
                null,
                null,
                null)));

    assertThat(datastore.get(key).orElseThrow().value())
        .contains("{\"action\":\"Deny\",\"future\":2}", "\"order\":5")
        .doesNotContain("\"future\":1");
  }
}
