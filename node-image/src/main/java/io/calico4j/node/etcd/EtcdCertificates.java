package io.calico4j.node.etcd;

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificates of the etcd that calico-node runs: an authority of this host's own, a server's
 * certificate for the loopback addresses and a client's. EC keys on P-256, in files of the
 * directory that only root can read: {@code ca.pem}, {@code server.pem}, {@code client.pem} and the
 * keys with the ending {@code .key}.
 *
 * <p>A certificate is renewed when less than a third of its time is left, with the key that it has:
 * so that one file is replaced at once, and whoever reads key and certificate meanwhile gets two
 * that fit. A new authority makes everything new; etcd must then be started again, because it reads
 * its authority only when it starts. A file that is missing or damaged is made again.
 */
public final class EtcdCertificates {
  private static final Logger log = LoggerFactory.getLogger(EtcdCertificates.class);

  private static final Duration AUTHORITY_LIFE = Duration.ofDays(3650);
  private static final Duration LIFE = Duration.ofDays(365);

  /** Certificates are valid from so long ago: clocks are set right after a host has started. */
  private static final Duration BACKDATED = Duration.ofDays(1);

  private static final int KEY_BITS = 256;
  private static final X500Principal AUTHORITY_NAME =
      new X500Principal("CN=calico-node etcd authority");
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final FileAttribute<Set<PosixFilePermission>> FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private final Path directory;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  /** Describes the certificates in a directory; nothing is read or made before {@link #ensure}. */
  public EtcdCertificates(Path directory, Clock clock) {
    this.directory = directory;
    this.clock = clock;
  }

  private record Signed(X509Certificate certificate, KeyPair keys) {}

  /**
   * Makes what is missing, damaged or soon over, and leaves the rest as it is.
   *
   * @throws IOException when a file cannot be written or a certificate cannot be made
   */
  public synchronized void ensure() throws IOException {
    Files.createDirectories(directory);
    Files.setPosixFilePermissions(directory, DIRECTORY);
    try (DirectoryStream<Path> unfinished = Files.newDirectoryStream(directory, "*.new")) {
      for (Path each : unfinished) {
        Files.delete(each);
      }
    }
    try {
      Signed authority = authority();
      certificate("server", authority);
      certificate("client", authority);
    } catch (GeneralSecurityException | OperatorCreationException e) {
      throw new IOException("certificates of etcd in " + directory + " cannot be made: " + e, e);
    }
  }

  /** Returns the variables with which clients find the certificates. */
  public Map<String, String> clientVariables() {
    return new TreeMap<>(
        Map.of(
            "ETCD_CA_CERT_FILE", file("ca.pem").toString(),
            "ETCD_CERT_FILE", file("client.pem").toString(),
            "ETCD_KEY_FILE", file("client.key").toString()));
  }

  /** Returns the path of one of the files. */
  public Path file(String name) {
    return directory.resolve(name);
  }

