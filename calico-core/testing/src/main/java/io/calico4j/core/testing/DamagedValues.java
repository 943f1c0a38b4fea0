package io.calico4j.core.testing;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Damaged values of every kind: a good document with each of its fields replaced by something else,
 * and texts that are no document at all.
 */
public final class DamagedValues {
  /** A good resource of each kind, with single quotes; NAME stands for its name. */
  private static final Map<ResourceKind<?>, String> GOOD = new LinkedHashMap<>();

  private static final String RULE =
      "{'action':'Allow','protocol':'TCP','source':{'selector':\"a == 'b'\",'nets':['10.1.0.0/16'],"
          + "'notNets':['10.1.2.0/24']},'destination':{'ports':[80,'8000:8100','web']}}";

  static {
    GOOD.put(
        ResourceKind.WORKLOAD_ENDPOINT,
        "{'orchestrator':'cni','node':'elsewhere','containerID':'c','endpoint':'eth0',"
            + "'ipNetworks':['10.77.0.1/32'],'profiles':['net'],'interfaceName':'cali77',"
            + "'mac':'02:00:00:00:00:01','ports':[{'name':'web','protocol':'TCP','port':80}],"
            + "'ipNATs':[{'internalIP':'10.77.0.1','externalIP':'10.78.0.1'}]}");
    GOOD.put(
        ResourceKind.PROFILE,
        "{'labelsToApply':{'x':'y'},'ingress':[" + RULE + "],'egress':[{'action':'Allow'}]}");
    GOOD.put(ResourceKind.TIER, "{'order':7,'defaultAction':'Deny'}");
    GOOD.put(ResourceKind.NETWORK_SET, "{'nets':['10.5.0.0/16']}");
    GOOD.put(ResourceKind.GLOBAL_NETWORK_SET, "{'nets':['10.6.0.0/16']}");
    GOOD.put(
        ResourceKind.IP_POOL,
        "{'cidr':'10.200.0.0/16','blockSize':26,'nodeSelector':'all()','ipipMode':'Never',"
            + "'vxlanMode':'Never','natOutgoing':true,'allowedUses':['Workload']}");
    GOOD.put(ResourceKind.IP_RESERVATION, "{'reservedCIDRs':['10.201.0.0/24']}");
    GOOD.put(
        ResourceKind.NODE,
        "{'bgp':{'asNumber':64512,'ipv4Address':'192.0.2.77/24','routeReflectorClusterID':'1.2.3.4'},"
            + "'addresses':[{'address':'192.0.2.77/24','type':'CalicoNodeIP'}]}");
    GOOD.put(
        ResourceKind.BGP_PEER,
        "{'peerIP':'192.0.2.78','asNumber':64513,'nodeSelector':\"x == 'y'\",'localASNumber':64514,"
            + "'password':{'secretKeyRef':{'name':'s','key':'k'}},'filters':['d'],"
            + "'sourceAddress':'None','nextHopMode':'Self','keepaliveTime':'10s',"
            + "'maxRestartTime':'90s','numAllowedLocalASNumbers':1,'ttlSecurity':1,"
            + "'reachableBy':'192.0.2.1','reversePeering':'Auto'}");
    GOOD.put(
        ResourceKind.BGP_FILTER,
        "{'exportV4':[{'action':'Accept','cidr':'10.0.0.0/8','matchOperator':'In',"
            + "'prefixLength':{'min':8,'max':24},'source':'RemotePeers','interface':'eth0',"
            + "'peerType':'eBGP','communities':{'values':['1:2']},'asPathPrefix':[1,2],'priority':9,"
            + "'operations':[{'addCommunity':{'value':'1:2:3'}},{'prependASPath':{'prefix':[1]}},"
            + "{'setPriority':{'value':7}}]}],'importV6':[{'action':'Reject'}]}");
    GOOD.put(
        ResourceKind.BGP_CONFIGURATION,
        "{'asNumber':64512,'nodeToNodeMeshEnabled':true,'listenPort':179,"
            + "'logSeverityScreen':'Info','ignoredInterfaces':['eth9'],'bindMode':'NodeIP',"
            + "'nodeMeshPassword':{'secretKeyRef':{'name':'s','key':'k'}},"
            + "'nodeMeshMaxRestartTime':'90s','serviceClusterIPs':[{'cidr':'10.96.0.0/12'}],"
            + "'communities':[{'name':'c','value':'1:2'}],"
            + "'prefixAdvertisements':[{'cidr':'10.0.0.0/8','communities':['c','1:2:3']}],"
            + "'programClusterRoutes':'Disabled','ipv4NormalRoutePriority':7}");
    GOOD.put(
        ResourceKind.FELIX_CONFIGURATION,
        "{'logSeverityScreen':'Info','defaultEndpointToHostAction':'Return','reportingInterval':'0s'}");
    GOOD.put(
        ResourceKind.GLOBAL_NETWORK_POLICY,
        "{'tier':'default','order':5,'selector':\"a == 'b'\",'types':['Ingress','Egress'],"
            + "'ingress':["
            + RULE
            + "],'egress':[{'action':'Allow'}]}");
    GOOD.put(
        ResourceKind.NETWORK_POLICY,
        "{'tier':'default','order':5,'selector':\"a == 'b'\",'types':['Ingress','Egress'],"
            + "'ingress':["
            + RULE
            + "],'egress':[{'action':'Allow'}]}");
  }

