package io.calico4j.core.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.gson.JsonObject;
import io.calico4j.core.cni.CniRequest.Command;
import io.calico4j.core.plugin.PluginRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** IPAM plugins that are shell scripts. */
class IpamDelegateTest {
  private static final String GOOD = "echo '{\"ips\":[{\"address\":\"10.1.0.9/24\"}]}'";

  @TempDir Path plugins;

  private CniRequest request(String path) throws CniError {
    return CniRequest.parse(
        new PluginRequest(
            "calico",
            Map.of(
                "CNI_COMMAND", "ADD",
                "CNI_CONTAINERID", "c1",
                "CNI_NETNS", "/run/netns/c1",
                "CNI_IFNAME", "eth0",
                "CNI_ARGS", "IP=10.1.0.9",
                "CNI_PATH", path),
            "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"ipam\":{\"type\":\"fake\"}}",
            -1));
  }

  private void script(String body) throws IOException {
    Path file = plugins.resolve("fake");
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private IpamResult add(String body) throws Exception {
    script(body);
    CniRequest request = request("relative:/nowhere:" + plugins);
    return IpamDelegate.of("fake", Duration.ofSeconds(10))
        .add(request, request.configuration().document());
  }

  private CniError failure(String body) {
    return catchThrowableOfType(CniError.class, () -> add(body));
  }

  @Test
  void itGetsTheRequestAndTheWholeConfiguration() throws Exception {
    Path seen = plugins.resolve("seen");
    assertThat(add("env >" + seen + "; cat >>" + seen + "; " + GOOD).addresses().toString())
        .isEqualTo("[10.1.0.9]");
    assertThat(Files.readString(seen))
        .contains("CNI_COMMAND=ADD\n", "CNI_ARGS=IP=10.1.0.9\n", "CNI_NETNS=/run/netns/c1\n")
        .contains("\"ipam\":{\"type\":\"fake\"}")
        .doesNotContain("HOME=");
  }

  @Test
  void anotherOperationIsNamedToIt() throws Exception {
    Path seen = plugins.resolve("seen");
    script("echo $CNI_COMMAND >" + seen);
    CniRequest request = request(plugins.toString());
    IpamDelegate.of("fake").run(Command.DEL, request, request.configuration().document());
    assertThat(Files.readString(seen)).isEqualTo("DEL\n");
  }

  @Test
  void itsErrorIsPassedOn() {
    CniError error =
        failure("echo '{\"code\":11,\"msg\":\"full\",\"details\":\"since noon\"}'; exit 1");
    assertThat(error.code()).isEqualTo(11);
    assertThat(error).hasMessage("full");
    assertThat(error.details()).isEqualTo("since noon; from IPAM plugin fake");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "exit 3 | status 3",
        "echo oops; exit 1 | status 1",
        "kill -9 $$ | status 137",
        "echo '{}' | no address",
        "echo nonsense | cannot be used",
        "echo '{\"ips\":[7]}' | no address",
        "echo '{\"ips\":[{\"address\":\"there\"}]}' | there",
        "echo '{\"ip4\":7}' | ip4",
        "true | empty",
      })
  void nonsenseIsAnErrorOfThePlugin(String body, String word) {
    CniError error = failure(body);
    assertThat(error.code()).isEqualTo(CniError.IPAM);
    assertThat(error).hasMessageContaining(word).hasMessageContaining("fake");
  }

  @Test
  void itIsKilledWhenItsTimeIsUp() throws Exception {
    Path alive = plugins.resolve("alive");
    script("echo $$ >" + alive + "; sleep 600; " + GOOD);
    CniRequest request = request(plugins.toString());
    CniError error =
        catchThrowableOfType(
            CniError.class,
            () ->
                IpamDelegate.of("fake", Duration.ofSeconds(3))
                    .add(request, request.configuration().document()));
    assertThat(error.code()).isEqualTo(CniError.TRY_AGAIN);
    assertThat(error).hasMessageContaining("within 3000 ms");
    long pid = Long.parseLong(Files.readString(alive).strip());
    ProcessHandle.of(pid)
        .ifPresent(left -> assertThat(left.onExit()).succeedsWithin(Duration.ofSeconds(60)));
  }

  @Test
  void aFloodOfOutputAndAnUnreadConfigurationDoNoHarm() throws Exception {
    JsonObject large = new JsonObject();
    large.addProperty("padding", "x".repeat(500_000));
    script(GOOD);
    assertThat(
            IpamDelegate.of("fake").add(request(plugins.toString()), large).addresses().toString())
        .isEqualTo("[10.1.0.9]");
    assertThat(failure("head -c 5000000 /dev/zero").code()).isEqualTo(CniError.IPAM);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dhcp", "../fake", "a/b", "", "calico", "-x"})
  void someTypesAreRefused(String type) {
    CniError error = catchThrowableOfType(CniError.class, () -> IpamDelegate.of(type));
    assertThat(error.code()).isEqualTo(CniError.INVALID_CONFIGURATION);
    assertThat(error).hasMessageContaining("ipam.type \"" + type + "\"");
  }

  @Test
  void aMissingProgramIsNamedWithTheRemedy() throws Exception {
    CniRequest request = request("stage1/net:/nowhere");
    CniError error =
        catchThrowableOfType(
            CniError.class,
            () -> IpamDelegate.of("none").run(Command.DEL, request, new JsonObject()));
    assertThat(error.code()).isEqualTo(CniError.INVALID_CONFIGURATION);
    assertThat(error).hasMessageContaining("none").hasMessageContaining("install it there");
    assertThat(error.details()).contains("do not begin with /");
    assertThat(IpamDelegate.isInstalled("none", request.path())).isFalse();
  }

  @Test
  void routesOfEveryForm() throws Exception {
    IpamResult old =
        add(
            "echo '{\"ip4\":{\"ip\":\"10.1.0.9/24\",\"routes\":[{\"dst\":\"10.0.0.0/8\"}]},"
                + "\"ip6\":{\"ip\":\"fd00::9/64\"},\"dns\":{\"domain\":\"d\"}}'");
    assertThat(old.addresses().toString()).isEqualTo("[10.1.0.9, fd00::9]");
    assertThat(old.routes().toString()).isEqualTo("[10.0.0.0/8]");
    assertThat(old.destinations().toString()).isEqualTo("[10.0.0.0/8, ::/0]");
    assertThat(old.dns().toString()).isEqualTo("{\"domain\":\"d\"}");
    IpamResult fresh =
        add(
            "echo '{\"ips\":[{\"address\":\"10.1.0.9/24\"}],\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}'");
    assertThat(fresh.destinations().toString()).isEqualTo("[0.0.0.0/0]");
    assertThat(add(GOOD).destinations()).isEmpty();
  }
}
