package io.calico4j.core.cni;

import com.google.common.util.concurrent.Striped;
import com.google.gson.JsonObject;
import io.calico4j.core.cni.CniRequest.Command;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.Attachment;
import io.calico4j.core.endpoint.DetachStep;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.plugin.PluginRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.Lock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Endpoints whose addresses another vendor's IPAM plugin keeps. Its section of the configuration is
 * kept in an annotation of the endpoint, so that a DEL that comes without it still gives the
 * address back. Operations on one endpoint take turns.
 */
final class DelegatedIpam {
  private static final Logger log = LoggerFactory.getLogger(DelegatedIpam.class);
  private static final String OWN = "calico-ipam";
  private static final String SECTION = "io.calico4j/ipam";

  /** The step of a recorded detachment; written into records, so that it must stay as it is. */
  private static final String GIVE_BACK = "cni-ipam";

  private static final int LOCKS = 64;

  private final EndpointService endpoints;
  private final ResourceClient resources;
  private final Striped<Lock> locks = Striped.lock(LOCKS);

  DelegatedIpam(EndpointService endpoints, ResourceClient resources) {
    this.endpoints = endpoints;
    this.resources = resources;
    endpoints.addStep(GIVE_BACK, DelegatedIpam::giveBackRecorded);
  }

  /** Something that is done for one endpoint. */
  private interface Turn<T> {
    T take() throws CniError, AttachException;
  }

  private <T> T inTurn(EndpointIdentity identity, Turn<T> turn) throws CniError, AttachException {
    Lock lock = locks.get(identity);
    lock.lock();
    try {
      return turn.take();
    } finally {
      lock.unlock();
    }
  }

  /** Tells whether a configuration names an IPAM plugin other than ours. */
  static boolean isNamed(NetworkConfiguration configuration) throws CniError {
    return !configuration.ipamType().equals(OWN);
  }

  /**
   * An attachment, and what the IPAM plugin said of it.
   *
   * @param routes destinations to be told in the result
   */
  record Attached(Attachment attachment, List<Cidr> routes, JsonObject dns) {}

  /**
   * Attaches with addresses of the plugin; whatever fails, they are given back. An endpoint that is
   * complete already is answered again; what is left of one that is not is removed first.
   */
  Attached attach(CniRequest request, AttachRequest wanted, NetworkNamespace sandbox)
      throws CniError, AttachException {
    return inTurn(wanted.identity(), () -> attachInTurn(request, wanted, sandbox));
  }

  private Attached attachInTurn(CniRequest request, AttachRequest wanted, NetworkNamespace sandbox)
      throws CniError, AttachException {
    IpamDelegate delegate = IpamDelegate.of(request.configuration().ipamType());
    try {
      return new Attached(
          endpoints.check(wanted.identity(), sandbox),
          request.configuration().routes(),
          new JsonObject());
    } catch (AttachException e) {
      if (e.reason() != Reason.INCONSISTENT) {
        throw e;
      }
    }
    if (stored(wanted.identity()).isPresent()) {
      endpoints.detach(wanted.identity());
    }
    JsonObject configuration = request.configuration().document();
    IpamResult assigned = assign(delegate, request, configuration);
    try {
      return new Attached(
          endpoints.attach(
              wanted.withHeld(
                  assigned.addresses(),
                  assigned.destinations(),
                  Map.of(SECTION, request.configuration().ipam().toString())),
              sandbox),
          assigned.routes(),
          assigned.dns());
    } catch (IllegalArgumentException e) {
      giveBack(delegate, request, configuration);
      throw new CniError(CniError.INVALID_CONFIGURATION, String.valueOf(e.getMessage()), "");
    } catch (AttachException | RuntimeException e) {
      giveBack(delegate, request, configuration);
      throw e;
    }
  }

  /** Asks twice: the first answer may be that an earlier attempt, cut short, holds an address. */
  private static IpamResult assign(
      IpamDelegate delegate, CniRequest request, JsonObject configuration) throws CniError {
    try {
      return delegate.add(request, configuration);
    } catch (CniError first) {
      giveBack(delegate, request, configuration);
      if (first.code() == CniError.TRY_AGAIN || first.code() == CniError.INVALID_CONFIGURATION) {
        throw first;
      }
      try {
        return delegate.add(request, configuration);
      } catch (CniError second) {
        giveBack(delegate, request, configuration);
        throw second;
      }
    }
  }

  private static void giveBack(
      IpamDelegate delegate, CniRequest request, JsonObject configuration) {
    try {
      delegate.run(Command.DEL, request, configuration);
    } catch (CniError e) {
      log.warn(
          "the IPAM plugin did not take back what it gave to {}: {} {}",
          request.containerId(),
          e.getMessage(),
          e.details());
    }
  }

