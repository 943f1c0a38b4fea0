package io.calico4j.core.datastore.etcd;

import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Says to an operator why a member of etcd could not be reached, and what to do. */
final class ConnectFailure {
  private ConnectFailure() {}

  /** Returns what follows the endpoint in a sentence. */
  static String reason(Throwable failure, @Nullable Tls tls) {
    List<Throwable> causes = new ArrayList<>();
    for (Throwable t = failure; t != null && causes.size() < 20; t = t.getCause()) {
      causes.add(t);
    }
    Throwable last = causes.get(causes.size() - 1);
    String root = last.getMessage() == null ? last.getClass().getSimpleName() : last.getMessage();
    if (has(causes, UnknownHostException.class)
        || has(causes, UnresolvedAddressException.class)
        || String.valueOf(failure.getMessage()).contains("cannot be resolved")) {
      return "has a host name that cannot be resolved: check the name";
    }
    if (has(causes, CertPathBuilderException.class)
        || has(causes, CertPathValidatorException.class)) {
      return "has a certificate that "
          + (tls == null || tls.authority() == null ? "the system's CAs" : tls.authority())
          + " did not sign ("
          + root
          + "): check ETCD_CA_CERT_FILE (etcdCACertFile)";
    }
    String said = causes.toString().toLowerCase(Locale.ROOT);
    if (said.contains("fatal alert: bad_certificate")
        || said.contains("fatal alert: certificate_required")
        || said.contains("fatal alert: unknown_ca")
        || said.contains("fatal alert: decrypt_error")
        || said.contains("fatal alert: handshake_failure")) {
      return tls == null || tls.certificate() == null
          ? "demands a client certificate: set ETCD_CERT_FILE and ETCD_KEY_FILE (etcdCertFile,"
              + " etcdKeyFile)"
          : "refuses the client certificate of " + tls.certificate() + " (" + root + ")";
    }
    if (said.contains("not an ssl/tls record")) {
      return "does not speak TLS: write http://";
    }
    if (has(causes, ConnectException.class)) {
      return said.contains("refused")
          ? "refuses the connection: check that etcd runs there"
          : "does not accept a connection (" + root + ")";
    }
    if (has(causes, SSLException.class)) {
      return "fails the TLS handshake (" + root + ")";
    }
    return tls == null
        ? "breaks the connection (" + root + "): if it speaks TLS, write https://"
        : "breaks the connection (" + root + "): if it does not speak TLS, write http://";
  }

  private static boolean has(List<Throwable> causes, Class<? extends Throwable> type) {
    return causes.stream().anyMatch(type::isInstance);
  }
}
