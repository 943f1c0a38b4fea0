package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real etcd over TLS with client certificates, and with users. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EtcdSecurityIT {
  private final Path state = Installed.freshState(getClass());
  private final Path certificates = state.resolve("certificates");
  private EtcdProcess etcd;

  @BeforeAll
  void start() throws Exception {
    Files.createDirectories(certificates);
    authority("ca");
    authority("other-ca");
    signed("server", "ec -pkeyopt ec_paramgen_curve:P-256");
    signed("client", "rsa:2048");
    openssl("pkcs8 -topk8 -nocrypt -in client.key -out client-pkcs8.key");
    openssl("rsa -traditional -in client.key -out client-pkcs1.key");
    signed("ec", "ec -pkeyopt ec_paramgen_curve:P-384");
    openssl("ec -in ec.key -out ec-sec1.key");
    openssl("pkcs8 -topk8 -in client.key -out client-locked.key -passout pass:secret");
    etcd = EtcdProcess.secured(state, certificates);
    etcd.start();
  }

  @AfterAll
  void stop() throws Exception {
    etcd.close();
  }

  private void openssl(String arguments) throws Exception {
    Command.of("sh", "-c", "cd '" + certificates + "' && openssl " + arguments + " 2>&1").mustRun();
  }

  private void authority(String name) throws Exception {
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN="
            + name
            + " -keyout "
            + name
            + ".key -out "
            + name
            + ".pem");
  }

  private void signed(String name, String key) throws Exception {
    Files.writeString(
        certificates.resolve(name + ".ext"),
        "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n");
    openssl(
        ("req -newkey " + key + " -nodes -subj /CN=calico -keyout NAME.key -out NAME.csr")
            .replace("NAME", name));
    openssl(
        "x509 -req -in NAME.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile NAME.ext"
                .replace("NAME", name)
            + " -out "
            + name
            + ".pem");
  }

  private Map<String, String> settings(String ca, String certificate, String key) {
    Map<String, String> environment = new HashMap<>();
    environment.put("ETCD_ENDPOINTS", etcd.url());
    environment.put("ETCD_CA_CERT_FILE", certificates.resolve(ca).toString());
    if (!certificate.isEmpty()) {
      environment.put("ETCD_CERT_FILE", certificates.resolve(certificate).toString());
      environment.put("ETCD_KEY_FILE", certificates.resolve(key).toString());
    }
    return environment;
  }

  private static void mustWork(Map<String, String> environment) throws DatastoreException {
    try (EtcdDatastore datastore = EtcdDatastore.connect(EtcdConfig.fromEnvironment(environment))) {
      datastore.commit(Transaction.builder().put("/calico/secure", "yes").build());
      assertThat(datastore.get("/calico/secure").orElseThrow().value()).isEqualTo("yes");
    }
  }

  private static void mustFail(Map<String, String> environment, String message) {
    assertThatThrownBy(() -> mustWork(environment))
        .isInstanceOf(UnavailableException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @Order(1)
  @ValueSource(strings = {"client-pkcs8.key", "client-pkcs1.key"})
  void anRsaKeyOfEachFormOpensTheDoor(String key) throws Exception {
    mustWork(settings("ca.pem", "client.pem", key));
  }

  @ParameterizedTest
  @Order(1)
  @ValueSource(strings = {"ec.key", "ec-sec1.key"})
  void anEcKeyOfEachFormOpensTheDoor(String key) throws Exception {
    mustWork(settings("ca.pem", "ec.pem", key));
  }

  @Test
  @Order(1)
  void certificatesMayBeGivenAsText() throws Exception {
    Map<String, String> environment = new HashMap<>(Map.of("ETCD_ENDPOINTS", etcd.url()));
    environment.put("ETCD_CA_CERT", read("ca.pem"));
    environment.put("ETCD_CERT", read("client.pem"));
    environment.put("ETCD_KEY", read("client-pkcs1.key"));
    mustWork(environment);
  }

  private String read(String file) throws Exception {
    return Files.readString(certificates.resolve(file), StandardCharsets.US_ASCII);
  }

  @Test
  @Order(1)
  void withoutTheRightCertificatesNothingIsReadAndNobodyWaitsForEver() {
    mustFail(settings("ca.pem", "", ""), "check the certificates");
    mustFail(settings("other-ca.pem", "client.pem", "client.key"), "check the certificates");
    mustFail(settings("ca.pem", "other-ca.pem", "other-ca.key"), "check the certificates");
  }

  private static void isSaidAtOnce(Map<String, String> environment, String reason) {
    long start = System.nanoTime();
    assertThatThrownBy(
            () -> {
              try (EtcdDatastore datastore =
                  EtcdDatastore.connectAtOnce(EtcdConfig.fromEnvironment(environment))) {
                var unused = datastore.get("/calico/secure");
              }
            })
        .hasMessageContaining(reason);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
  }

  @Test
  @Order(1)
  void anOperatorHearsAtOnceWhichCertificateIsWrong() {
    isSaidAtOnce(settings("ca.pem", "", ""), "demands a client certificate");
    isSaidAtOnce(
        settings("other-ca.pem", "client.pem", "client.key"), "other-ca.pem\" did not sign");
    isSaidAtOnce(
        settings("ca.pem", "other-ca.pem", "other-ca.key"), "refuses the client certificate");
    isSaidAtOnce(settings("ca.pem", "client.pem", "ec.key"), "is not the key of the certificate");
    isSaidAtOnce(settings("ca.pem", "client.pem", "server.key"), "is not the key of the");
    isSaidAtOnce(settings("ca.pem", "client.pem", "none.key"), "cannot be read");
    isSaidAtOnce(Map.of("ETCD_ENDPOINTS", etcd.url().replace("https", "http")), "write https://");
  }

  @Test
  @Order(2)
  void aUserNeedsThePasswordAndTheRight() throws Exception {
    etcd.ctl("user", "add", "root:rootpass");
    etcd.ctl("user", "grant-role", "root", "root");
    etcd.ctl("role", "add", "calico");
    etcd.ctl("role", "grant-permission", "calico", "readwrite", "--prefix=true", "/calico/");
    etcd.ctl("user", "add", "node:nodepass");
    etcd.ctl("user", "grant-role", "node", "calico");
    Map<String, String> environment = settings("ca.pem", "client.pem", "client.key");
    environment.put("ETCD_USERNAME", "node");
    environment.put("ETCD_PASSWORD", "nodepass");
    try (EtcdDatastore datastore = EtcdDatastore.connect(EtcdConfig.fromEnvironment(environment))) {
      datastore.commit(Transaction.builder().put("/calico/secure", "early").build());
      // The certificate of this client names a user too; etcd takes it when no password is given.
      etcd.ctl("auth", "enable");
      datastore.commit(Transaction.builder().put("/calico/secure", "late").build());
      assertThat(datastore.get("/calico/secure").orElseThrow().value()).isEqualTo("late");
    }

    mustWork(environment);
    try (EtcdDatastore datastore = EtcdDatastore.connect(EtcdConfig.fromEnvironment(environment))) {
      assertThatThrownBy(() -> datastore.get("/other")).hasMessageContaining("permission denied");
      // A member forgets all tokens when it is started again.
      etcd.kill();
      etcd.start();
      datastore.commit(Transaction.builder().put("/calico/secure", "again").build());
      assertThat(datastore.get("/calico/secure").orElseThrow().value()).isEqualTo("again");
    }
    environment.put("ETCD_PASSWORD", "wrong");
    mustFail(environment, "check ETCD_USERNAME and ETCD_PASSWORD");
    environment.remove("ETCD_USERNAME");
    assertThatThrownBy(() -> mustWork(environment)).isInstanceOf(UnavailableException.class);
  }
}
