package io.calico4j.core.cni;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.Attachment;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The CNI plugin {@code calico}, for every orchestrator. */
public final class CalicoPlugin implements PluginHandler {
  private static final Logger log = LoggerFactory.getLogger(CalicoPlugin.class);

  private final EndpointService endpoints;
  private final DelegatedIpam delegated;
  private final Kernel kernel;
  private final List<RequestMapper> mappers;
  private final boolean agent;

  /**
   * Makes the plugin.
   *
   * @param resources where endpoints are looked up
   * @param mappers asked in order; the first that recognises a request serves it
   * @param agent whether this is calico-node, which keeps rules and routes up to date
   */
  public CalicoPlugin(
      EndpointService endpoints,
      ResourceClient resources,
      Kernel kernel,
      List<RequestMapper> mappers,
      boolean agent) {
    this.endpoints = endpoints;
    this.kernel = kernel;
    this.mappers = List.copyOf(mappers);
    this.agent = agent;
    delegated = new DelegatedIpam(endpoints, resources);
  }

  @Override
  public PluginResponse handle(PluginRequest request) {
    long start = System.nanoTime();
    String command = request.environment().getOrDefault("CNI_COMMAND", "");
    try (Sandbox sandbox = new Sandbox(kernel, request)) {
      Served served =
          command.equals("VERSION")
              ? new Served(CniResult.versions(VersionRequest.asked(request.standardInput())), "")
              : serve(CniRequest.parse(request), sandbox);
      long micros = (System.nanoTime() - start) / 1000;
      return new PluginResponse(
          new Outcome.Served(),
          served.output(),
          "",
          () ->
              log.info(
                  "{} container={} interface={} took_us={} {}",
                  command,
                  request.environment().get("CNI_CONTAINERID"),
                  request.environment().get("CNI_IFNAME"),
                  micros,
                  served.detail()));
    } catch (CniError e) {
      log.warn(
          "{} container={} failed: code={} {}",
          command,
          request.environment().get("CNI_CONTAINERID"),
          e.code(),
          e.getMessage());
      return new PluginResponse(
          new Outcome.CniFailure(e.code()),
          e.toJson(NetworkConfiguration.answerVersion(request.standardInput()).orElse(null)),
          e.getMessage() + "\n");
    }
  }

  /** What goes to the caller, and what the log says of it. */
  private record Served(String output, Object detail) {}

