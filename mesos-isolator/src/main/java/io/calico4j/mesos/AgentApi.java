package io.calico4j.mesos;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.mesos.v1.agent.Protos.Call;
import org.apache.mesos.v1.agent.Protos.Response;

/**
 * Asks a Mesos agent through its v1 operator API: {@code POST /api/v1} with protobufs. Whatever is
 * not a complete, well-formed answer to the question is an {@link AgentUnavailableException}; each
 * question takes a bounded time.
 */
public final class AgentApi {
  private static final String PROTOBUF = "application/x-protobuf";
  private static final long MAX_ANSWER = 64L << 20;
  private static final int MAX_ERROR = 200;

  private final AgentAccess access;
  private final URI endpoint;
  private final HttpClient client;

  /** Makes a client; an {@link IllegalArgumentException} says what is wrong with the CA file. */
  public AgentApi(AgentAccess access) {
    this.access = access;
    String url = access.url().toString();
    endpoint =
        URI.create((url.endsWith("/") ? url.substring(0, url.length() - 1) : url) + "/api/v1");
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(access.timeout());
    access.caFile().ifPresent(file -> builder.sslContext(trusting(file)));
    client = builder.build();
  }

  /**
   * Returns every container the agent knows, nested and standalone ones too. An agent that has none
   * answers with the type alone, {@code 08 09}: the list is absent, not empty.
   */
  public Response.GetContainers containers() throws AgentUnavailableException {
    Response response =
        ask(
            Call.newBuilder()
                .setType(Call.Type.GET_CONTAINERS)
                .setGetContainers(
                    Call.GetContainers.newBuilder().setShowNested(true).setShowStandalone(true))
                .build());
    return response.getGetContainers();
  }

  /** Returns the agent's tasks; the list is absent where there are none. */
  public Response.GetTasks tasks() throws AgentUnavailableException {
    Response response = ask(Call.newBuilder().setType(Call.Type.GET_TASKS).build());
    return response.getGetTasks();
  }

  private Response ask(Call call) throws AgentUnavailableException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(endpoint)
            .header("Content-Type", PROTOBUF)
            .header("Accept", PROTOBUF)
            .POST(BodyPublishers.ofByteArray(call.toByteArray()));
    if (!access.user().isEmpty()) {
      byte[] credentials =
          (access.user() + ":" + access.password()).getBytes(StandardCharsets.UTF_8);
      request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials));
    }
    HttpResponse<byte[]> answer = send(request.build());
    if (answer.statusCode() != 200) {
      String text = new String(answer.body(), StandardCharsets.UTF_8);
      throw unusable(
          "it answers "
              + answer.statusCode()
              + " "
              + text.substring(0, Math.min(MAX_ERROR, text.length())).strip(),
          null);
    }
    if (!answer.headers().firstValue("Content-Type").orElse("").startsWith(PROTOBUF)) {
      throw unusable("its answer is no " + PROTOBUF, null);
    }
    try {
      Response response = Response.parseFrom(answer.body());
      if (!response.getType().name().equals(call.getType().name())) {
        throw unusable("it answers " + response.getType() + " to " + call.getType(), null);
      }
      return response;
    } catch (InvalidProtocolBufferException e) {
      throw unusable("its answer is no v1 Response: " + e.getMessage(), e);
    }
  }

  private HttpResponse<byte[]> send(HttpRequest request) throws AgentUnavailableException {
    CompletableFuture<HttpResponse<byte[]>> answer = client.sendAsync(request, bounded());
    try {
      return answer.get(access.timeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw unusable("it has not answered within " + access.timeout().toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw unusable(String.valueOf(e.getCause()), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unusable("interrupted", e);
    } finally {
      boolean unused = answer.cancel(true);
    }
  }

  private static BodyHandler<byte[]> bounded() {
    return info -> {
      if (info.headers().firstValueAsLong("Content-Length").orElse(0) > MAX_ANSWER) {
        throw new IllegalStateException("the answer is longer than " + MAX_ANSWER + " bytes");
      }
      return BodyHandlers.ofByteArray().apply(info);
    };
  }

  private AgentUnavailableException unusable(
      String what, @org.jspecify.annotations.Nullable Throwable cause) {
    return new AgentUnavailableException("Mesos agent " + access + ": " + what, cause);
  }

  private static SSLContext trusting(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int count = 0;
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("ca" + count++, certificate);
      }
      if (count == 0) {
        throw new IllegalArgumentException(file + " holds no PEM certificate");
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException(
          file + " cannot be read as PEM certificates: " + e.getMessage(), e);
    }
  }
}