  /**
   * Detaches an endpoint, and gives its addresses back to the plugin that keeps them, whether the
   * configuration names it or the endpoint remembers it. Both are tried whatever happens to one; a
   * plugin that could not have given an address need not be there. While nobody can say whether the
   * endpoint remembers a plugin, the request is recorded with the detachment.
   */
  void detach(CniRequest request, EndpointIdentity identity) throws CniError, AttachException {
    Optional<JsonObject> configuration;
    try {
      configuration = configuration(request, identity);
    } catch (UnavailableException e) {
      var unused =
          inTurn(
              identity,
              () -> {
                endpoints.detach(identity, new DetachStep.Asked(GIVE_BACK, recorded(request)));
                return identity;
              });
      return;
    }
    if (configuration.isEmpty()) {
      endpoints.detach(identity);
      return;
    }
    Optional<AttachException> failure =
        inTurn(identity, () -> detachInTurn(request, identity, configuration.get()));
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  private Optional<AttachException> detachInTurn(
      CniRequest request, EndpointIdentity identity, JsonObject configuration) throws CniError {
    String type = NetworkConfiguration.string(configuration.getAsJsonObject("ipam"), "type");
    boolean mustBeThere =
        IpamDelegate.isInstalled(type, request.path()) || stored(identity).isPresent();
    Optional<AttachException> failure = Optional.empty();
    try {
      endpoints.detach(identity);
    } catch (AttachException e) {
      failure = Optional.of(e);
    }
    if (mustBeThere) {
      IpamDelegate.of(type).run(Command.DEL, request, configuration);
    }
    return failure;
  }

  private static JsonObject recorded(CniRequest request) {
    JsonObject environment = new JsonObject();
    request.environment().forEach(environment::addProperty);
    JsonObject recorded = new JsonObject();
    recorded.add("environment", environment);
    recorded.add("configuration", request.configuration().document());
    return recorded;
  }

  /** Gives the addresses of an endpoint back to the plugin that the endpoint remembers, if any. */
  private static void giveBackRecorded(Resource<WorkloadEndpointSpec> endpoint, JsonObject recorded)
      throws AttachException {
    String section = endpoint.metadata().annotations().getOrDefault(SECTION, "");
    if (section.isEmpty()) {
      return;
    }
    Map<String, String> environment = new TreeMap<>();
    recorded
        .getAsJsonObject("environment")
        .entrySet()
        .forEach(variable -> environment.put(variable.getKey(), variable.getValue().getAsString()));
    JsonObject document = recorded.getAsJsonObject("configuration");
    try {
      CniRequest request =
          CniRequest.parse(new PluginRequest("calico", environment, document.toString(), -1));
      JsonObject configuration = completed(document, section);
      IpamDelegate.of(NetworkConfiguration.string(configuration.getAsJsonObject("ipam"), "type"))
          .run(Command.DEL, request, configuration);
    } catch (CniError e) {
      throw new AttachException(Reason.TRY_AGAIN, e.getMessage() + "; " + e.details(), e);
    }
  }

  /** Returns a configuration with the section that an endpoint remembers. */
  private static JsonObject completed(JsonObject document, String section) throws CniError {
    JsonObject completed = document.deepCopy();
    completed.add("ipam", NetworkConfiguration.decode(section));
    return completed;
  }

  /** Returns the configuration for the plugin; empty when the addresses are calico-ipam's. */
  private Optional<JsonObject> configuration(CniRequest request, EndpointIdentity identity)
      throws CniError, UnavailableException {
    JsonObject document = request.configuration().document();
    if (isNamed(request.configuration())) {
      return Optional.of(document);
    }
    if (!NetworkConfiguration.string(request.configuration().ipam(), "type").isEmpty()) {
      return Optional.empty();
    }
    Optional<String> section = annotations(identity).map(a -> a.getOrDefault(SECTION, ""));
    if (section.isEmpty() || section.get().isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(completed(document, section.get()));
  }

  /** Returns the annotations of the endpoint in the datastore. */
  private Optional<Map<String, String>> stored(EndpointIdentity identity) throws CniError {
    try {
      return annotations(identity);
    } catch (UnavailableException e) {
      throw new CniError(CniError.TRY_AGAIN, String.valueOf(e.getMessage()), "");
    }
  }

  private Optional<Map<String, String>> annotations(EndpointIdentity identity)
      throws CniError, UnavailableException {
    try {
      return resources
          .get(ResourceKind.WORKLOAD_ENDPOINT, identity.namespace(), identity.key().name())
          .map(endpoint -> endpoint.metadata().annotations());
    } catch (UnavailableException e) {
      throw e;
    } catch (DatastoreException e) {
      throw new CniError(CniError.TRY_AGAIN, String.valueOf(e.getMessage()), "");
    }
  }

  /** Passes CHECK, GC or STATUS on to the plugin that a configuration names. */
  void pass(CniRequest request) throws CniError {
    if (isNamed(request.configuration())) {
      IpamDelegate.of(request.configuration().ipamType())
          .run(request.command(), request, request.configuration().document());
    }
  }
}
