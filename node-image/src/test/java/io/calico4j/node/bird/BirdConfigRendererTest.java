package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/** BIRD's configuration as a function of the view. */
class BirdConfigRendererTest {
  private static BgpView view(List<BgpView.Peer> peers) {
    return new BgpView(
        IpAddress.parse("192.0.2.11"),
        64512,
        "",
        179,
        List.of(Cidr.parse("10.65.1.0/26"), Cidr.parse("10.65.9.9/32")),
        List.of(Cidr.parse("10.65.0.0/16")),
        List.of(Cidr.parse("10.66.0.0/16")),
        List.of(Cidr.parse("10.67.0.0/16")),
        peers);
  }

  private static BgpView.Peer peer(String name, String address, boolean passive) {
    return new BgpView.Peer(name, IpAddress.parse(address), 179, 64512, passive, false);
  }

  @Test
  void ownBlocksAreAnnouncedWholeAndHiddenPoolsNotAtAll() {
    String text = BirdConfigRenderer.render(view(List.of()));

    assertThat(text)
        .contains("route 10.65.1.0/26 blackhole;")
        .doesNotContain("route 10.65.9.9/32 blackhole;")
        .containsSubsequence(
            "if net ~ [ 10.66.0.0/16+ ] then reject;",
            "if net = 10.65.1.0/26 then accept;",
            "if net ~ [ 10.65.1.0/26+ ] then reject;",
            "if net ~ [ 10.65.0.0/16+ ] then accept;",
            "reject;");
  }

  @Test
  void routesIntoPoolsWithEncapsulationAreFelix() {
    assertThat(BirdConfigRenderer.render(view(List.of())))
        .containsSubsequence(
            "filter calico_kernel {",
            "if source = RTS_DEVICE then reject;",
            "if net ~ [ 10.67.0.0/16+ ] then reject;",
            "accept;",
            "import filter { if krt_source = 80 then reject; accept; };",
            "export filter calico_kernel;")
        .contains("-\"*.calico\", -\"tunl0\"");
  }

  @Test
  void equalViewsGiveEqualTextWhateverTheOrderOfThePeers() {
    BgpView.Peer first = peer("Mesh_192_0_2_12", "192.0.2.12", true);
    BgpView.Peer second = peer("Mesh_192_0_2_13", "192.0.2.13", false);

    String text = BirdConfigRenderer.render(view(List.of(first, second)));
    assertThat(BirdConfigRenderer.render(view(List.of(second, first)))).isEqualTo(text);
    assertThat(text)
        .contains(
            "neighbor 192.0.2.12 port 179 as 64512;\n  ipv4 { export filter calico_export; };\n  passive on;");
  }
}
