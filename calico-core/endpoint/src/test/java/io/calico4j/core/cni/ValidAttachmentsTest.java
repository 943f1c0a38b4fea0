package io.calico4j.core.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValidAttachmentsTest {
  private static ValidAttachments parse(String json) throws CniError {
    return ValidAttachments.parse(JsonParser.parseString(json).getAsJsonObject()).orElseThrow();
  }

  @Test
  void withoutAListNothingIsKnown() throws CniError {
    assertThat(ValidAttachments.parse(new JsonObject())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'cni.dev/valid-attachments':null}",
        "{'cni.dev/valid-attachments':[]}",
        "{'cni.dev/attachments':null}",
        "{'cni.dev/valid-attachments':[],'cni.dev/attachments':[{'containerID':'a','ifname':'b'}]}",
      })
  void nothingIsAttached(String json) throws CniError {
    assertThat(parse(json).attachments()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cni.dev/valid-attachments", "cni.dev/attachments"})
  void eitherNameIsRead(String name) throws CniError {
    ValidAttachments valid = parse("{'" + name + "':[{'containerID':'pod','ifname':'eth0'}]}");
    assertThat(valid.contains("pod", "eth0")).isTrue();
    assertThat(valid.contains("pod", "eth1")).isFalse();
    assertThat(valid.containsContainer("pod")).isTrue();
    assertThat(valid.containsContainer("po")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'cni.dev/valid-attachments':{}} | not a list",
        "{'cni.dev/valid-attachments':['pod']} | not an object",
        "{'cni.dev/valid-attachments':[{'containerID':'pod'}]} | containerID and ifname",
        "{'cni.dev/valid-attachments':[{'containerID':7,'ifname':'eth0'}]} | containerID",
      })
  void whatCannotBeReadDeletesNothing(String json, String word) {
    CniError error = catchThrowableOfType(CniError.class, () -> parse(json));
    assertThat(error.code()).isEqualTo(CniError.INVALID_CONFIGURATION);
    assertThat(error).hasMessageContaining(word);
  }
}
