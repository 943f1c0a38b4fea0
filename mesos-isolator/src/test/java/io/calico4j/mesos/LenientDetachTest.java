package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LenientDetachTest {
  private static final String MESOS = "{\"args\":{\"org.apache.mesos\":{}}}";

  @ParameterizedTest
  @CsvSource({
    "DEL,7,true,0",
    "DEL,4,true,0",
    "DEL,6,true,0",
    "DEL,1,true,0",
    "DEL,11,true,1",
    "DEL,100,true,1",
    "DEL,102,true,1",
    "DEL,7,false,1",
    "ADD,7,true,1",
    "CHECK,4,true,1",
  })
  void onlyADelOfMesosWhoseRequestIsAtFaultSucceeds(
      String command, int code, boolean mesos, int exitCode) {
    String error = "{\"code\":" + code + ",\"msg\":\"why\"}";
    PluginResponse response =
        new LenientDetach(
                request -> new PluginResponse(new Outcome.CniFailure(code), error, "why\n"))
            .handle(
                new PluginRequest(
                    "calico",
                    Map.of("CNI_COMMAND", command, "CNI_CONTAINERID", "c"),
                    mesos ? MESOS : "{}",
                    -1));
    assertThat(response.exitCode()).isEqualTo(exitCode);
    assertThat(response.standardOutput()).isEqualTo(exitCode == 0 ? "" : error);
    assertThat(response.standardError()).isEqualTo("why\n");
  }

  @Test
  void anErrorWithoutACodeStaysOne() {
    PluginResponse response =
        new LenientDetach(
                request ->
                    new PluginResponse(Outcome.NetModulesFailure.REFUSED, "{\"code\":7}", ""))
            .handle(new PluginRequest("calico", Map.of("CNI_COMMAND", "DEL"), MESOS, -1));
    assertThat(response.exitCode()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"calico-ipam,0", "host-local,1"})
  void anotherPluginsErrorMayHeal(String ipam, int exitCode) {
    PluginResponse response =
        new LenientDetach(
                request -> new PluginResponse(new Outcome.CniFailure(7), "{\"code\":7}", ""))
            .handle(
                new PluginRequest(
                    "calico",
                    Map.of("CNI_COMMAND", "DEL"),
                    MESOS.replaceFirst("^\\{", "{\"ipam\":{\"type\":\"" + ipam + "\"},"),
                    -1));
    assertThat(response.exitCode()).isEqualTo(exitCode);
  }
}
