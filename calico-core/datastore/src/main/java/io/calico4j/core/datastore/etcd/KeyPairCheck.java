package io.calico4j.core.datastore.etcd;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/** Tells whether a key is that of a certificate, before a server does so with an alert. */
final class KeyPairCheck {
  private static final byte[] MESSAGE = {1, 2, 3};

  private KeyPairCheck() {}

  /**
   * Signs with the key and verifies with the certificate.
   *
   * @param pair the key as PEM of PKCS 8
   * @throws IllegalArgumentException when they do not belong together
   */
  static void check(Tls.Pem certificate, byte[] chain, Tls.Pem key, byte[] pair) {
    try {
      PublicKey known =
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(chain))
              .getPublicKey();
      PrivateKey secret;
      try {
        secret =
            KeyFactory.getInstance(known.getAlgorithm())
                .generatePrivate(new PKCS8EncodedKeySpec(der(pair)));
      } catch (GeneralSecurityException e) {
        throw mismatch(certificate, key, e);
      }
      String algorithm =
          switch (known.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> known.getAlgorithm();
          };
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(secret);
      signature.update(MESSAGE);
      byte[] signed = signature.sign();
      signature.initVerify(known);
      signature.update(MESSAGE);
      if (!signature.verify(signed)) {
        throw mismatch(certificate, key, null);
      }
    } catch (GeneralSecurityException e) {
      throw mismatch(certificate, key, e);
    }
  }

  private static byte[] der(byte[] pem) {
    String text = new String(pem, StandardCharsets.US_ASCII);
    return Base64.getMimeDecoder().decode(text.replaceAll("-----[A-Z ]+-----", ""));
  }

  private static IllegalArgumentException mismatch(
      Tls.Pem certificate, Tls.Pem key, @org.jspecify.annotations.Nullable Exception cause) {
    return new IllegalArgumentException(
        key + " is not the key of the certificate in " + certificate, cause);
  }
}
