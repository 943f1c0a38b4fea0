package io.calico4j.node.bird;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The installed bird accepts what is rendered. */
class BirdConfigRendererIT {
  @TempDir private Path directory;

  static Stream<Arguments> views() {
    IpAddress own = IpAddress.parse("192.0.2.11");
    List<Cidr> blocks = List.of(Cidr.parse("10.65.1.0/26"), Cidr.parse("10.65.9.9/32"));
    List<Cidr> pools = List.of(Cidr.parse("10.65.0.0/16"));
    List<Cidr> hidden = List.of(Cidr.parse("10.66.0.0/16"));
    IpAddress first = IpAddress.parse("192.0.2.12");
    IpAddress second = IpAddress.parse("198.51.100.1");
    List<BgpView.Peer> peers =
        List.of(
            new BgpView.Peer("Mesh_192_0_2_12", first, 179, 64512, true, false),
            new BgpView.Peer("Node_198_51_100_1", second, 1179, 4200000001L, false, false));
    List<BgpView.Peer> clients =
        List.of(new BgpView.Peer("Node_192_0_2_12", first, 179, 64512, false, true));
    return Stream.of(
        Arguments.of(
            "alone",
            new BgpView(
                own, 64512, "", 179, List.of(), List.of(), List.of(), List.of(), List.of())),
        Arguments.of(
            "mesh", new BgpView(own, 64512, "", 179, blocks, pools, hidden, hidden, peers)),
        Arguments.of(
            "reflector",
            new BgpView(own, 64512, "224.0.0.1", 1790, blocks, pools, List.of(), pools, clients)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("views")
  void birdParsesIt(String name, BgpView view) throws Exception {
    Path file = directory.resolve(name + ".cfg");
    Files.writeString(file, BirdConfigRenderer.render(view));
    Process bird =
        new ProcessBuilder("/usr/sbin/bird", "-p", "-c", file.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(bird.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bird.waitFor()).as(output + Files.readString(file)).isZero();
  }
}
