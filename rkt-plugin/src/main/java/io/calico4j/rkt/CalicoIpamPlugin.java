package io.calico4j.rkt;

import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.cni.CniResult;
import io.calico4j.core.cni.NetworkConfiguration;
import io.calico4j.core.cni.ValidAttachments;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.util.List;
import java.util.Map;

/** The IPAM plugin {@code calico-ipam}, for main plugins other than calico. */
public final class CalicoIpamPlugin implements PluginHandler {
  /** Which network an address was assigned for: a handle alone may be of another one. */
  private static final String NETWORK = "network";

  private final Ipam ipam;

  /** Makes the plugin. */
  public CalicoIpamPlugin(Ipam ipam) {
    this.ipam = ipam;
  }

  @Override
  public PluginResponse handle(PluginRequest request) {
    try {
      String output =
          "VERSION".equals(request.environment().get("CNI_COMMAND"))
              ? CniResult.versions(VersionRequest.asked(request.standardInput()))
              : serve(CniRequest.parse(request));
      return new PluginResponse(0, output, "");
    } catch (CniError e) {
      return new PluginResponse(
          1, e.toJson(VersionRequest.given(request.standardInput())), e.getMessage() + "\n");
    }
  }

  private String serve(CniRequest request) throws CniError {
    NetworkConfiguration configuration = request.configuration();
    try {
      switch (request.command()) {
        case ADD -> {
          return CniResult.ofIpam(add(wanted(request)), configuration);
        }
        case CHECK -> {
          String handle = wanted(request).identity().handleId();
          if (ipam.addressesOf(handle).isEmpty()) {
            throw new CniError(CniError.INCONSISTENT, "handle " + handle + " holds no address", "");
          }
        }
        case DEL -> ipam.release(wanted(request).identity().handleId());
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

  private AttachRequest wanted(CniRequest request) throws CniError {
    return new PlainCniMapper().map(request, ipam.node()).orElseThrow();
  }

  private void status(NetworkConfiguration configuration) throws CniError {
    try {
      ipam.tryAssign(StatusProbe.of(configuration));
    } catch (DatastoreException | IpamException e) {
      throw new CniError(CniError.NOT_AVAILABLE, String.valueOf(e.getMessage()), "");
    }
  }

  /** Releases what this node holds for the network's containers that are not listed. */
  private void collect(NetworkConfiguration configuration) throws CniError, DatastoreException {
    ValidAttachments valid = ValidAttachments.parse(configuration.document());
    String prefix = configuration.name() + ".";
    for (String handle : ipam.handles(prefix)) {
      if (!valid.containsContainer(handle.substring(prefix.length()))) {
        var unused =
            ipam.release(
                handle,
                owner ->
                    ipam.node().equals(owner.secondary().get("node"))
                        && configuration.name().equals(owner.secondary().get(NETWORK)),
                Ipam.Companion.NONE);
      }
    }
  }

  private List<IpAddress> add(AttachRequest wanted) throws DatastoreException, IpamException {
    String handle = wanted.identity().handleId();
    List<IpAddress> held = ipam.addressesOf(handle);
    if (!held.isEmpty()) {
      return held;
    }
    return ipam.assign(
            new AssignRequest(
                AssignRequest.Use.Workload,
                handle,
                wanted.ipv4Count(),
                wanted.ipv6Count(),
                wanted.ipv4Pools(),
                wanted.ipv6Pools(),
                wanted.fixed(),
                Map.of("node", ipam.node(), NETWORK, wanted.identity().network())),
            Ipam.Companion.NONE)
        .addresses();
  }
}
