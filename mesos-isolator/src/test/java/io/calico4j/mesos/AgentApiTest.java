package io.calico4j.mesos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.mesos.v1.Protos;
import org.apache.mesos.v1.agent.Protos.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AgentApiTest {
  private static AgentApi api(URI url, Optional<Path> caFile, Duration timeout) {
    return new AgentApi(new AgentAccess(url, caFile, "calico", "s3cret", timeout));
  }

  private static AgentApi api(FakeAgent agent) {
    return api(agent.url("http"), Optional.empty(), Duration.ofSeconds(60));
  }

  @Test
  void everyContainerIsListedNestedAndStandaloneOnesToo() throws Exception {
    try (FakeAgent agent = new FakeAgent()) {
      agent.containers.add(FakeAgent.container("pod").build());
      agent.containers.add(FakeAgent.container("pod.task.debug").build());
      AgentView view = new AgentView(api(agent).containers());
      assertThat(view.knows("pod")).isTrue();
      assertThat(view.knows("pod.task.debug")).isTrue();
      assertThat(view.knows("pod.task")).isFalse();
      assertThat(agent.authorizations).containsExactly("Basic Y2FsaWNvOnMzY3JldA==");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "RECOVERING,503 Agent has not finished recovery",
    "GARBAGE,no v1 Response",
    "HTML,no application/x-protobuf",
    "OTHER_TYPE,GET_HEALTH to GET_CONTAINERS",
    "SILENT,not answered",
    "ENDLESS,not answered",
  })
  void aDoubtfulAnswerIsNone(FakeAgent.Behaviour behaviour, String text) throws Exception {
    try (FakeAgent agent = new FakeAgent()) {
      agent.containers.add(FakeAgent.container("pod").build());
      agent.behaviour = behaviour;
      Duration timeout = Duration.ofSeconds(text.equals("not answered") ? 1 : 60);
      assertThatThrownBy(() -> api(agent.url("http"), Optional.empty(), timeout).containers())
          .isInstanceOf(AgentUnavailableException.class)
          .hasMessageContaining(agent.url("http").toString())
          .hasMessageContaining(text)
          .hasMessageNotContaining("s3cret");
    }
  }

  @Test
  void anAgentWithoutContainersAnswersWithTheTypeAlone() throws Exception {
    byte[] captured = FakeAgent.capture("get-containers-empty.pb");
    assertThat(captured).containsExactly(8, 9);
    try (FakeAgent agent = new FakeAgent()) {
      agent.recordedContainers = captured;
      assertThat(api(agent).containers().getContainersCount()).isZero();
      agent.behaviour = FakeAgent.Behaviour.NO_LIST;
      assertThat(api(agent).tasks().getLaunchedTasksCount()).isZero();
    }
  }

  @Test
  void aNestedContainerOfARealAgentIsKnownByItsWholeIdAndHasItsOwnTasks() throws Exception {
    String pod = "5452ed69-7065-4d97-abd9-82d27d1e8324";
    String own = pod + ".72fa090a-a1f4-40be-aa2c-a39df61d90a5";
    String shared = pod + ".678d5ed2-7526-431e-a913-6394c7f25e40";
    try (FakeAgent agent = new FakeAgent()) {
      agent.recordedContainers = FakeAgent.capture("get-containers-nested.pb");
      agent.recordedTasks = FakeAgent.capture("get-tasks-nested.pb");
      AgentView view = new AgentView(api(agent).containers());
      assertThat(view.knows(own)).isTrue();
      assertThat(view.knows(shared)).isTrue();
      assertThat(view.knows(pod)).isTrue();
      assertThat(view.knows("72fa090a-a1f4-40be-aa2c-a39df61d90a5")).isFalse();
      List<Protos.Task> tasks = api(agent).tasks().getLaunchedTasksList();
      TaskIds ids = view.idsOf(own, tasks, Set.of(pod, own));
      assertThat(ids.tasks()).isEqualTo("n-own");
      assertThat(ids.framework()).isEqualTo("982a5ca0-20a5-4dd5-bbea-e8aae772c73d-0007");
      assertThat(ids.executor()).isEqualTo("pod-n");
      assertThat(view.idsOf(pod, tasks, Set.of(pod, own)).tasks()).isEqualTo("n-shared");
    }
  }

  @Test
  void aNestedContainerWithoutStatusIsNotTakenForOneThatEnded() throws Exception {
    try (FakeAgent agent = new FakeAgent()) {
      agent.containers.add(
          Response.GetContainers.Container.newBuilder()
              .setContainerId(Protos.ContainerID.newBuilder().setValue("nested"))
              .build());
      AgentView view = new AgentView(api(agent).containers());
      assertThat(view.knows("pod.nested")).isTrue();
      assertThat(view.knows("pod.other")).isFalse();
    }
  }

  @Test
  void nobodyThereIsSaid() throws Exception {
    URI url;
    try (FakeAgent agent = new FakeAgent()) {
      url = agent.url("http");
    }
    assertThatThrownBy(() -> api(url, Optional.empty(), Duration.ofSeconds(5)).containers())
        .isInstanceOf(AgentUnavailableException.class)
        .hasMessageContaining("ConnectException");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"agent:5051", "ftp://a/", "http://u:geheim@a:5051", "u:geheim@a b", "nonsense"})
  void whatIsNoAddressOfAnAgentIsRefused(String url) {
    assertThatThrownBy(
            () ->
                new AgentAccess(
                    AgentAccess.parse(url), Optional.empty(), "", "", Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("http://127.0.0.1:5051")
        .hasMessageNotContaining("geheim");
  }

  @Test
  void overHttpsOnlyTheNamedAuthorityIsTrusted(@TempDir Path directory) throws Exception {
    Path keys = directory.resolve("agent.p12");
    keytool(
        "-genkeypair",
        "-alias",
        "agent",
        "-keyalg",
        "EC",
        "-dname",
        "CN=agent",
        "-ext",
        "SAN=ip:127.0.0.1",
        "-keystore",
        keys.toString());
    Path ca = directory.resolve("ca.pem");
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "agent",
        "-file",
        ca.toString(),
        "-keystore",
        keys.toString());
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keys)) {
      store.load(in, "changeit".toCharArray());
    }
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, "changeit".toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(factory.getKeyManagers(), null, null);
    HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 8);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    try (FakeAgent agent = new FakeAgent(server)) {
      URI url = agent.url("https");
      Duration timeout = Duration.ofSeconds(10);
      assertThat(api(url, Optional.of(ca), timeout).containers().getContainersCount()).isZero();
      assertThatThrownBy(() -> api(url, Optional.empty(), timeout).containers())
          .isInstanceOf(AgentUnavailableException.class)
          .hasMessageContaining("SSL");
    }
    Path noCa = Files.writeString(directory.resolve("empty.pem"), "");
    assertThatThrownBy(
            () -> api(URI.create("https://a:1"), Optional.of(noCa), Duration.ofSeconds(60)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("empty.pem");
  }

  private static void keytool(String... arguments) throws Exception {
    java.util.List<String> all = new java.util.ArrayList<>();
    all.add(Path.of(System.getProperty("java.home"), "bin/keytool").toString());
    all.addAll(java.util.List.of(arguments));
    all.addAll(java.util.List.of("-storepass", "changeit", "-storetype", "PKCS12"));
    assertThat(new ProcessBuilder(all).inheritIO().start().waitFor()).isZero();
  }
}
