package io.calico4j.libnetwork;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Docker's IPAM driver protocol ({@code moby/libnetwork/docs/ipam.md}) with upstream's answers: a
 * network's subnet is an IPPool, or all pools of the family where none is asked for.
 */
final class IpamDriver {
  private static final Logger log = LoggerFactory.getLogger(IpamDriver.class);

  private static final String ANY_V4 = "CalicoPoolIPv4";
  private static final String ANY_V6 = "CalicoPoolIPv6";
  private static final String GATEWAY = "com.docker.network.gateway";

  private final AddressBook addresses;
  private final Ipam ipam;

  IpamDriver(AddressBook addresses, Ipam ipam) {
    this.addresses = addresses;
    this.ipam = ipam;
  }

  /** Returns the calls by their paths. */
  Map<String, Call> calls() {
    return Map.of(
        "/IpamDriver.GetCapabilities",
        request -> {
          JsonObject answer = new JsonObject();
          answer.addProperty("RequiresMACAddress", false);
          answer.addProperty("RequiresRequestReplay", false);
          return answer;
        },
        "/IpamDriver.GetDefaultAddressSpaces",
        request -> {
          JsonObject answer = new JsonObject();
          answer.addProperty("LocalDefaultAddressSpace", "CalicoLocalAddressSpace");
          answer.addProperty("GlobalDefaultAddressSpace", "CalicoGlobalAddressSpace");
          return answer;
        },
        "/IpamDriver.RequestPool",
        this::requestPool,
        "/IpamDriver.ReleasePool",
        Call.NOTHING,
        "/IpamDriver.RequestAddress",
        this::requestAddress,
        "/IpamDriver.ReleaseAddress",
        this::releaseAddress);
  }

  private JsonObject requestPool(JsonObject request) throws RefusedException, DatastoreException {
    if (!Json.text(request, "SubPool").isEmpty()) {
      throw new RefusedException(
          "Calico IPAM does not support sub pools (--ip-range): leave it out, or make an IPPool of"
              + " the range and give it as --subnet");
    }
    if (Json.isSet(Json.object(request, "Options"))) {
      throw new RefusedException(
          "Calico IPAM does not support options (--ipam-opt "
              + Json.object(request, "Options").keySet()
              + "): leave them out");
    }
    boolean v6 = Json.isSet(request.get("V6"));
    String text = Json.text(request, "Pool");
    String id = v6 ? ANY_V6 : ANY_V4;
    String pool = v6 ? "::/0" : "0.0.0.0/0";
    if (!text.isEmpty()) {
      Optional<Cidr> subnet = Cidr.tryParse(text);
      if (subnet.isEmpty() || pools().stream().noneMatch(p -> p.equals(subnet.get()))) {
        throw new RefusedException(
            "The requested subnet must match the CIDR of a configured Calico IP Pool: "
                + text
                + " does not, there are "
                + pools().stream().map(Cidr::toString).collect(Collectors.joining(", "))
                + "; make it an IPPool with calicoctl apply, or give one of these as --subnet");
      }
      id = subnet.get().toString();
      pool = id;
    }
    JsonObject data = new JsonObject();
    // Keeps Docker from asking for an address for the gateway, which is Calico's own.
    data.addProperty(GATEWAY, v6 ? "::/0" : "0.0.0.0/0");
    JsonObject answer = new JsonObject();
    answer.addProperty("PoolID", id);
    answer.addProperty("Pool", pool);
    answer.add("Data", data);
    return answer;
  }

  private List<Cidr> pools() throws DatastoreException {
    List<Cidr> pools = new ArrayList<>();
    for (Entry entry : ipam.reads().list(ResourceKind.IP_POOL.prefix())) {
      ValidationFilter.silent()
          .accept(ResourceKind.IP_POOL, entry)
          .map((Resource<IpPoolSpec> pool) -> pool.spec().network())
          .ifPresent(pools::add);
    }
    return pools;
  }

  private JsonObject requestAddress(JsonObject request)
      throws RefusedException, DatastoreException {
    if (Json.text(Json.object(request, "Options"), "RequestAddressType").equals(GATEWAY)) {
      throw new RefusedException(
          "Calico IPAM does not support specifying a gateway (--gateway): leave it out, every"
              + " container's gateway is 169.254.1.1");
    }
    String pool = Json.text(request, "PoolID");
    String asked = Json.text(request, "Address");
    IpAddress address;
    if (!asked.isEmpty()) {
      address = addresses.take(parse(asked));
    } else if (pool.equals(ANY_V4) || pool.equals(ANY_V6)) {
      address = addresses.choose(List.of(), pool.equals(ANY_V4));
    } else {
      Cidr subnet =
          Cidr.tryParse(pool)
              .orElseThrow(
                  () ->
                      new RefusedException(
                          "PoolID \""
                              + pool
                              + "\" is none of Calico's: remove the network and create it again"));
      address = addresses.choose(List.of(subnet.toString()), subnet.address().isV4());
    }
    JsonObject answer = new JsonObject();
    answer.addProperty("Address", address.toCidr().toString());
    answer.add("Data", new JsonObject());
    return answer;
  }

  private JsonObject releaseAddress(JsonObject request)
      throws RefusedException, DatastoreException {
    IpAddress address = parse(Json.text(request, "Address"));
    // Docker releases the gateway that RequestPool named.
    if (!address.equals(Cidr.parse("0.0.0.0/0").address())
        && !address.equals(Cidr.parse("::/0").address())) {
      try {
        addresses.release(address);
      } catch (UnavailableException e) {
        log.warn("{} is released when the datastore answers: {}", address, e.getMessage());
      }
    }
    return new JsonObject();
  }

  private static IpAddress parse(String text) throws RefusedException {
    return IpAddress.tryParse(text)
        .or(() -> Cidr.tryParse(text).map(Cidr::address))
        .orElseThrow(() -> new RefusedException("Address \"" + text + "\" is no IP address"));
  }
}