  /** Returns the SHA-256 of the authority's certificate file, in hexadecimal. */
  public String authorityDigest() throws IOException {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file("ca.pem")));
      return HexFormat.of().formatHex(digest);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JVM has no SHA-256", e);
    }
  }

  private Signed authority()
      throws IOException, GeneralSecurityException, OperatorCreationException {
    Optional<X509Certificate> known = read("ca.pem");
    Optional<KeyPair> keys = keys("ca.key");
    if (known.isPresent() && keys.isPresent() && isGood(known.get(), keys.get(), keys.get())) {
      return new Signed(known.get(), keys.get());
    }
    // Written in this order: whatever is cut off here is made again as a whole.
    for (String name : new String[] {"ca.pem", "server.pem", "client.pem"}) {
      Files.deleteIfExists(file(name));
    }
    KeyPair fresh = newKeys("ca.key");
    X509v3CertificateBuilder builder =
        builder(AUTHORITY_NAME, AUTHORITY_NAME, fresh, AUTHORITY_LIFE);
    add(builder, Extension.basicConstraints, new BasicConstraints(0));
    add(builder, Extension.keyUsage, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
    X509Certificate made = sign(builder, fresh);
    write("ca.pem", made);
    log.info("made an authority for etcd's certificates, valid until {}", made.getNotAfter());
    return new Signed(made, fresh);
  }

  private void certificate(String name, Signed authority)
      throws IOException, GeneralSecurityException, OperatorCreationException {
    Optional<X509Certificate> known = read(name + ".pem");
    Optional<KeyPair> keys = keys(name + ".key");
    if (known.isPresent()
        && keys.isPresent()
        && isGood(known.get(), keys.get(), authority.keys())) {
      return;
    }
    KeyPair own = keys.isPresent() ? keys.get() : newKeys(name + ".key");
    X500Principal subject = new X500Principal("CN=calico-node etcd " + name);
    X509v3CertificateBuilder builder = builder(AUTHORITY_NAME, subject, own, LIFE);
    add(builder, Extension.basicConstraints, new BasicConstraints(false));
    add(builder, Extension.keyUsage, new KeyUsage(KeyUsage.digitalSignature));
    if (name.equals("server")) {
      // etcd shows its server's certificate as a client too: its gateway calls itself, and members
      // call each other.
      add(
          builder,
          Extension.extendedKeyUsage,
          new ExtendedKeyUsage(
              new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}));
      add(
          builder,
          Extension.subjectAlternativeName,
          new GeneralNames(
              new GeneralName[] {
                new GeneralName(GeneralName.iPAddress, "127.0.0.1"),
                new GeneralName(GeneralName.iPAddress, "::1"),
                new GeneralName(GeneralName.dNSName, "localhost")
              }));
    } else {
      add(builder, Extension.extendedKeyUsage, new ExtendedKeyUsage(KeyPurposeId.id_kp_clientAuth));
    }
    X509Certificate made = sign(builder, authority.keys());
    write(name + ".pem", made);
    log.info("made etcd's {} certificate, valid until {}", name, made.getNotAfter());
  }

  private static void add(
      X509v3CertificateBuilder builder,
      org.bouncycastle.asn1.ASN1ObjectIdentifier extension,
      org.bouncycastle.asn1.ASN1Encodable value)
      throws IOException {
    builder.addExtension(extension, true, value);
  }

  private X509v3CertificateBuilder builder(
      X500Principal issuer, X500Principal subject, KeyPair keys, Duration life) {
    Instant now = clock.instant();
    return new JcaX509v3CertificateBuilder(
        issuer,
        new BigInteger(127, random).add(BigInteger.ONE),
        Date.from(now.minus(BACKDATED)),
        Date.from(now.plus(life)),
        subject,
        keys.getPublic());
  }

  private static X509Certificate sign(X509v3CertificateBuilder builder, KeyPair authority)
      throws GeneralSecurityException, OperatorCreationException {
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(
                new JcaContentSignerBuilder("SHA256withECDSA").build(authority.getPrivate())));
  }

  /** Tells whether it fits its key and its authority, and two thirds of its time are not over. */
  private boolean isGood(X509Certificate certificate, KeyPair keys, KeyPair authority) {
    try {
      certificate.verify(authority.getPublic());
    } catch (GeneralSecurityException e) {
      return false;
    }
    Instant begin = certificate.getNotBefore().toInstant();
    Instant end = certificate.getNotAfter().toInstant();
    Instant now = clock.instant();
    return certificate.getPublicKey().equals(keys.getPublic())
        && !now.isBefore(begin)
        && now.isBefore(end.minus(Duration.between(begin, end).dividedBy(3)));
  }

  private Optional<X509Certificate> read(String name) {
    try (var in = Files.newInputStream(file(name))) {
      return Optional.of(
          (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in));
    } catch (IOException | GeneralSecurityException e) {
      return missing(name, e);
    }
  }

  /** Reads a key, and takes the right to read it from everyone but root. */
  private Optional<KeyPair> keys(String name) {
    try (PEMParser parser = new PEMParser(Files.newBufferedReader(file(name)))) {
      Files.setPosixFilePermissions(file(name), FILE.value());
      return parser.readObject() instanceof PEMKeyPair pair
          ? Optional.of(new JcaPEMKeyConverter().getKeyPair(pair))
          : missing(name, new IOException("it holds no EC key"));
    } catch (IOException | RuntimeException e) {
      return missing(name, e);
    }
  }

  private <T> Optional<T> missing(String name, Exception why) {
    if (Files.exists(file(name))) {
      log.warn("{} cannot be used and is made again: {}", file(name), why.toString());
    }
    return Optional.empty();
  }

  private KeyPair newKeys(String name) throws IOException, GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair made = generator.generateKeyPair();
    write(name, new PemObject("EC PRIVATE KEY", sec1(made).getEncoded()));
    return made;
  }

  /** Puts both keys and the curve's name into one structure (RFC 5915), which etcd reads too. */
  private static ECPrivateKey sec1(KeyPair keys) {
    return new ECPrivateKey(
        KEY_BITS,
        ((java.security.interfaces.ECPrivateKey) keys.getPrivate()).getS(),
        SubjectPublicKeyInfo.getInstance(keys.getPublic().getEncoded()).getPublicKeyData(),
        SECObjectIdentifiers.secp256r1);
  }

  /** Replaces a file as a whole, on the disk before it has its name. */
  private void write(String name, Object object) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    }
    Path fresh = Files.createTempFile(directory, name, ".new", FILE);
    Files.write(fresh, text.toString().getBytes(StandardCharsets.US_ASCII));
    try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(
        fresh, file(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
