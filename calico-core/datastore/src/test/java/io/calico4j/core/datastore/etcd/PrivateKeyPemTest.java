package io.calico4j.core.datastore.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import javax.crypto.EncryptedPrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Private keys of each form that tools for etcd write. */
class PrivateKeyPemTest {
  private static KeyPair generated(String algorithm, int bits) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
    generator.initialize(bits);
    return generator.generateKeyPair();
  }

  private static String pem(String type, byte[] der) {
    return "-----BEGIN "
        + type
        + "-----\n"
        + Base64.getMimeEncoder().encodeToString(der)
        + "\n-----END "
        + type
        + "-----\n";
  }

  private static byte[] der(byte[] pem) {
    String text = new String(pem, StandardCharsets.US_ASCII);
    return Base64.getMimeDecoder().decode(text.replaceAll("-----[A-Z ]+-----", ""));
  }

  /** Returns the key as openssl writes it: PKCS 1 for RSA, SEC 1 with its curve for EC. */
  private static String oldForm(KeyPair pair) throws Exception {
    PrivateKeyInfo info = PrivateKeyInfo.getInstance(pair.getPrivate().getEncoded());
    if (pair.getPrivate().getAlgorithm().equals("RSA")) {
      return pem("RSA PRIVATE KEY", info.parsePrivateKey().toASN1Primitive().getEncoded());
    }
    ECPrivateKey bare = ECPrivateKey.getInstance(info.parsePrivateKey());
    byte[] whole =
        new ECPrivateKey(
                ((ECKey) pair.getPrivate()).getParams().getOrder().bitLength(),
                bare.getKey(),
                info.getPrivateKeyAlgorithm().getParameters())
            .getEncoded();
    return pem("EC PRIVATE KEY", whole);
  }

  /** An EC key's curve may stand in a block before it. */
  @ParameterizedTest
  @CsvSource({"RSA, 2048, ''", "EC, 256, ''", "EC, 384, BgUrgQQAIg=="})
  void theOldFormsAreTheSameKey(String algorithm, int bits, String parameters) throws Exception {
    KeyPair pair = generated(algorithm, bits);
    String before =
        parameters.isEmpty() ? "" : pem("EC PARAMETERS", Base64.getDecoder().decode(parameters));
    byte[] read =
        PrivateKeyPem.toPkcs8(
            (before + oldForm(pair)).getBytes(StandardCharsets.US_ASCII), "the key");
    // What the key signs, the other half of the pair accepts.
    Signature signature = Signature.getInstance("SHA256with" + (bits > 1000 ? "RSA" : "ECDSA"));
    signature.initSign(
        KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der(read))));
    byte[] signed = signature.sign();
    signature.initVerify(pair.getPublic());
    assertThat(signature.verify(signed)).isTrue();
  }

  @Test
  void aKeyInTheRightFormStays() throws Exception {
    byte[] der = generated("EC", 256).getPrivate().getEncoded();
    byte[] text = pem("PRIVATE KEY", der).getBytes(StandardCharsets.US_ASCII);
    assertThat(der(PrivateKeyPem.toPkcs8(text, "the key"))).isEqualTo(der);
  }

  @Test
  void aKeyWithAPasswordIsRefusedWithTheRemedy() throws Exception {
    byte[] locked = new EncryptedPrivateKeyInfo("PBEWithMD5AndDES", new byte[] {1}).getEncoded();
    String old =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
            + "DEK-Info: AES-256-CBC,000102030405060708090A0B0C0D0E0F\n\nAAAA\n"
            + "-----END RSA PRIVATE KEY-----\n";
    for (String text : List.of(pem("ENCRYPTED PRIVATE KEY", locked), old)) {
      assertThatThrownBy(
              () -> PrivateKeyPem.toPkcs8(text.getBytes(StandardCharsets.US_ASCII), "ETCD_KEY"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("ETCD_KEY has a password: remove it with openssl pkcs8 -topk8 -nocrypt");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\n!!!!\n-----END EC PRIVATE KEY-----\n"
      })
  void whatIsNoKeyIsNamed(String text) {
    assertThatThrownBy(
            () -> PrivateKeyPem.toPkcs8(text.getBytes(StandardCharsets.US_ASCII), "ETCD_KEY"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("ETCD_KEY");
  }
}
