package io.calico4j.node.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When etcd's certificates are made, kept and renewed. */
class EtcdCertificatesTest {
  private static final Instant NOW = Instant.parse("2026-11-26T10:00:00Z");

  @TempDir private Path state;

  private void ensure(Duration later) throws IOException {
    new EtcdCertificates(state.resolve("pki"), Clock.fixed(NOW.plus(later), ZoneOffset.UTC))
        .ensure();
  }

  private Map<String, String> files() throws IOException {
    Map<String, String> texts = new TreeMap<>();
    try (Stream<Path> all = Files.list(state.resolve("pki"))) {
      for (Path each : all.toList()) {
        texts.put(each.getFileName().toString(), Files.readString(each));
      }
    }
    return texts;
  }

  private X509Certificate certificate(String name) throws Exception {
    try (var in = Files.newInputStream(state.resolve("pki").resolve(name))) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  @Test
  void theyAreMadeForRootAloneAndFitEachOther() throws Exception {
    ensure(Duration.ZERO);
    assertThat(files().keySet())
        .containsExactly(
            "ca.key", "ca.pem", "client.key", "client.pem", "server.key", "server.pem");
    try (Stream<Path> all = Files.walk(state.resolve("pki"))) {
      for (Path each : all.toList()) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(each)))
            .isEqualTo(Files.isDirectory(each) ? "rwx------" : "rw-------");
      }
    }
    X509Certificate server = certificate("server.pem");
    server.verify(certificate("ca.pem").getPublicKey());
    certificate("client.pem").verify(certificate("ca.pem").getPublicKey());
    assertThat(server.getSubjectAlternativeNames())
        .extracting(name -> String.valueOf(name.get(1)))
        .contains("127.0.0.1", "localhost");
    assertThat(certificate("client.pem").getExtendedKeyUsage())
        .isEqualTo(List.of("1.3.6.1.5.5.7.3.2"));
    assertThat(certificate("client.pem").getBasicConstraints()).isEqualTo(-1);
  }

  @Test
  void goodOnesAreKept() throws Exception {
    ensure(Duration.ZERO);
    Map<String, String> before = files();
    ensure(Duration.ofDays(200));
    assertThat(files()).isEqualTo(before);
  }

  @Test
  void theyAreRenewedBeforeTheyAreOverWithTheirKeys() throws Exception {
    ensure(Duration.ZERO);
    Map<String, String> before = files();
    ensure(Duration.ofDays(300));
    Map<String, String> after = files();
    for (String kept : List.of("ca.key", "ca.pem", "client.key", "server.key")) {
      assertThat(after.get(kept)).as(kept).isEqualTo(before.get(kept));
    }
    for (String renewed : List.of("client.pem", "server.pem")) {
      assertThat(after.get(renewed)).as(renewed).isNotEqualTo(before.get(renewed));
      certificate(renewed).checkValidity(java.util.Date.from(NOW.plus(Duration.ofDays(500))));
    }
  }

  @Test
  void anOldAuthorityIsReplacedWithAllThatItSigned() throws Exception {
    ensure(Duration.ZERO);
    Map<String, String> before = files();
    ensure(Duration.ofDays(3000));
    assertThat(files().get("ca.pem")).isNotEqualTo(before.get("ca.pem"));
    certificate("server.pem").verify(certificate("ca.pem").getPublicKey());
    certificate("client.pem").verify(certificate("ca.pem").getPublicKey());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"ca.key", "ca.pem", "client.key", "client.pem", "server.key", "server.pem"})
  void whatIsMissingOrDamagedIsMadeAgain(String name) throws Exception {
    for (String damage : List.of("", "no PEM", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n")) {
      ensure(Duration.ZERO);
      Files.writeString(state.resolve("pki").resolve(name), damage);
      ensure(Duration.ZERO);
      mustFit();
    }
    Files.delete(state.resolve("pki").resolve(name));
    Files.writeString(state.resolve("pki/ca.key123.new"), "cut off");
    ensure(Duration.ZERO);
    mustFit();
    assertThat(files()).hasSize(6);
  }

  private void mustFit() throws Exception {
    certificate("server.pem").verify(certificate("ca.pem").getPublicKey());
    certificate("client.pem").verify(certificate("ca.pem").getPublicKey());
    Map<String, String> before = files();
    ensure(Duration.ofMinutes(1));
    assertThat(files()).isEqualTo(before);
  }
}
