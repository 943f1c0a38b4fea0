package io.calico4j.node.bird;

import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.SecretKeySelector;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.setting.ValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What sessions of one family are asked to do, from BGPPeers and the mesh's configuration. Collects
 * the filters that are used, and notes about what cannot be done as it is asked for.
 */
final class SessionOptions {
  /** BGP has 12 bits for it (RFC 4724). */
  private static final long MOST_RESTART_SECONDS = 4095;

  /** Thrice of it is BGP's longest hold time. */
  private static final long MOST_KEEPALIVE_SECONDS = 65535 / 3;

  private final BgpResources stored;
  private final IpFamily family;
  private final Passwords passwords;
  private final Set<String> notes;
  private final Map<String, BgpView.Filter> filters = new TreeMap<>();

  /**
   * Begins.
   *
   * @param notes to which notes are added
   */
  SessionOptions(BgpResources stored, IpFamily family, Passwords passwords, Set<String> notes) {
    this.stored = stored;
    this.family = family;
    this.passwords = passwords;
    this.notes = notes;
  }

  /** Notes what cannot be done as it is asked for. */
  void note(String text) {
    notes.add(text);
  }

  /** Returns the filters that sessions use, by name. */
  List<BgpView.Filter> filters() {
    return List.copyOf(filters.values());
  }

  /** Returns the options of a BGPPeer's session. */
  BgpSession.Options of(Resource<BgpPeerSpec> peer, boolean external) {
    BgpPeerSpec spec = peer.spec();
    String who = "BGPPeer " + peer.metadata().name();
    Passwords.Found password = password(who, spec.password());
    BgpSession.NextHop nextHop =
        switch (String.valueOf(spec.nextHopMode())) {
          case "Self" -> BgpSession.NextHop.SELF;
          case "Keep" -> BgpSession.NextHop.KEEP;
          default ->
              external && Boolean.TRUE.equals(spec.keepOriginalNextHop())
                  ? BgpSession.NextHop.KEEP
                  : BgpSession.NextHop.AUTO;
        };
    List<String> names = new ArrayList<>();
    spec.filters().stream().distinct().filter(name -> isThere(who, name)).forEach(names::add);
    return new BgpSession.Options(
        nextHop,
        !"None".equals(spec.sourceAddress()),
        password.password(),
        !password.problem().isEmpty(),
        seconds(spec.maxRestartTime(), 0, MOST_RESTART_SECONDS),
        seconds(spec.keepaliveTime(), 1, MOST_KEEPALIVE_SECONDS),
        spec.numAllowedLocalASNumbers() == null ? 0 : spec.numAllowedLocalASNumbers(),
        spec.ttlSecurity() == null ? 0 : spec.ttlSecurity(),
        names);
  }

  private boolean isThere(String who, String name) {
    BgpView.Filter filter = stored.filter(name, family).orElse(null);
    if (filter == null) {
      note(who + " names BGPFilter " + name + ", which does not exist: it filters nothing");
      return false;
    }
    if (!filter.readable()) {
      note("BGPFilter " + name + " cannot be read: " + who + " exchanges no routes");
    }
    filters.put(name, filter);
    return true;
  }

  /** Returns the options of the mesh's sessions. */
  BgpSession.Options ofMesh() {
    BgpConfigurationSpec global = stored.global();
    Passwords.Found password = password("the mesh", global.nodeMeshPassword());
    BgpSession.Options plain = BgpSession.Options.PLAIN;
    return new BgpSession.Options(
        plain.nextHop(),
        plain.ownSource(),
        password.password(),
        !password.problem().isEmpty(),
        seconds(global.nodeMeshMaxRestartTime(), 0, MOST_RESTART_SECONDS),
        plain.keepaliveSeconds(),
        plain.ownAsAllowed(),
        plain.hops(),
        plain.filters());
  }

  private Passwords.Found password(String who, @Nullable SecretKeySelector selector) {
    if (selector == null || selector.secretKeyRef() == null) {
      return Passwords.Found.none("");
    }
    Passwords.Found found = passwords.find(selector.secretKeyRef());
    if (!found.problem().isEmpty()) {
      note("sessions of " + who + " stay down: " + found.problem());
    }
    return found;
  }

  /** Rounds to seconds, as upstream does. */
  private static OptionalInt seconds(@Nullable String text, long least, long most) {
    if (text == null) {
      return OptionalInt.empty();
    }
    return ValueType.duration()
        .parse(text)
        .map(d -> Math.max(least, Math.min(most, Math.round(d.toMillis() / 1000.0))))
        .map(s -> OptionalInt.of(Math.toIntExact(s)))
        .orElse(OptionalInt.empty());
  }
}
