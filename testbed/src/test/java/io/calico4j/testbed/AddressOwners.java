package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;

/**
 * Two sandboxes of a host that have the same address, one after the other. Nobody may send to the
 * second one.
 */
final class AddressOwners {
  /** The address that changes hands. */
  static final String ADDRESS = "10.65.200.9";

  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"calico\",\"ipam\":{\"type\":"
          + "\"calico-ipam\"},\"args\":{\"cni\":{\"labels\":[{\"key\":\"owner\",\"value\":\"OWNER\"}]}}}";

  private final TestHost host;

  AddressOwners(TestHost host) {
    this.host = host;
  }

  /** Returns the first owner. */
  Namespace first() throws IOException {
    return add("first");
  }

  /** Returns the second owner, whose policy is there before it. */
  Namespace second() throws IOException {
    Command.Outcome applied =
        host.calicoctl(
            """
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkPolicy
            metadata: {name: a-locked}
            spec: {order: 1, selector: owner == 'second', types: [Ingress], ingress: [{action: Deny}]}
            """,
            "apply",
            "-f",
            "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
    Namespace second = add("second");
    assertThat(conntrack()).isEmpty();
    return second;
  }

  private Namespace add(String owner) throws IOException {
    Namespace sandbox = Namespace.create(owner + "-owner");
    Command.Outcome added =
        host.cni(
            "ADD",
            sandbox,
            Map.of("CNI_ARGS", "IP=" + ADDRESS),
            CONFIGURATION.replace("OWNER", owner));
    assertThat(added.exitCode()).as(added.output()).isZero();
    return sandbox;
  }

  /** Waits until the second owner is seen to receive what its host sends it. */
  void awaitReceipt(Namespace second, String other, RawNetwork.Record received) throws IOException {
    Await.until(
        "the second owner can be seen to receive",
        20,
        () -> {
          PacketProbe.ping(second, other);
          host.namespace().command("busybox", "ping", "-c", "1", "-W", "1", ADDRESS).run();
          host.namespace()
              .command("bash", "-c", "echo '<from-the-host>' > /dev/udp/" + ADDRESS + "/1")
              .run();
          return received.text().contains("<from-the-host>");
        });
  }

  /** Takes the second owner and its policy away. */
  void deleteSecond(Namespace second) throws IOException {
    var unused = host.calicoctl("", "delete", "globalnetworkpolicy", "a-locked");
    delete(second);
    second.delete();
  }

  private void delete(Namespace sandbox) throws IOException {
    Command.Outcome deleted = host.cni("DEL", sandbox, Map.of(), CONFIGURATION);
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
  }

  /** How the first owner goes. */
  enum Leaving {
    BY_DEL {
      @Override
      void leave(AddressOwners owners, Namespace sandbox) throws IOException {
        // Its entries may still be there: the second owner's ADD waits until they are gone.
        owners.delete(sandbox);
      }
    },
    BY_CALICOCTL {
      @Override
      void leave(AddressOwners owners, Namespace sandbox) throws IOException {
        Command.Outcome deleted =
            owners.host.calicoctl("", "delete", "wep", owners.endpointOf(sandbox));
        assertThat(deleted.exitCode()).as(deleted.output()).isZero();
        Await.until("its entries are gone", 20, () -> owners.conntrack().isEmpty());
        owners.delete(sandbox);
      }
    },
    WHILE_NO_AGENT_RUNS {
      @Override
      void leave(AddressOwners owners, Namespace sandbox) throws IOException {
        owners.host.killAgent();
        sandbox.ip("link", "del", "eth0");
        String name = owners.endpointOf(sandbox);
        Command.Outcome deleted = owners.host.calicoctl("", "delete", "wep", name);
        assertThat(deleted.exitCode()).as(deleted.output()).isZero();
        assertThat(owners.conntrack()).isNotEmpty();
        owners.host.startAgent();
        assertThat(owners.conntrack()).isEmpty();
      }
    };

    abstract void leave(AddressOwners owners, Namespace sandbox) throws IOException;
  }

  private String endpointOf(Namespace sandbox) throws IOException {
    String escaped = sandbox.name().replace("-", "--");
    return host.calicoctl("", "get", "wep", "-o", "json")
        .standardOutput()
        .replaceAll("(?s).*\"name\": *\"([^\"]*" + escaped + "[^\"]*)\".*", "$1");
  }

  /** Returns the conntrack entries of the address, as conntrack(8) prints them. */
  String conntrack() throws IOException {
    String entries = host.namespace().command("conntrack", "-L").mustRun();
    return entries
        .lines()
        .filter(line -> line.contains("=" + ADDRESS + " "))
        .reduce("", (a, b) -> a + b + "\n");
  }
}
