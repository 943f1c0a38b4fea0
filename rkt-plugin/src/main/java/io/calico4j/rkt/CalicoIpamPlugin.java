package io.calico4j.rkt;

import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.cni.CniResult;
import io.calico4j.core.cni.NetworkConfiguration;
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
    AttachRequest wanted = new PlainCniMapper().map(request, ipam.node()).orElseThrow();
    String handle = wanted.identity().handleId();
    try {
      switch (request.command()) {
        case ADD -> {
          return CniResult.ofIpam(add(wanted, handle), configuration);
        }
        case CHECK -> {
          if (ipam.addressesOf(handle).isEmpty()) {
            throw new CniError(CniError.INCONSISTENT, "handle " + handle + " holds no address", "");
          }
        }
        case DEL -> ipam.release(handle);
      }
      return "";
    } catch (UnavailableException e) {
      throw new CniError(CniError.TRY_AGAIN, String.valueOf(e.getMessage()), "");
    } catch (DatastoreException | IpamException e) {
      throw new CniError(CniError.IPAM, String.valueOf(e.getMessage()), "");
    }
  }

  private List<IpAddress> add(AttachRequest wanted, String handle)
      throws DatastoreException, IpamException {
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
                Map.of("node", ipam.node())),
            Ipam.Companion.NONE)
        .addresses();
  }
}
