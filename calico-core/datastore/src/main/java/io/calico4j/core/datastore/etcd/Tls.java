package io.calico4j.core.datastore.etcd;

import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The certificates for https.
 *
 * @param authority who signed etcd's certificate; null for those the system trusts
 * @param certificate this client's certificate; null when etcd asks for none
 * @param key the certificate's key, as PEM: PKCS 8, PKCS 1 (RSA) or SEC 1 (EC), without password
 */
public record Tls(@Nullable Pem authority, @Nullable Pem certificate, @Nullable Pem key) {
  /** Trusts whom the system trusts, and shows no certificate. */
  static final Tls SYSTEM = new Tls(null, null, null);

  /** Checks that certificate and key come together. */
  public Tls {
    if ((certificate == null) != (key == null)) {
      throw new IllegalArgumentException(
          "a client certificate for etcd needs its key: set both ETCD_CERT_FILE and ETCD_KEY_FILE");
    }
  }

  /**
   * A PEM text.
   *
   * @param origin the variable or file it comes from, for messages
   * @param file the file to read it from; null when the text is given
   * @param text the text; null when it is in a file
   */
  public record Pem(String origin, @Nullable Path file, @Nullable String text) {
    private byte[] read() {
      if (text != null) {
        return text.getBytes(StandardCharsets.US_ASCII);
      }
      try {
        return Files.readAllBytes(file);
      } catch (IOException e) {
        throw new IllegalArgumentException(origin + " \"" + file + "\" cannot be read: " + e, e);
      }
    }

    /** Says where it comes from; never what it is. */
    @Override
    public String toString() {
      return origin + (file == null ? "" : " \"" + file + "\"");
    }
  }

  /** Reads the variables; empty when none is set. */
  static Optional<Tls> fromEnvironment(Map<String, String> environment) {
    Pem authority = pem(environment, "ETCD_CA_CERT");
    Pem certificate = pem(environment, "ETCD_CERT");
    Pem key = pem(environment, "ETCD_KEY");
    return authority == null && certificate == null && key == null
        ? Optional.empty()
        : Optional.of(new Tls(authority, certificate, key));
  }

  private static @Nullable Pem pem(Map<String, String> environment, String name) {
    Optional<String> file = EtcdConfig.text(environment, name + "_FILE");
    Optional<String> text = EtcdConfig.text(environment, name);
    if (file.isPresent() && text.isPresent()) {
      throw new IllegalArgumentException(
          name + " and " + name + "_FILE are both set: remove one of them");
    }
    try {
      return file.isPresent()
          ? new Pem(name + "_FILE", Path.of(file.get()), null)
          : text.map(t -> new Pem(name, null, t)).orElse(null);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(name + "_FILE \"" + file.get() + "\" is no path", e);
    }
  }

  /**
   * Sets a TLS context up.
   *
   * @throws IllegalArgumentException naming the certificate or key that cannot be used
   */
  void apply(SslContextBuilder context) {
    if (authority != null) {
      try (InputStream in = new ByteArrayInputStream(authority.read())) {
        context.trustManager(in);
      } catch (IOException | IllegalArgumentException e) {
        throw unusable(authority, "certificate", e);
      }
    }
    if (certificate != null && key != null) {
      byte[] pair = PrivateKeyPem.toPkcs8(key.read(), key.toString());
      try (InputStream chain = new ByteArrayInputStream(certificate.read());
          InputStream secret = new ByteArrayInputStream(pair)) {
        context.keyManager(chain, secret);
        KeyPairCheck.check(certificate, certificate.read(), key, pair);
      } catch (IOException | IllegalArgumentException e) {
        throw unusable(certificate, "certificate, or its key is not", e);
      }
    }
  }

  private static IllegalArgumentException unusable(Pem pem, String what, Exception e) {
    return new IllegalArgumentException(pem + " is no PEM " + what + ": " + e.getMessage(), e);
  }
}
