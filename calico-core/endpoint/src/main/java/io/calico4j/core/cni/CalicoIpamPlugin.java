package io.calico4j.core.cni;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The IPAM plugin {@code calico-ipam}, for main plugins other than calico. */
public final class CalicoIpamPlugin implements PluginHandler {
  /** Which network an address was assigned for: a handle alone may be of another one. */
  private static final String NETWORK = "network";

  private static final String INTERFACE = "interface";

  /** Addresses alone leave no trace of their runtime. */
  private static final PlainCniMapper MAPPER = new PlainCniMapper(request -> "");

  private final EndpointService endpoints;
  private final Ipam ipam;

  /**
   * Makes the plugin.
   *
   * @param endpoints has the budget of an ADD, and records a DEL while the datastore is away
   */
  public CalicoIpamPlugin(EndpointService endpoints, Ipam ipam) {
    this.endpoints = endpoints;
    this.ipam = ipam;
  }

  @Override
  public PluginResponse handle(PluginRequest request) {
    try {
      String output =
          "VERSION".equals(request.environment().get("CNI_COMMAND"))
              ? CniResult.versions(VersionRequest.asked(request.standardInput()))
              : serve(CniRequest.parse(request));
      return PluginResponse.served(output);
    } catch (CniError e) {
      return new PluginResponse(
          new Outcome.CniFailure(e.code()),
          e.toJson(NetworkConfiguration.answerVersion(request.standardInput()).orElse(null)),
          e.getMessage() + "\n");
    }
  }

  private String serve(CniRequest request) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    try {
      switch (request.command()) {
        case ADD -> {
          AttachRequest wanted = MAPPER.mapAddresses(request, ipam.node());
          return CniResult.ofIpam(add(wanted), wanted.routes(), configuration);
        }
        case CHECK -> {
          EndpointIdentity identity = PlainCniMapper.identity(request, ipam.node());
          if (held(identity).isEmpty()) {
            throw new CniError(
                CniError.INCONSISTENT,
                "handle "
                    + identity.handleId()
                    + " holds no address for "
                    + identity.interfaceName(),
                "");
          }
        }
        case DEL -> endpoints.releaseAddresses(PlainCniMapper.identity(request, ipam.node()));
        case GC -> collect(configuration);
        case STATUS -> status(configuration);
      }
      return "";
    } catch (UnavailableException e) {
      throw new CniError(CniError.TRY_AGAIN, String.valueOf(e.getMessage()), "");
    } catch (DatastoreException | IpamException e) {
      throw new CniError(CniError.IPAM, String.valueOf(e.getMessage()), "");
    }
  }

  /** An address without a recorded interface is of the whole container. */
  private static boolean isOf(Block.Owner owner, EndpointIdentity identity) {
    String recorded = owner.secondary().get(INTERFACE);
    return recorded == null || recorded.equals(identity.interfaceName().text());
  }

  private List<IpAddress> held(EndpointIdentity identity) throws DatastoreException {
    List<IpAddress> held = new ArrayList<>();
    for (IpAddress address : ipam.addressesOf(identity.handleId())) {
      if (ipam.ownerOf(address).filter(owner -> isOf(owner, identity)).isPresent()) {
        held.add(address);
      }
    }
    held.sort(null);
    return held;
  }

  private void status(NetworkConfiguration configuration) throws CniError {
    try {
      ipam.tryAssign(StatusProbe.of(configuration));
    } catch (DatastoreException | IpamException e) {
      throw new CniError(CniError.NOT_AVAILABLE, String.valueOf(e.getMessage()), "");
    }
  }

  /** Releases what this node holds for the network's containers that are not in a list. */
  private void collect(NetworkConfiguration configuration) throws CniError, DatastoreException {
    Optional<ValidAttachments> listed = ValidAttachments.parse(configuration.document());
    if (listed.isEmpty()) {
      return;
    }
    ValidAttachments valid = listed.get();
    String prefix = configuration.name() + ".";
    for (HandleId handle : ipam.handles(prefix)) {
      String container = handle.text().substring(prefix.length());
      var unused =
          ipam.release(
              handle,
              owner ->
                  ipam.node().is(owner.secondary().get("node"))
                      && configuration.name().equals(owner.secondary().get(NETWORK))
                      && !isValid(valid, container, owner.secondary().get(INTERFACE)),
              Ipam.FurtherWrites.NONE);
    }
  }

  private static boolean isValid(
      ValidAttachments valid, String container, @Nullable String recorded) {
    return recorded == null
        ? valid.containsContainer(container)
        : valid.contains(container, recorded);
  }

  /** Repeats while the datastore does not answer: what an attempt has assigned is found again. */
  private List<IpAddress> add(AttachRequest wanted) throws DatastoreException, IpamException {
    try {
      return endpoints
          .patience()
          .run("addresses for " + wanted.identity(), Exception.class, () -> addOnce(wanted));
    } catch (DatastoreException | IpamException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private List<IpAddress> addOnce(AttachRequest wanted) throws DatastoreException, IpamException {
    endpoints.finishRelease(wanted.identity());
    List<IpAddress> held = held(wanted.identity());
    if (!held.isEmpty()) {
      endpoints.awaitForgotten(held);
      return held;
    }
    List<IpAddress> assigned =
        ipam.assign(
                new AssignRequest(
                    AssignRequest.Use.Workload,
                    wanted.identity().handleId(),
                    wanted.ipv4Count(),
                    wanted.ipv6Count(),
                    wanted.ipv4Pools(),
                    wanted.ipv6Pools(),
                    wanted.fixed(),
                    Map.of(
                        "node",
                        ipam.node().text(),
                        NETWORK,
                        wanted.identity().network(),
                        INTERFACE,
                        wanted.identity().interfaceName().text(),
                        "timestamp",
                        Instant.now().toString())),
                Ipam.FurtherWrites.NONE)
            .addresses();
    endpoints.awaitForgotten(assigned);
    return assigned;
  }
}
