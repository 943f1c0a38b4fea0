package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.kernel.Kernel.Check;
import io.calico4j.core.kernel.Kernel.Sysctl;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.net.Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The kernel, seen from another network namespace that a thread visits. */
class NetlinkIT {
  private static final Path OWN = Path.of("/proc/thread-self/ns/net");

  private final LinuxKernel kernel = new LinuxKernel();
  private Namespace namespace;
  private NetworkNamespace sandbox;

  @BeforeEach
  void make() throws Exception {
    namespace = Namespace.create("netlink-it");
    sandbox = kernel.openNamespace(Path.of(namespace.path()));
  }

  @AfterEach
  void remove() throws IOException {
    sandbox.close();
    Command.of("ip", "netns", "del", "netlink-it").mustRun();
  }

  @Test
  void anInterfaceIsFoundByItsNameInTheNamespaceOfTheSocket() throws Exception {
    namespace.command("ip", "link", "add", "one", "type", "bridge").mustRun();
    Netlink closed = kernel.netlink(sandbox);
    try (closed) {
      assertThat(closed.index("one")).isPresent();
    }
    assertThatThrownBy(() -> closed.index("one"))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("closed");
    try (Netlink inside = kernel.netlink(sandbox);
        Netlink outside = kernel.netlink()) {
      assertThat(inside.index("one")).hasValue(inside.link("one").orElseThrow().index());
      assertThat(outside.index("one")).isEmpty();
      assertThat(inside.index("none")).isEmpty();
      assertThat(inside.index("longer-than-a-name")).isEmpty();
    }
  }

  @Test
  void ofSeveralChangesTheRefusedOneIsNamedAndTheOthersAreDone() throws Exception {
    try (Netlink inside = kernel.netlink(sandbox)) {
      int lo = inside.index("lo").orElseThrow();
      inside.addAddress(lo, Cidr.parse("10.0.0.2/32"));
      assertThatThrownBy(
              () ->
                  inside.together(
                      changes -> {
                        changes.addAddress(lo, Cidr.parse("10.0.0.1/32"));
                        changes.addAddress(lo, Cidr.parse("10.0.0.2/32"));
                        changes.addAddress(lo, Cidr.parse("10.0.0.3/32"));
                      }))
          .isInstanceOfSatisfying(
              KernelException.class, e -> assertThat(e.errno()).isEqualTo(KernelException.EEXIST))
          .hasMessageContaining("10.0.0.2/32");
      assertThat(namespace.command("ip", "-4", "addr", "show", "dev", "lo").mustRun())
          .contains("10.0.0.1/32", "10.0.0.3/32");
      inside.together(changes -> {});
      assertThat(inside.index("lo")).as("after acknowledgements that nobody read").hasValue(lo);
      assertThat(inside.links()).hasSize(1);
    }
  }

  @Test
  void aThreadComesBackFromItsVisitWhateverHappensThere() throws Exception {
    Path before = Files.readSymbolicLink(OWN);
    Sysctl forwarding = Sysctl.of("net/ipv4/ip_forward", "1");
    Check<IOException> refuses =
        inside -> {
          assertThat(Files.readSymbolicLink(OWN)).isNotEqualTo(before);
          throw new IOException("unfit");
        };
    assertThatThrownBy(() -> kernel.netlink(sandbox, refuses, List.of(forwarding)))
        .isInstanceOf(IOException.class)
        .hasMessage("unfit");
    assertThat(Files.readSymbolicLink(OWN)).isEqualTo(before);
    assertThat(namespace.command("cat", "/proc/sys/net/ipv4/ip_forward").mustRun()).contains("0");

    Check<KernelException> passes = inside -> assertThat(inside.links()).hasSize(1);
    kernel.netlink(sandbox, passes, List.of(forwarding)).close();
    assertThat(Files.readSymbolicLink(OWN)).isEqualTo(before);
    assertThat(namespace.command("cat", "/proc/sys/net/ipv4/ip_forward").mustRun()).contains("1");
    Sysctl unknown = Sysctl.of("net/ipv4/no_such", "1");
    assertThatThrownBy(() -> kernel.setSysctls(sandbox, List.of(unknown)))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("no_such");
    assertThat(Files.readSymbolicLink(OWN)).isEqualTo(before);
    assertThat(kernel.isOwn(sandbox)).isFalse();
  }
}
