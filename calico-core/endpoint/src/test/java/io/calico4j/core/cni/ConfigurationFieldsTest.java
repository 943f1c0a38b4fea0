package io.calico4j.core.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationFieldsTest {
  static Stream<ConfigurationFields.Field> fields() {
    return ConfigurationFields.ALL.stream();
  }

  private static JsonObject with(String path, JsonElement value) {
    List<String> names = List.of(path.split("\\.", -1));
    JsonElement nested = value;
    for (int i = names.size() - 1; i >= 0; i--) {
      JsonObject around = new JsonObject();
      around.add(names.get(i), nested);
      nested = around;
    }
    return nested.getAsJsonObject();
  }

  @ParameterizedTest
  @MethodSource("fields")
  void aFieldOfTheWrongFormIsNamed(ConfigurationFields.Field field) {
    JsonElement wrong =
        field.form() == ConfigurationFields.Form.LIST ? new JsonPrimitive("x") : new JsonArray();
    CniError error =
        catchThrowableOfType(
            CniError.class, () -> ConfigurationFields.check(with(field.path(), wrong)));
    assertThat(error.code()).isEqualTo(CniError.INVALID_CONFIGURATION);
    assertThat(error).hasMessageContaining(field.path());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{'foreign':7,'windows_more':[]}",
        "{'mtu':null,'ipam':null}",
        "{'mtu':'1450','ipam':{'assign_ipv4':true,'assign_ipv6':'false'}}",
        "{'datastore_type':'','policy':{'type':'k8s'},'log_level':'DEBUG'}",
        "{'datastore_type':'etcdv3','device_type':'veth','dataplane_options':{'type':'linux'}}",
      })
  void whatUpstreamTakesIsTaken(String json) {
    assertThatCode(() -> check(json)).doesNotThrowAnyException();
  }

  private static void check(String json) throws CniError {
    ConfigurationFields.check(JsonParser.parseString(json.replace('\'', '"')).getAsJsonObject());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'ipam':{'ipv4_pool':['p']}} | ipam.ipv4_pool is unknown: did you mean ipam.ipv4_pools?",
        "{'ipam':{'assignIpv4':'true'}} | ipam.assignIpv4 is unknown: did you mean ipam.assign_ipv4?",
        "{'etcdEndpoints':'x'} | etcdEndpoints is unknown: did you mean etcd_endpoints?",
        "{'include_default_route':true} | did you mean include_default_routes?",
        "{'container_settings':{'allow_ip_forward':true}} |",
        "{'container_settings':{'allow_ip_forwardin':true}} | container_settings.allow_ip_forwarding?",
        "{'ipam':{'type':'host-local','ipv4_pool':['p']}} |",
        "{'ipam':{'ipv4_pool':['p'],'ipv4_pools':['p']}} |",
        "{'ipMasq':true,'isGateway':true,'bridge':'b','vlan':7,'prevResult':{},'capabilities':{}} |",
        "{'name':'n','cniVersion':'1.0.0','type':'calico','plugins':[],'disableCheck':true} |",
      })
  void aSlipOfAFieldsNameIsRefusedWithTheNameThatWasMeant(String json, String words) {
    JsonObject document = JsonParser.parseString(json.replace('\'', '"')).getAsJsonObject();
    CniError error =
        catchThrowableOfType(CniError.class, () -> ConfigurationFields.refuseSlips(document));
    if (words == null) {
      assertThat(error).isNull();
    } else {
      assertThat(error).hasMessageContaining(words);
      assertThat(error.code()).isEqualTo(CniError.INVALID_CONFIGURATION);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'datastore_type':'kubernetes'} | datastore_type: \"kubernetes\"",
        "{'device_type':'netkit'} | device_type: \"netkit\"",
        "{'dataplane_options':{'type':'grpc'}} | dataplane_options.type: \"grpc\"",
        "{'policy':{'type':'default_deny_inbound'}} | policy.type",
        "{'log_level':'loud'} | log_level: \"loud\"",
        "{'ipam':{'subnet':'usePodCidr'}} | usePodCidr",
        "{'ipam':{'ranges':[[{'subnet':'usePodCidr'}]]}} | usePodCidr",
        "{'ipam':7} | ipam: 7",
        "{'feature_control':[]} | feature_control",
      })
  void whatIsNotSupportedIsRefused(String json, String word) {
    CniError error = catchThrowableOfType(CniError.class, () -> check(json));
    assertThat(error.code()).isEqualTo(CniError.INVALID_CONFIGURATION);
    assertThat(error).hasMessageContaining(word);
  }
}