  private static final List<JsonElement> INSTEAD =
      List.of(
          JsonNull.INSTANCE,
          new JsonPrimitive(7),
          new JsonPrimitive(-1),
          new JsonPrimitive(new BigInteger("9".repeat(40))),
          new JsonPrimitive("text"),
          new JsonPrimitive(""),
          new JsonPrimitive("x'} || all() || a in {'y\"; drop\n"),
          new JsonPrimitive("ä\u0000€\u2028"),
          new JsonPrimitive(true),
          new JsonArray(),
          list(JsonNull.INSTANCE),
          new JsonObject());

  private static final List<String> TEXTS =
      List.of(
          "",
          "null",
          "7",
          "[]",
          "\"text\"",
          "{",
          "{}",
          "{\"metadata\":null,\"spec\":null}",
          "{\"spec\":7}",
          "\u0000\ufffd\ud800",
          "[".repeat(20_000),
          "{\"spec\":".repeat(20_000));

  private DamagedValues() {}

  private static JsonArray list(JsonElement element) {
    JsonArray list = new JsonArray();
    list.add(element);
    return list;
  }

  /** Returns the kinds of which there are damaged values. */
  public static List<ResourceKind<?>> kinds() {
    return List.copyOf(GOOD.keySet());
  }

  /** Returns the key of a resource of a kind, in namespace default if the kind has namespaces. */
  public static ResourceKey key(ResourceKind<?> kind, String name) {
    return ResourceKey.of(
        kind, kind.equals(ResourceKind.WORKLOAD_ENDPOINT) ? "elsewhere-cni-c-" + name : name);
  }

  /** Returns a good resource, as it is stored. */
  public static JsonObject good(ResourceKind<?> kind, String name) {
    ResourceKey key = key(kind, name);
    JsonObject metadata = new JsonObject();
    metadata.addProperty("name", key.name());
    if (kind.namespaced()) {
      metadata.addProperty("namespace", "default");
    }
    JsonObject document = new JsonObject();
    document.addProperty("kind", kind.kind());
    document.addProperty("apiVersion", "projectcalico.org/v3");
    document.add("metadata", metadata);
    String spec = java.util.Objects.requireNonNull(GOOD.get(kind));
    document.add("spec", JsonParser.parseString(spec));
    return document;
  }

  /** Returns all damaged values of a kind; each has a key of its own, named after a prefix. */
  public static List<Entry> of(ResourceKind<?> kind, String prefix) {
    List<String> values = new ArrayList<>(TEXTS);
    List<List<String>> paths = new ArrayList<>();
    collect(good(kind, prefix), List.of(), paths);
    List<Entry> entries = new ArrayList<>();
    for (String value : values) {
      entries.add(new Entry(key(kind, prefix + entries.size()).path(), value, 7));
    }
    for (List<String> path : paths) {
      for (int i = -1; i < INSTEAD.size(); i++) {
        JsonObject document = good(kind, prefix + entries.size());
        replace(document, path, i < 0 ? null : INSTEAD.get(i));
        entries.add(new Entry(key(kind, prefix + entries.size()).path(), document.toString(), 7));
      }
    }
    return entries;
  }

  private static void collect(JsonElement at, List<String> path, List<List<String>> paths) {
    if (!path.isEmpty()) {
      paths.add(path);
    }
    if (at instanceof JsonObject object) {
      object.entrySet().forEach(e -> collect(e.getValue(), plus(path, e.getKey()), paths));
    } else if (at instanceof JsonArray array) {
      for (int i = 0; i < array.size(); i++) {
        collect(array.get(i), plus(path, Integer.toString(i)), paths);
      }
    }
  }

  private static List<String> plus(List<String> path, String step) {
    List<String> longer = new ArrayList<>(path);
    longer.add(step);
    return longer;
  }

  /** Puts another value where a path leads; null takes the field away. */
  private static void replace(
      JsonObject document,
      List<String> path,
      @org.jspecify.annotations.Nullable JsonElement value) {
    JsonElement at = document;
    for (String step : path.subList(0, path.size() - 1)) {
      at =
          at instanceof JsonArray array
              ? array.get(Integer.parseInt(step))
              : at.getAsJsonObject().get(step);
    }
    String last = path.get(path.size() - 1);
    if (at instanceof JsonArray array) {
      if (value == null) {
        array.remove(Integer.parseInt(last));
      } else {
        array.set(Integer.parseInt(last), value);
      }
    } else if (value == null) {
      at.getAsJsonObject().remove(last);
    } else {
      at.getAsJsonObject().add(last, value);
    }
  }
}
