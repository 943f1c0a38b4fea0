package io.calico4j.node;

import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.model.AsNumber;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.setting.Origin;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.SettingValues;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.ValueType;
import io.calico4j.node.address.Autodetection.Reach;
import io.calico4j.node.address.HostAddress;
import io.calico4j.node.address.NodeAddresses;
import io.calico4j.node.bird.RouterId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What calico-node reads from its environment, with upstream's names; {@link #TABLE} has each
 * variable's default.
 *
 * @param node the node's name
 * @param addresses this host's
 * @param asNumber empty inherits the cluster's
 * @param bird whether bird runs BGP
 * @param routerId how bird's router id is chosen
 * @param secrets where passwords of BGP sessions are
 * @param poolCidr of the pool that is made when there is none
 * @param defaultPools whether one is made at all
 * @param runDirectory sockets and locks
 * @param libDirectory what outlives a reboot
 * @param embeddedEtcd whether etcd is this host's own
 * @param healthHost where /readiness is served
 * @param healthPort its port
 * @param blockReleaseSeconds how often empty blocks are looked for; 0 is never
 * @param janitorSeconds how often endpoints without container are looked for; 0 is never
 * @param rktDirectory where rkt keeps its pods
 */
record NodeSettings(
    NodeName node,
    NodeAddresses addresses,
    String asNumber,
    boolean bird,
    RouterId routerId,
    Path secrets,
    String poolCidr,
    boolean defaultPools,
    Path runDirectory,
    Path libDirectory,
    boolean embeddedEtcd,
    String healthHost,
    int healthPort,
    int blockReleaseSeconds,
    int janitorSeconds,
    Path rktDirectory) {

  static final Setting<Optional<NodeName>> NODE =
      Setting.of(
              "NODENAME",
              ValueType.of(
                  "lower-case letters, digits, dots and dashes",
                  text -> NodeName.tryParse(text).map(Optional::of)),
              Optional.<NodeName>empty(),
              "the node's name")
          .orElse("the host's name, lower case");

  static final Setting<Path> RUN_DIRECTORY =
      Setting.of("CALICO_RUN_DIR", ValueType.path(), Path.of("/run/calico"), "sockets and locks");

  static final Setting<Path> LIB_DIRECTORY =
      Setting.of(
          LocalEtcd.LIB_VARIABLE,
          ValueType.path(),
          Path.of("/var/lib/calico"),
          "what outlives a reboot");

  private static final String BIRD = "bird";

  private static final Setting<String> AS =
      Setting.of(
              "AS",
              ValueType.strict(
                  "an AS number such as 64512 or 1.10", text -> AsNumber.parse(text).toString()),
              "",
              "AS number of this node")
          .orElse("the cluster's (64512)");

  private static final Setting<String> BACKEND =
      Setting.of(
          "CALICO_NETWORKING_BACKEND",
          ValueType.oneOf(BIRD, "none", "vxlan"),
          BIRD,
          "bird runs BGP, the others run none");

  private static final Setting<RouterId> ROUTER_ID =
      Setting.of(
              "CALICO_ROUTER_ID",
              ValueType.strict("hash, or an IPv4 address", RouterId::new),
              RouterId.ADDRESS,
              "bird's router id; hash makes it of the node's name")
          .orElse("the node's IPv4 address, else hash");

  private static final Setting<Path> SECRETS =
      Setting.of(
          "CALICO_BGP_SECRETS_DIR",
          ValueType.path(),
          Path.of("/etc/calico/bgp-secrets"),
          "passwords of BGP sessions: file NAME/KEY for each secretKeyRef");

  private static final Setting<String> POOL =
      Setting.of(
          "CALICO_IPV4POOL_CIDR",
          ValueType.of(
              "an IPv4 network such as 10.65.0.0/16",
              text -> Cidr.tryParse(text).filter(cidr -> cidr.address().isV4()).map(cidr -> text)),
          "192.168.0.0/16",
          "the pool that is made when there is none");

  private static final Setting<Boolean> NO_POOLS =
      Setting.of("NO_DEFAULT_POOLS", ValueType.flag(), false, "whether no pool is made").lenient();

  private static final Setting<String> HEALTH_HOST =
      Setting.of(
              "FELIX_HEALTHHOST",
              ValueType.text("a host's name or address"),
              "localhost",
              "where /readiness, /liveness and /metrics are served")
          .from(Origin.FELIX_ENVIRONMENT);

  private static final Setting<Integer> HEALTH_PORT =
      Setting.of("FELIX_HEALTHPORT", ValueType.port(), 9099, "their port")
          .from(Origin.FELIX_ENVIRONMENT);

  private static final Setting<Integer> BLOCK_RELEASE =
      Setting.of(
          "CALICO_BLOCK_RELEASE_SECONDS",
          secondsOrNever(),
          300,
          "how often empty blocks are looked for");

  private static final Setting<Integer> JANITOR =
      Setting.of(
          "CALICO_JANITOR_SECONDS",
          secondsOrNever(),
          60,
          "how often endpoints without container are looked for");

  private static final Setting<Path> RKT_DIRECTORY =
      Setting.of(
          "CALICO_RKT_DIR", ValueType.path(), Path.of("/var/lib/rkt"), "where rkt keeps its pods");

  /** What an operator may set. */
  static final Settings TABLE =
      new Settings(
          "calico-node",
          Stream.of(
                  List.<Setting<?>>of(NODE),
                  NodeAddresses.SETTINGS,
                  List.<Setting<?>>of(
                      AS,
                      BACKEND,
                      ROUTER_ID,
                      SECRETS,
                      POOL,
                      NO_POOLS,
                      RUN_DIRECTORY,
                      LIB_DIRECTORY,
                      HEALTH_HOST,
                      HEALTH_PORT,
                      BLOCK_RELEASE,
                      JANITOR,
                      RKT_DIRECTORY))
              .flatMap(List::stream)
              .toList());

  /**
   * Reads the settings.
   *
   * @param host all addresses of the host
   * @param reach asked where the address is found by a destination
   * @throws IllegalArgumentException that says which variable is wrong, and what it may be
   */
  static NodeSettings of(Map<String, String> environment, List<HostAddress> host, Reach reach)
      throws IOException {
    SettingValues values = TABLE.read(environment);
    Optional<NodeName> node = values.get(NODE);
    return new NodeSettings(
        node.isPresent() ? node.get() : hostName(),
        NodeAddresses.find(values, host, reach),
        values.get(AS),
        values.get(BACKEND).equals(BIRD),
        values.get(ROUTER_ID),
        values.get(SECRETS),
        values.get(POOL),
        !values.get(NO_POOLS),
        values.get(RUN_DIRECTORY),
        values.get(LIB_DIRECTORY),
        EtcdSettings.isOwn(environment),
        values.get(HEALTH_HOST),
        values.get(HEALTH_PORT),
        values.get(BLOCK_RELEASE),
        values.get(JANITOR),
        values.get(RKT_DIRECTORY));
  }

  /** Tells whether bird runs BGP. */
  static boolean usesBird(Map<String, String> environment) {
    return BACKEND.read(environment).equals(BIRD);
  }

  private static ValueType<Integer> secondsOrNever() {
    return ValueType.integer("a number of seconds, 0 for never", 0, 999_999);
  }

  private static NodeName hostName() throws IOException {
    String name = HostName.read();
    return NodeName.tryParse(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "the host's name \""
                        + name
                        + "\" must be "
                        + NODE.type().range()
                        + ": set NODENAME"));
  }

  /** Returns this host's IPv4 address. */
  IpAddress ipAddress() {
    return addresses.ipv4().address();
  }
}