  private Served serve(CniRequest request, Sandbox sandbox) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    try {
      switch (request.command()) {
        case ADD -> {
          return attach(request, sandbox);
        }
        case CHECK -> check(request, sandbox);
        case DEL -> delegated.detach(request, identity(request));
        case GC -> {
          Optional<ValidAttachments> listed = ValidAttachments.parse(configuration.document());
          if (listed.isEmpty()) {
            log.warn(
                "GC of network {} lists no valid attachments: nothing is collected by it; what is"
                    + " certainly gone is collected without it",
                configuration.name());
          } else {
            ValidAttachments valid = listed.get();
            endpoints.detachOthers(
                configuration.name(),
                identity -> valid.contains(identity.workload(), identity.interfaceName().text()));
            delegated.pass(request);
          }
        }
        case STATUS -> status(request);
      }
      return new Served("", "");
    } catch (AttachException e) {
      throw error(e);
    }
  }

  private Served attach(CniRequest request, Sandbox sandbox) throws CniError, AttachException {
    NetworkConfiguration configuration = request.configuration();
    requireUsable(configuration);
    ConfigurationFields.refuseSlips(configuration.document());
    PreviousResult.requireFree(request);
    Mapped mapped = map(request);
    AttachRequest wanted = mapped.wanted();
    NetworkNamespace namespace = sandbox.open(request.netns());
    JsonObject dns = configuration.dns();
    if (DelegatedIpam.isNamed(configuration) && wanted.held().isEmpty()) {
      DelegatedIpam.Attached attached = delegated.attach(request, wanted, namespace);
      return new Served(
          CniResult.of(
              attached.attachment(),
              request,
              new CniResult.Extras(
                  attached.routes(), dns.size() > 0 ? dns : attached.dns(), mapped.withFamilies())),
          attached.attachment().timings());
    }
    Attachment attachment = endpoints.attach(wanted, namespace);
    return new Served(
        CniResult.of(
            attachment, request, new CniResult.Extras(wanted.routes(), dns, mapped.withFamilies())),
        attachment.timings());
  }

  private void check(CniRequest request, Sandbox sandbox) throws CniError, AttachException {
    requireUsable(request.configuration());
    PreviousResult previous = PreviousResult.of(request);
    NetworkNamespace namespace = sandbox.open(request.netns());
    if (map(request).wanted().held().isEmpty()) {
      delegated.pass(request);
    }
    previous.compare(endpoints.check(identity(request), namespace), kernel, namespace);
  }

  /** Demands a configuration that this plugin can serve on this node. */
  private void requireUsable(NetworkConfiguration configuration) throws CniError {
    ConfigurationFields.check(configuration.document());
    String node = NetworkConfiguration.string(configuration.document(), "nodename");
    if (!node.isEmpty() && !endpoints.node().is(node)) {
      throw new CniError(
          CniError.INVALID_CONFIGURATION,
          "nodename \""
              + node
              + "\" is not this node: leave it out or write \""
              + endpoints.node()
              + "\", as calico-node is called",
          "");
    }
  }

  private void status(CniRequest request) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    requireUsable(configuration);
    ConfigurationFields.refuseSlips(configuration.document());
    try {
      endpoints.requireAvailable(StatusProbe.of(configuration));
    } catch (AttachException e) {
      throw new CniError(
          agent ? CniError.NOT_AVAILABLE : CniError.LIMITED_CONNECTIVITY,
          "no container can be attached to network "
              + configuration.name()
              + " now: "
              + e.getMessage(),
          agent ? "" : "no calico-node runs, so that policy and routes are not kept up to date");
    }
    delegated.pass(request);
  }

  private EndpointIdentity identity(CniRequest request) throws CniError {
    for (RequestMapper mapper : mappers) {
      Optional<EndpointIdentity> identity = mapper.identify(request, endpoints.node());
      if (identity.isPresent()) {
        return identity.get();
      }
    }
    throw unrecognised();
  }

  /**
   * What a request asks for.
   *
   * @param withFamilies whether who asks reads {@code ip4} and {@code ip6} only
   */
  private record Mapped(AttachRequest wanted, boolean withFamilies) {}

  private Mapped map(CniRequest request) throws CniError {
    for (RequestMapper mapper : mappers) {
      Optional<AttachRequest> wanted = mapper.map(request, endpoints.node());
      if (wanted.isPresent()) {
        return new Mapped(wanted.get(), mapper.readsFamilyMembers());
      }
    }
    throw unrecognised();
  }

  private static CniError unrecognised() {
    return new CniError(
        CniError.INVALID_CONFIGURATION,
        "the request is of no orchestrator that this plugin serves: call it as a CNI runtime does",
        "");
  }

  private static CniError error(AttachException e) {
    int code =
        switch (e.reason()) {
          case REFUSED -> CniError.IPAM;
          case SANDBOX -> CniError.SANDBOX;
          case TRY_AGAIN -> CniError.TRY_AGAIN;
          case KERNEL -> CniError.KERNEL;
          case INCONSISTENT -> CniError.INCONSISTENT;
        };
    String message = String.valueOf(e.getMessage());
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String cause = String.valueOf(root.getMessage());
    return new CniError(code, message, message.contains(cause) ? "" : cause);
  }

  /** The descriptor that came with a request, closed with it whatever happens. */
  private static final class Sandbox implements AutoCloseable {
    private final PluginRequest request;
    private @Nullable NetworkNamespace namespace;
    private final @Nullable KernelException failure;

    Sandbox(Kernel kernel, PluginRequest request) {
      this.request = request;
      KernelException problem = null;
      if (request.namespaceDescriptor() >= 0) {
        try {
          namespace =
              kernel.adoptNamespace(
                  request.namespaceDescriptor(),
                  request.environment().getOrDefault("CNI_NETNS", "the sandbox"));
        } catch (KernelException e) {
          problem = e;
        }
      }
      failure = problem;
    }

    NetworkNamespace open(String path) throws CniError {
      NetworkNamespace opened = namespace;
      if (opened == null) {
        throw new CniError(
            CniError.SANDBOX,
            "CNI_NETNS \""
                + path
                + "\" is no network namespace that can be opened: give the path of the container's",
            failure == null
                ? "no descriptor came with the request of " + request.program()
                : String.valueOf(failure.getMessage()));
      }
      return opened;
    }

    @Override
    public void close() {
      if (namespace != null) {
        namespace.close();
      }
    }
  }
}
