package io.calico4j.core.bird;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What is read of the answer to {@code show protocols all}; the texts are BIRD 2.0.12's. */
class BirdSessionTest {
  private static BirdSession one(String text) {
    List<BirdSession> sessions = BirdSession.parse(text.lines().toList());
    assertThat(sessions).hasSize(1);
    return sessions.get(0);
  }

  @Test
  void anEstablishedSessionHasRoutes() {
    assertThat(
            one(
                """
                device1    Device     ---        up     19:14:20.160

                Mesh_127_0_0_2 BGP        ---        up     19:14:21.112  Established
                  BGP state:          Established
                    Neighbor address: 127.0.0.2
                    Neighbor port:    10180
                    Neighbor AS:      64512
                    Local AS:         64513
                    Local capabilities
                      AF announced: ipv4
                  Channel ipv4
                    State:          UP
                    Routes:         12 imported, 3 exported, 12 preferred
                    Route change stats:     received   rejected   filtered    ignored   accepted
                      Import updates:             15          0          1          0         14
                      Export updates:              4          0          1        ---          3
                """))
        .isEqualTo(
            new BirdSession(
                "Mesh_127_0_0_2",
                "up",
                "19:14:21.112",
                "Established",
                "127.0.0.2",
                "64512",
                12,
                3,
                15));
  }

  @Test
  void oneThatIsNotEstablishedSaysWhy() {
    BirdSession session =
        one(
            """
            Global_2001_db8__1 BGP        ---        start  2026-11-27 19:14:21 Active        Socket: Connection refused
              BGP state:          Active
                Neighbor address: 2001:db8::1
                Neighbor AS:      65001
                Last error:       Socket: Connection refused
              Channel ipv6
                State:          DOWN
            """);
    assertThat(session.since()).isEqualTo("2026-11-27 19:14:21");
    assertThat(session.info()).isEqualTo("Active Socket: Connection refused");
    assertThat(session.status()).isEqualTo("Active");
    assertThat(session.isV6()).isTrue();
    assertThat(session.imported()).isZero();
  }

  @Test
  void oneThatIsDisabledIsDown() {
    BirdSession session =
        one(
            """
            Global_192_0_2_9 BGP        ---        down   19:14:20.160
              BGP state:          Down
                Neighbor address: 192.0.2.9
                Neighbor AS:      64512
            """);
    assertThat(session.status()).isEqualTo("Down");
    assertThat(session.state()).isEqualTo("down");
  }
}
