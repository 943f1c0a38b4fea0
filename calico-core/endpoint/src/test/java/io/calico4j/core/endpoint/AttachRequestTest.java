package io.calico4j.core.endpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.endpoint.AttachRequest.Builder;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How much one request may bring: as much as the limit is taken, one more is refused. */
class AttachRequestTest {
  private static Builder request() {
    return AttachRequest.of(
        new EndpointIdentity(
            "net",
            new NodeName("host-a"),
            "default",
            "cni",
            "container",
            new InterfaceName("eth0")));
  }

  private static Map<String, String> labels(int count) {
    Map<String, String> labels = new TreeMap<>();
    IntStream.range(0, count).forEach(i -> labels.put("key" + i, "value"));
    return labels;
  }

  private static List<String> names(int count) {
    return IntStream.range(0, count).mapToObj(i -> "name" + i).toList();
  }

  private static List<ProfileName> profiles(int count) {
    return names(count).stream().map(ProfileName::new).toList();
  }

  private static List<IpAddress> addresses(int count) {
    return IntStream.range(0, count).mapToObj(i -> IpAddress.parse("10.0.0.0").plus(i)).toList();
  }

  private static List<Cidr> networks(int count) {
    return addresses(count).stream().map(IpAddress::toCidr).toList();
  }

  private static String text(int length) {
    return "x".repeat(length);
  }

  private static Arguments row(
      String what, int limit, String message, Function<Integer, Builder> builder) {
    return Arguments.of(what, limit, message, builder);
  }

  static Stream<Arguments> limits() {
    return Stream.of(
        row("labels", 128, "129 labels", n -> request().labels(labels(n))),
        row("name", 63, "64 characters", n -> request().labels(Map.of(text(n), ""))),
        row("prefix", 253, "254 characters", n -> request().labels(Map.of(text(n) + "/a", ""))),
        row("value", 63, "64 characters", n -> request().labels(Map.of("a", text(n)))),
        row(
            "annotations",
            262144,
            "262145 bytes",
            n -> request().annotations(Map.of("a", text(n - 1)))),
        row("profiles", 64, "65 profiles", n -> request().profiles(profiles(n), List.of())),
        row(
            "profile",
            253,
            "254 characters",
            n -> request().profiles(List.of(new ProfileName(text(n))), List.of())),
        row("pools", 256, "257 pools", n -> request().choose(1, names(n), 0, List.of())),
        row("addresses", 256, "257 addresses", n -> request().fixed(addresses(n))),
        row("held", 256, "257 addresses", n -> request().held(addresses(n))),
        row("chosen", 256, "257 addresses", n -> request().choose(n, List.of(), 0, List.of())),
        row("sources", 256, "257 source", n -> request().allowedSources(networks(n))),
        row("routes", 256, "257 routes", n -> request().routes(networks(n))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("limits")
  void asMuchAsTheLimitIsTakenAndOneMoreIsNot(
      String what, int limit, String message, Function<Integer, Builder> builder) {
    assertThatCode(() -> builder.apply(limit).build()).doesNotThrowAnyException();
    assertThatThrownBy(() -> builder.apply(limit + 1).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("at most " + limit);
  }

  @Test
  void addressesOfAnotherPluginChangeNothingElse() {
    AttachRequest request = request().runtime("some").workload("container").mtu(1400).build();
    AttachRequest held = request.withHeld(addresses(1), List.of(), Map.of());
    assertThat(held.held()).isEqualTo(addresses(1));
    assertThat(held)
        .isEqualTo(
            request().runtime("some").workload("container").mtu(1400).held(addresses(1)).build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "projectcalico.org/namespace",
        "projectcalico.org/serviceaccount",
        "cni.projectcalico.org/x",
        "pcns.team",
        "pcsa.x",
        "members.calico4j.io/net",
      })
  void aReservedLabelIsTakenFromNobody(String key) {
    assertThatThrownBy(() -> request().labels(Map.of(key, "ops")).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("label \"" + key + "\" is reserved");
  }
}
