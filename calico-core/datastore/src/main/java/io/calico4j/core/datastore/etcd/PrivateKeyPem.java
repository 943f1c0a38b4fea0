package io.calico4j.core.datastore.etcd;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;

/**
 * Brings private keys into the form the JDK reads, PKCS 8 (RFC 5208): tools for etcd write RSA keys
 * as PKCS 1 (RFC 8017) and EC keys as SEC 1 (RFC 5915).
 */
final class PrivateKeyPem {
  private PrivateKeyPem() {}

  /**
   * Returns the key as PKCS 8 PEM.
   *
   * @param origin what names the key in a message
   * @throws IllegalArgumentException when it is none of the forms, or encrypted
   */
  static byte[] toPkcs8(byte[] pem, String origin) {
    try (PEMParser parser =
        new PEMParser(
            new InputStreamReader(new ByteArrayInputStream(pem), StandardCharsets.US_ASCII))) {
      // openssl writes the curve before an EC key, as a block of its own.
      for (Object block = parser.readObject(); block != null; block = parser.readObject()) {
        if (block instanceof PrivateKeyInfo key) {
          return encode(key);
        }
        if (block instanceof PEMKeyPair pair) {
          return encode(pair.getPrivateKeyInfo());
        }
        if (block instanceof PKCS8EncryptedPrivateKeyInfo || block instanceof PEMEncryptedKeyPair) {
          throw new IllegalArgumentException(
              origin + " has a password: remove it with openssl pkcs8 -topk8 -nocrypt");
        }
      }
    } catch (IOException e) {
      throw new IllegalArgumentException(
          origin + " is a damaged private key: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException(origin + " has no PEM private key");
  }

  private static byte[] encode(PrivateKeyInfo key) throws IOException {
    return ("-----BEGIN PRIVATE KEY-----\n"
            + Base64.getMimeEncoder().encodeToString(key.getEncoded())
            + "\n-----END PRIVATE KEY-----\n")
        .getBytes(StandardCharsets.US_ASCII);
  }
}
