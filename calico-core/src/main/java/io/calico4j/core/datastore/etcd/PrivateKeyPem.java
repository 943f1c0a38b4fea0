package io.calico4j.core.datastore.etcd;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Brings private keys into the form the JDK reads, PKCS 8 (RFC 5208): tools for etcd write RSA keys
 * as PKCS 1 (RFC 8017) and EC keys as SEC 1 (RFC 5915).
 */
final class PrivateKeyPem {
  private static final Pattern BLOCK =
      Pattern.compile(
          "-----BEGIN (RSA |EC |ENCRYPTED |)PRIVATE KEY-----([^-]*)-----END [A-Z ]*KEY-----");

  private static final byte[] RSA = {
    0x30,
    0x0d,
    0x06,
    0x09,
    0x2a,
    (byte) 0x86,
    0x48,
    (byte) 0x86,
    (byte) 0xf7,
    0x0d,
    0x01,
    0x01,
    0x01,
    0x05,
    0x00
  };
  private static final byte[] EC_OID = {
    0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x02, 0x01
  };
  private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};
  private static final int SEQUENCE = 0x30;
  private static final int OCTETS = 0x04;
  private static final int PARAMETERS = 0xa0;

  private PrivateKeyPem() {}

  /**
   * Returns the key as PKCS 8 PEM.
   *
   * @param origin what names the key in a message
   * @throws IllegalArgumentException when it is none of the forms, or encrypted
   */
  static byte[] toPkcs8(byte[] pem, String origin) {
    Matcher block = BLOCK.matcher(new String(pem, StandardCharsets.US_ASCII));
    if (!block.find()) {
      throw new IllegalArgumentException(origin + " has no PEM private key");
    }
    byte[] der = Base64.getMimeDecoder().decode(block.group(2));
    byte[] result =
        switch (block.group(1)) {
          case "RSA " -> sequence(VERSION_0, RSA, value(OCTETS, der));
          case "EC " ->
              sequence(VERSION_0, sequence(EC_OID, curve(der, origin)), value(OCTETS, der));
          case "ENCRYPTED " ->
              throw new IllegalArgumentException(
                  origin + " has a password: remove it with openssl pkcs8 -topk8 -nocrypt");
          default -> der;
        };
    return ("-----BEGIN PRIVATE KEY-----\n"
            + Base64.getMimeEncoder().encodeToString(result)
            + "\n-----END PRIVATE KEY-----\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** Finds the curve's OID: SEQUENCE { version, OCTET STRING key, [0] { OID }, … }. */
  private static byte[] curve(byte[] der, String origin) {
    try {
      int at = contentStart(der, 0);
      while (at < der.length) {
        int start = contentStart(der, at);
        int length = length(der, at);
        if ((der[at] & 0xff) == PARAMETERS) {
          return java.util.Arrays.copyOfRange(der, start, start + length);
        }
        at = start + length;
      }
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(origin + " is a damaged EC key", e);
    }
    throw new IllegalArgumentException(origin + " is an EC key that does not name its curve");
  }

  private static int contentStart(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    return at + 2 + (first < 0x80 ? 0 : first - 0x80);
  }

  private static int length(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    if (first < 0x80) {
      return first;
    }
    int length = 0;
    for (int i = 0; i < first - 0x80; i++) {
      length = length << 8 | der[at + 2 + i] & 0xff;
    }
    return length;
  }

  private static byte[] sequence(byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    return value(SEQUENCE, content.toByteArray());
  }

  private static byte[] value(int tag, byte[] content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    int length = content.length;
    if (length < 0x80) {
      out.write(length);
    } else if (length < 0x100) {
      out.write(0x81);
      out.write(length);
    } else {
      out.write(0x82);
      out.write(length >> 8);
      out.write(length);
    }
    out.writeBytes(content);
    return out.toByteArray();
  }
}
