package io.calico4j.node.bird;

/** Renders a session: a protocol of BIRD with one channel. */
final class BirdSessionRenderer {
  /** What bird waits for a sign of life when nothing is said, in seconds. */
  private static final int HOLD_SECONDS = 240;

  private BirdSessionRenderer() {}

  static void render(
      StringBuilder text,
      BgpView.Node node,
      BgpView.Family family,
      BgpSession session,
      BirdFilterRenderer filters) {
    BgpSession.Options options = session.options();
    text.append("protocol bgp ").append(session.name()).append(" from calico_peer {\n");
    if (options.down()) {
      text.append("  # Its password is not there.\n  disabled;\n");
    }
    text.append("  local ");
    if (options.ownSource() || node.bound()) {
      text.append(family.address()).append(' ');
    }
    text.append("port ").append(node.listenPort());
    text.append(" as ").append(session.localAsNumber()).append(";\n");
    text.append("  neighbor ").append(session.address()).append(" port ").append(session.port());
    text.append(" as ").append(session.asNumber()).append(";\n");
    if (options.hops() > 0) {
      text.append("  multihop ").append(options.hops()).append(";\n  ttl security on;\n");
    } else {
      text.append("  multihop;\n");
    }
    if (node.bound()) {
      text.append("  strict bind on;\n");
    }
    if (session.role().passive()) {
      text.append("  passive on;\n");
    }
    if (options.password() != null) {
      text.append("  password \"").append(options.password().text()).append("\";\n");
    }
    options
        .restartSeconds()
        .ifPresent(s -> text.append("  graceful restart time ").append(s).append(";\n"));
    options.keepaliveSeconds().ifPresent(s -> keepalive(text, s));
    if (options.ownAsAllowed() > 0) {
      text.append("  allow local as ").append(options.ownAsAllowed()).append(";\n");
    }
    if (session.role().reflectorClient()) {
      text.append("  rr client;\n  rr cluster id ").append(node.clusterId()).append(";\n");
    }
    channel(text, family, session, filters);
    text.append("}\n");
  }

  /** A keep-alive needs a longer hold time: three times as long, as BGP recommends. */
  private static void keepalive(StringBuilder text, int seconds) {
    if (3 * seconds > HOLD_SECONDS) {
      text.append("  hold time ").append(3 * seconds).append(";\n");
    }
    text.append("  keepalive time ").append(seconds).append(";\n");
  }

  private static void channel(
      StringBuilder text, BgpView.Family family, BgpSession session, BirdFilterRenderer filters) {
    String end = BirdConfigRenderer.suffix(family);
    text.append("  ").append(BirdConfigRenderer.channel(family)).append(" {\n");
    text.append("    import filter {\n").append(filters.calls(session, true));
    text.append("      calico_take_").append(end).append("();\n    };\n");
    text.append("    export filter {\n");
    text.append("      if source != RTS_BGP then bgp_local_pref = ");
    text.append(BirdConfigRenderer.preference(family)).append(";\n");
    text.append(filters.calls(session, false));
    boolean keeps = session.options().nextHop() == BgpSession.NextHop.KEEP;
    if (session.isExternal() && !keeps) {
      // Another node's routes are a fallback here: its own announcement is preferred.
      text.append("      if source = RTS_BGP then bgp_path.prepend(");
      text.append(session.localAsNumber()).append(");\n");
    }
    text.append("      calico_announce_").append(end).append('(').append(!session.isExternal());
    text.append(");\n    };\n");
    switch (session.options().nextHop()) {
      case SELF -> text.append("    next hop self;\n");
      case KEEP -> text.append("    next hop keep;\n");
      case AUTO -> {}
    }
    text.append("    gateway recursive;\n    add paths on;\n  };\n");
  }
}
