package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Docker's drivers calico and calico-ipam: two hosts with a real dockerd each, whose containers
 * reach each other and are kept apart, whatever is killed meanwhile.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LibnetworkIT {
  private static final String POOLS =
      """
      apiVersion: projectcalico.org/v3
      kind: IPPool
      metadata: {name: second}
      spec: {cidr: 10.66.0.0/16}
      ---
      apiVersion: projectcalico.org/v3
      kind: IPPool
      metadata: {name: six}
      spec: {cidr: "fd00:66::/112"}
      """;

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost one;
  private TestHost two;
  private DockerEngine a;
  private DockerEngine b;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    one = testbed.addHost("one", 11, "64512");
    two = testbed.addHost("two", 12, "64512");
    a = new DockerEngine(one);
    b = new DockerEngine(two);
    one.set("CALICO_LIBNETWORK_LABEL_ENDPOINTS", "true");
    one.startAgent();
    two.startAgent();
    apply(POOLS);
    for (DockerEngine engine : List.of(a, b)) {
      engine.start();
      engine.importImage();
      for (String network : List.of("blue", "red")) {
        create(engine, network);
      }
    }
  }

  private static void create(DockerEngine engine, String name, String... options)
      throws IOException {
    String[] all = new String[options.length + 7];
    System.arraycopy(
        new String[] {"network", "create", "--driver", "calico", "--ipam-driver", "calico-ipam"},
        0,
        all,
        0,
        6);
    System.arraycopy(options, 0, all, 6, options.length);
    all[all.length - 1] = name;
    String unused = engine.must(all);
  }

  @AfterAll
  void stop() throws Exception {
    a.close();
    b.close();
    testbed.close();
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    Testbed.mustBeClean(etcd);
    one.mustBeClean();
    two.mustBeClean();
  }

  private void apply(String yaml) throws IOException {
    Command.Outcome applied = one.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  private static void remove(DockerEngine engine, String... containers) throws IOException {
    for (String container : containers) {
      String unused = engine.must("rm", "--force", container);
    }
  }

  @Test
  void membersOfANetworkReachEachOtherAcrossHostsAndNobodyElse() throws Exception {
    a.run("web", "blue");
    b.run("client", "blue");
    b.run("stranger", "red");
    String web = a.address("web", "blue");
    Await.until("the other host is reached", 20, () -> b.pings("client", web));
    assertThat(
            b.docker("exec", "client", "busybox", "wget", "-q", "-O-", "http://" + web + ":8080")
                .output())
        .contains("ok");
    assertThat(b.pings("stranger", web)).isFalse();
    assertThat(a.pings("web", b.address("stranger", "red"))).isFalse();
    Await.until(
        "the endpoints say whose they are",
        10,
        () -> {
          String wide = one.calicoctl("", "get", "wep", "-o", "wide").standardOutput();
          return wide.contains(" web ") && wide.contains(" blue") && wide.contains(" stranger ");
        });
    assertThat(a.docker("exec", "web", "ip", "-o", "address").output()).contains("cali0");
    remove(a, "web");
    remove(b, "client", "stranger");
  }
}
