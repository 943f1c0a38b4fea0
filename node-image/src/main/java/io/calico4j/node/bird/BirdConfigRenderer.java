package io.calico4j.node.bird;

import io.calico4j.core.net.Cidr;

/** Renders BIRD 2's configuration: pure, sorted, so that equal views give equal text. */
final class BirdConfigRenderer {
  private BirdConfigRenderer() {}

  static String render(BgpView view) {
    StringBuilder text = new StringBuilder();
    text.append("# Written by calico-node; changes are overwritten.\n");
    text.append("router id ").append(view.address()).append(";\n");
    text.append("log stderr { info, warning, error, fatal };\n");
    text.append("protocol device { scan time 2; }\n");
    text.append(
        "protocol direct { ipv4; interface -\"cali*\", -\"*.calico\", -\"tunl0\", \"*\"; }\n");
    text.append("# Felix programs the routes into pools with encapsulation (rtm_protocol 80).\n");
    text.append("filter calico_kernel {\n  if source = RTS_DEVICE then reject;\n");
    view.tunnelPools().forEach(p -> inside(text, p, "reject"));
    text.append("  accept;\n}\n");
    text.append(
        """
        protocol kernel {
          learn;
          persist;
          scan time 2;
          merge paths on;
          graceful restart;
          ipv4 {
            import filter { if krt_source = 80 then reject; accept; };
            export filter calico_kernel;
          };
        }
        """);
    text.append("protocol static calico_blocks {\n  ipv4;\n");
    for (Cidr block : view.blocks()) {
      if (!block.isSingle()) {
        text.append("  route ").append(block).append(" blackhole;\n");
      }
    }
    text.append("}\n").append("function calico_decide() {\n");
    view.hiddenPools().forEach(p -> inside(text, p, "reject"));
    for (Cidr block : view.blocks()) {
      text.append("  if net = ").append(block).append(" then accept;\n");
      inside(text, block, "reject");
    }
    view.pools().forEach(p -> inside(text, p, "accept"));
    text.append("  reject;\n}\n");
    text.append("filter calico_export { calico_decide(); }\n");
    text.append(
        "# Another node's routes are a fallback here: its own announcement is preferred.\n");
    text.append("filter calico_export_external {\n  if source = RTS_BGP then bgp_path.prepend(");
    text.append(view.asNumber()).append(");\n  calico_decide();\n}\n");
    text.append("template bgp calico_peer {\n  local ").append(view.address());
    text.append(" port ").append(view.listenPort());
    text.append(" as ").append(view.asNumber()).append(";\n");
    text.append(
        """
          multihop;
          graceful restart;
          connect delay time 1;
          connect retry time 2;
          error wait time 2, 10;
          ipv4 { import all; next hop self; gateway recursive; };
        }
        """);
    view.peers().forEach(peer -> peer(text, view, peer));
    return text.toString();
  }

  private static void inside(StringBuilder text, Cidr cidr, String verdict) {
    text.append("  if net ~ [ ").append(cidr).append("+ ] then ").append(verdict).append(";\n");
  }

  private static void peer(StringBuilder text, BgpView view, BgpView.Peer peer) {
    text.append("protocol bgp ").append(peer.name()).append(" from calico_peer {\n");
    text.append("  neighbor ").append(peer.address()).append(" port ").append(peer.port());
    text.append(" as ").append(peer.asNumber()).append(";\n");
    boolean external = peer.asNumber() != view.asNumber();
    text.append("  ipv4 { export filter calico_export");
    text.append(external ? "_external; };\n" : "; };\n");
    if (peer.passive()) {
      text.append("  passive on;\n");
    }
    if (peer.reflectorClient()) {
      text.append("  rr client;\n  rr cluster id ").append(view.clusterId()).append(";\n");
    }
    text.append("}\n");
  }
}
