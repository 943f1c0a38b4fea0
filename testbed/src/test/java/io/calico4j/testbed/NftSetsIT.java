package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Elements that are changed without libnftables, as {@code nft} sees them in the kernel. */
class NftSetsIT {
  private static final String TABLE =
      """
      table inet sets-it {
        set four { type ipv4_addr; elements = { 10.0.0.1 } }
        set six { type ipv6_addr; }
        set nets { type ipv4_addr . nf_proto; flags interval; }
        set nets6 { type ipv6_addr . nf_proto; flags interval; }
        set ports { type ipv4_addr . inet_proto . inet_service; }
        set ports6 { type ipv6_addr . inet_proto . inet_service; }
        chain one { drop; }
        chain two { accept; }
        map dispatch { type ifname : verdict; elements = { "cali0" : goto one } }
      }
      """;

  private final NftSets sets;

  NftSetsIT() throws KernelException {
    sets = new LinuxKernel().nftSets();
  }

  @BeforeEach
  void makeTable() throws IOException {
    Command.Outcome made = new Command(List.of("nft", "-f", "-"), System.getenv(), TABLE).run();
    assertThat(made.exitCode()).as(made.output()).isZero();
  }

  @AfterEach
  void removeTable() throws IOException {
    sets.close();
    Command.of("nft", "delete", "table", "inet", "sets-it").mustRun();
  }

  private static String table() throws IOException {
    return Command.of("nft", "list", "table", "inet", "sets-it").mustRun().replaceAll("\\s+", " ");
  }

  private static NftSets.Element address(String set, String address) {
    return new NftSets.Address(set, IpAddress.parse(address));
  }

  private static NftSets.Element verdict(String link, String chain) {
    return new NftSets.Verdict("dispatch", link, chain);
  }

  @Test
  void elementsOfBothFamiliesAndVerdictsComeAndGoInOneTransaction() throws Exception {
    sets.change(
        "sets-it",
        List.of(address("four", "10.0.0.1"), verdict("cali0", "one")),
        List.of(
            address("four", "10.0.0.2"),
            address("six", "fd00::2"),
            verdict("cali0", "two"),
            verdict("cali9876543210a", "one")));
    assertThat(table())
        .contains(
            "elements = { 10.0.0.2 }",
            "elements = { fd00::2 }",
            "\"cali0\" : goto two",
            "\"cali9876543210a\" : goto one");
    sets.change(
        "sets-it", List.of(verdict("cali0", "two"), verdict("cali9876543210a", "one")), List.of());
    assertThat(table()).doesNotContain("goto").contains("10.0.0.2", "fd00::2");
  }

  private static NftSets.Element network(String set, String network) {
    return new NftSets.Network(set, Cidr.parse(network));
  }

  @Test
  void networksAndPortsOfBothFamiliesComeAndGo() throws Exception {
    List<NftSets.Element> elements =
        List.of(
            network("nets", "10.1.0.0/16"),
            network("nets", "192.0.2.7/32"),
            network("nets6", "fd00:1::/33"),
            new NftSets.Port("ports", IpAddress.parse("10.0.0.1"), 6, 443),
            new NftSets.Port("ports6", IpAddress.parse("fd00::1"), 132, 5001));
    sets.change("sets-it", List.of(), elements);
    assertThat(table())
        .contains("10.1.0.0/16 . ipv4", "192.0.2.7 . ipv4", "fd00:1::/33 . ipv6")
        .contains("10.0.0.1 . tcp . 443", "fd00::1 . sctp . 5001");
    sets.change("sets-it", elements, List.of());
    assertThat(table()).doesNotContain(" . ipv4", " . ipv6", " . tcp", " . sctp");
  }

  /** As when a network set gets, and loses, a network that holds others. */
  @Test
  void aNetworkTakesThePlaceOfThoseInsideItInOneTransaction() throws Exception {
    List<NftSets.Element> inside =
        List.of(network("nets", "10.1.0.0/16"), network("nets", "10.2.0.0/16"));
    List<NftSets.Element> around = List.of(network("nets", "10.0.0.0/8"));
    sets.change("sets-it", List.of(), inside);
    sets.change("sets-it", inside, around);
    assertThat(table()).contains("elements = { 10.0.0.0/8 . ipv4 }");
    sets.change("sets-it", around, inside);
    assertThat(table()).contains("10.1.0.0/16 . ipv4", "10.2.0.0/16 . ipv4").doesNotContain("/8");
  }

  @Test
  void aTransactionThatIsRefusedChangesNothingAndTheSocketGoesOn() throws Exception {
    String before = table();
    assertRefused(
        KernelException.ENOENT,
        List.of(address("four", "10.0.0.1"), address("four", "10.9.9.9")),
        List.of(address("six", "fd00::3")));
    assertRefused(
        KernelException.ENOENT,
        List.of(),
        List.of(address("four", "10.0.0.3"), verdict("cali1", "missing")));
    assertRefused(
        KernelException.EEXIST,
        List.of(),
        List.of(verdict("cali0", "two"), address("four", "10.0.0.3")));
    assertThat(table()).isEqualTo(before);
    sets.change("sets-it", List.of(), List.of(address("four", "10.0.0.3")));
    assertThat(table()).contains("10.0.0.1, 10.0.0.3");
  }

  private void assertRefused(
      int errno, List<NftSets.Element> removed, List<NftSets.Element> added) {
    assertThatThrownBy(() -> sets.change("sets-it", removed, added))
        .isInstanceOfSatisfying(KernelException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void aTableThatIsNotThereIsRefused() {
    assertThatThrownBy(() -> sets.change("nobody", List.of(), List.of(address("four", "10.0.0.3"))))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("nobody")
        .hasMessageContaining("ENOENT");
  }

  @Test
  void asManyElementsAsFelixSendsAtOnceFit() throws Exception {
    List<NftSets.Element> many =
        java.util.stream.IntStream.rangeClosed(1, 100)
            .mapToObj(i -> address("six", "fd00::1:" + i))
            .toList();
    sets.change("sets-it", List.of(), many);
    assertThat(table().split("fd00::1:", -1)).hasSize(101);
    sets.change("sets-it", many, List.of());
    assertThat(table()).doesNotContain("fd00");
  }
}
