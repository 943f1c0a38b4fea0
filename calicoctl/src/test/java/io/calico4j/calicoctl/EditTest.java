package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Transaction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code patch}, {@code label} and {@code validate}. */
class EditTest extends CommandFixture {
  private static final String POLICY =
      """
      apiVersion: projectcalico.org/v3
      kind: NetworkPolicy
      metadata:
        name: web
        namespace: team
        labels: {app: web}
      spec:
        order: 10
        selector: app == 'web'
        types: [Ingress]
        ingress:
        - {action: Allow, source: {nets: [10.0.0.0/8]}}
        - {action: Deny}
      """;

  @BeforeEach
  void createPolicy() throws Exception {
    assertThat(run("create", "-f", file(POLICY))).as(err.toString()).isZero();
  }

  private JsonObject stored() {
    return JsonParser.parseString(stored("networkpolicies", "team/web")).getAsJsonObject();
  }

  private String label(String key) {
    JsonObject labels = stored().getAsJsonObject("metadata").getAsJsonObject("labels");
    return labels.has(key) ? labels.get(key).getAsString() : null;
  }

  @Test
  void aWholeNumberIsStoredWithoutFraction() {
    assertThat(stored("networkpolicies", "team/web")).contains("\"order\":10,");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "strategic | {\"spec\":{\"order\":20}} | order | 20.0",
        "strategic | {\"spec\":{\"order\":null}} | order |",
        "merge | {\"spec\":{\"ingress\":[{\"action\":\"Log\"}]}} | ingress | [{\"action\":\"Log\"}]",
        "merge | spec: {selector: all()} | selector | \"all()\"",
        "json | [{\"op\":\"replace\",\"path\":\"/spec/selector\",\"value\":\"b\"}] | selector |",
        "json | [{\"op\":\"remove\",\"path\":\"/spec/ingress/0\"}] | ingress | [{\"action\":\"Deny\"}]",
        "json | [{\"op\":\"test\",\"path\":\"/spec/order\",\"value\":10},{\"op\":\"replace\",\"path\":\"/spec/order\",\"value\":5}] | order | 5.0",
      })
  void aPatchChangesWhatItNames(String type, String patch, String field, String value) {
    int status = run("patch", "np", "web", "-n", "team", "-t", type, "-p", patch);
    if (patch.contains("\"b\"")) {
      assertThat(status).as("not a selector").isEqualTo(1);
      assertThat(err.toString()).contains("NetworkPolicy(web) spec.selector");
      return;
    }
    assertThat(status).as(err.toString()).isZero();
    assertThat(out.toString().strip()).isEqualTo("Successfully patched 1 'NetworkPolicy' resource");
    JsonObject spec = stored().getAsJsonObject("spec");
    if (value == null) {
      assertThat(spec.has(field)).isFalse();
    } else if (field.equals("order")) {
      assertThat(spec.get(field).getAsDouble()).isEqualTo(Double.parseDouble(value));
    } else {
      assertThat(spec.get(field)).hasToString(value);
    }
    assertThat(spec.has("types")).as("what it does not name").isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "strategic | [] | --patch must be an object",
        "json | {} | --patch must be a list of operations",
        "merge | {\"spec\":{\"colour\":1}} | spec.colour",
        "merge | {\"metadata\":{\"name\":\"other\"}} | metadata.name cannot be changed",
        "merge | {\"kind\":\"Node\"} | kind cannot be changed",
        "merge | {\"metadata\":{\"resourceVersion\":\"1\"}} | update conflict",
        "merge | {\"spec\": | --patch is no JSON",
        "json | [{\"op\":\"remove\",\"path\":\"/spec/colour\"}] | --patch does not fit np web",
        "json | [{\"op\":\"test\",\"path\":\"/spec/order\",\"value\":11}] | --patch does not fit np web",
      })
  void aPatchThatDoesNotFitChangesNothing(String type, String patch, String problem) {
    JsonObject before = stored();
    // The revision of the second write of this datastore is not 1.
    assertThat(run("patch", "np", "web", "-n", "team", "-t", type, "-p", patch)).isEqualTo(1);
    assertThat(err.toString()).contains(problem);
    assertThat(stored()).isEqualTo(before);
  }

  @Test
  void whatIsNotThereIsNamed() {
    assertThat(run("patch", "np", "nothing", "-p", "{}")).isEqualTo(1);
    assertThat(err.toString()).contains("NetworkPolicy(default/nothing) does not exist");
    assertThat(run("patch", "colour", "x", "-p", "{}")).isEqualTo(2);
    assertThat(err.toString()).contains("kind \"colour\" is none of");
    assertThat(run("label", "clusterinfo", "default", "a=b")).isEqualTo(1);
    assertThat(err.toString()).contains("is read-only");
  }

  @Test
  void aLabelIsSetOverwrittenAndRemoved() {
    assertThat(run("label", "np", "web", "-n", "team", "tier=front")).isZero();
    assertThat(out.toString().strip()).isEqualTo("Successfully set label tier on np web");
    assertThat(run("label", "np", "web", "-n", "team", "tier=back")).isEqualTo(1);
    assertThat(err.toString()).contains("key tier is already present. please use '--overwrite'");
    assertThat(run("label", "np", "web", "-n", "team", "tier=front")).as("the same").isZero();
    assertThat(run("label", "np", "web", "-n", "team", "tier=back", "--overwrite")).isZero();
    assertThat(out.toString().strip()).isEqualTo("Successfully updated label tier on np web");
    assertThat(label("app")).isEqualTo("web");
    assertThat(label("tier")).isEqualTo("back");
    assertThat(run("label", "np", "web", "-n", "team", "app", "--remove")).isZero();
    assertThat(out.toString().strip()).isEqualTo("Successfully removed label app from np web");
    assertThat(run("label", "np", "web", "-n", "team", "app", "--remove")).isEqualTo(1);
    assertThat(err.toString()).contains("cannot remove label of np web, key app does not exist");
    assertThat(label("app")).isNull();
    assertThat(label("tier")).isEqualTo("back");
    assertThat(run("label", "np", "web", "a=b=c")).isEqualTo(2);
    assertThat(run("label", "np", "web", "a")).isEqualTo(2);
    assertThat(run("label", "np", "web", "a=b", "--remove")).isEqualTo(2);
    assertThat(run("label", "np", "web", "a", "--remove", "--overwrite")).isEqualTo(2);
    assertThat(run("label", "np", "web", "-n", "team", "a=not valid")).isEqualTo(1);
    assertThat(err.toString()).contains("metadata.labels");
  }

  @Test
  void filesAreCheckedWithoutADatastore() throws Exception {
    assertThat(run("validate", "-f", file(POLICY))).as(err.toString()).isZero();
    assertThat(out.toString().strip())
        .isEqualTo("Successfully validated 1 'NetworkPolicy' resource(s)");
    assertThat(run("validate", "-f", file(POLICY + "---\n" + POOL.formatted("p", "10.9.0.0/16"))))
        .isZero();
    assertThat(out.toString().strip()).isEqualTo("Successfully validated 2 resource(s)");
    assertThat(run("validate", "-f", file(POLICY.replace("Deny", "Refuse")))).isEqualTo(1);
    assertThat(err.toString()).contains("spec.ingress[1].action");
    assertThat(run("validate", "-f", file(""))).isEqualTo(1);
    assertThat(run("validate", "--skip-empty", "-f", file(""))).isZero();
  }

  @Test
  void theDatastoreIsLockedAndUnlocked() throws Exception {
    assertThat(run("datastore", "migrate", "lock")).isEqualTo(1);
    assertThat(err.toString()).contains("no calico-node has run yet");
    long unused =
        datastore.commit(
            Transaction.builder()
                .create(
                    "/calico/resources/v3/projectcalico.org/clusterinformations/default",
                    "{\"kind\":\"ClusterInformation\",\"apiVersion\":\"projectcalico.org/v3\","
                        + "\"metadata\":{\"name\":\"default\"},"
                        + "\"spec\":{\"clusterGUID\":\"00\",\"datastoreReady\":true}}")
                .build());
    assertThat(run("datastore", "migrate", "lock")).as(err.toString()).isZero();
    assertThat(out.toString().strip()).isEqualTo("Datastore locked.");
    assertThat(stored("clusterinformations", "default"))
        .contains("\"datastoreReady\":false", "\"clusterGUID\":\"00\"");
    assertThat(run("datastore", "migrate", "unlock")).isZero();
    assertThat(stored("clusterinformations", "default")).contains("\"datastoreReady\":true");
  }
}
