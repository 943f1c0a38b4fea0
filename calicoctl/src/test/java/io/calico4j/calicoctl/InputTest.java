package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files in the forms that users have them. */
class InputTest extends CommandFixture {
  private static final String SET =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkSet
      metadata:
        name: %s
      spec:
        nets: [198.51.100.0/24]
      """;

  @TempDir private Path files;

  private int apply(String text, Charset charset) throws Exception {
    Path file = files.resolve("input");
    Files.write(file, text.getBytes(charset));
    return run("apply", "-f", file.toString());
  }

  private int apply(String text) throws Exception {
    return apply(text, StandardCharsets.UTF_8);
  }

  private long sets() {
    return datastore
        .list("/calico/resources/v3/projectcalico.org/globalnetworksets/")
        .entries()
        .size();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "# only a comment\n---\n# and another\n",
        "---\n---\n",
        "kind: GlobalNetworkSetList\nitems: []\n",
        "[]",
      })
  void aFileWithoutResourcesIsAnErrorUnlessThatIsExpected(String text) throws Exception {
    assertThat(apply(text)).isEqualTo(1);
    assertThat(err.toString()).contains("no resources specified in file " + files);
    assertThat(run("apply", "--skip-empty", "-f", files.resolve("input").toString())).isZero();
  }

  @Test
  void aDirectoryIsItsFiles() throws Exception {
    Files.createDirectories(files.resolve("d/sub"));
    assertThat(run("apply", "-f", files.resolve("d").toString())).isEqualTo(1);
    assertThat(err.toString()).contains("no resources specified in directory");
    Files.writeString(files.resolve("d/README.txt"), "read me");
    Files.writeString(files.resolve("d/a.yaml"), SET.formatted("a"));
    Files.writeString(files.resolve("d/b.JSON"), SET.formatted("b"));
    Files.writeString(files.resolve("d/sub/c.yml"), SET.formatted("c"));
    assertThat(run("apply", "-f", files.resolve("d").toString())).as(err.toString()).isZero();
    assertThat(sets()).isEqualTo(2);
    assertThat(run("apply", "-R", "-f", files.resolve("d").toString())).isZero();
    assertThat(sets()).isEqualTo(3);
    assertThat(run("apply", "-f", files.resolve("none").toString())).isEqualTo(1);
    assertThat(err.toString()).contains("none does not exist");
  }

  @Test
  void documentsListsAndLineEndsOfEachFormAreRead() throws Exception {
    assertThat(apply("- " + SET.formatted("sl").replace("\n", "\n  ").strip() + "\n"))
        .as(err.toString())
        .isZero();
    String several = "---\n---\n" + SET.formatted("e1") + "---\n\n---\n# c\n--- # d\n";
    assertThat(apply(several + SET.formatted("e2") + "---\n...\n")).as(err.toString()).isZero();
    assertThat(apply(SET.formatted("crlf").replace("\n", "\r\n"))).as(err.toString()).isZero();
    assertThat(apply("\ufeff---\n" + SET.formatted("bom"))).as(err.toString()).isZero();
    assertThat(apply("\ufeff" + SET.formatted("utf16"), StandardCharsets.UTF_16LE))
        .as(err.toString())
        .isZero();
    assertThat(sets()).isEqualTo(6);
    assertThat(apply("# caf\u00e9\n" + SET.formatted("l"), StandardCharsets.ISO_8859_1))
        .isEqualTo(1);
    assertThat(err.toString()).contains("line 1: is not UTF-8: save it as UTF-8");
  }

  @Test
  void aFileMayBeLargerThan3Megabytes() throws Exception {
    StringBuilder list = new StringBuilder("kind: GlobalNetworkSetList\nitems:\n");
    for (int i = 0; i < 500; i++) {
      list.append("- {apiVersion: projectcalico.org/v3, kind: GlobalNetworkSet, metadata: {name: s")
          .append(i)
          .append("}, spec: {nets: [198.51.100.0/24")
          .append(", 198.51.100.0/24".repeat(400))
          .append("]}}\n");
    }
    assertThat(list.length()).isGreaterThan(3 << 20);
    assertThat(apply(list.toString())).as(err.toString()).isZero();
    assertThat(sets()).isEqualTo(500);
  }

  @Test
  void everyProblemIsReportedAtOnceAndNothingIsWritten() throws Exception {
    String text =
        SET.formatted("good")
            + "---\n"
            + SET.formatted("Bad_Name")
            + "---\n"
            + SET.formatted("tab").replace("  nets", "\tnets")
            + "---\nkind: GlobalNetworkSetList\nitems:\n- kind: Nonsense\n- 7\n";
    assertThat(apply(text)).isEqualTo(1);
    String file = files.resolve("input").toString();
    assertThat(err.toString().lines())
        .hasSize(4)
        .allMatch(line -> line.startsWith("calicoctl: " + file + ": document "));
    assertThat(err.toString())
        .contains("document 2: GlobalNetworkSet(Bad_Name) metadata.name")
        .contains("document 3: line 20: ")
        .contains("document 4 item 1: kind: \"Nonsense\"")
        .contains("document 4 item 2: is no resource");
    assertThat(sets()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"s, s", "default.p, p"})
  void nothingIsGivenTwice(String first, String second) throws Exception {
    String kind = first.equals("s") ? "GlobalNetworkSet" : "GlobalNetworkPolicy";
    String document =
        "apiVersion: projectcalico.org/v3\nkind: " + kind + "\nmetadata: {name: NAME}\n";
    assertThat(apply(document.replace("NAME", first) + "---\n" + document.replace("NAME", second)))
        .isEqualTo(1);
    assertThat(err.toString())
        .contains("document 2: " + kind + "(" + second + ") is given twice")
        .contains("document 1");
    assertThat(datastore.list("/calico/").entries()).isEmpty();
  }

  @Test
  void poolsThatOverlapAndPoliciesWithoutTierAreRefusedBeforeAnythingIsWritten() throws Exception {
    assertThat(
            apply(
                POOL.formatted("one", "10.65.0.0/16")
                    + "---\n"
                    + POOL.formatted("two", "10.65.8.0/24")))
        .isEqualTo(1);
    assertThat(err.toString()).contains("IPPool(two) spec.cidr: 10.65.8.0/24 overlaps IPPool(one)");
    String policy =
        "---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\n"
            + "metadata: {name: p}\nspec: {tier: sec}\n";
    assertThat(apply(SET.formatted("s") + policy)).isEqualTo(1);
    assertThat(err.toString())
        .contains("document 2: GlobalNetworkPolicy(p) spec.tier: there is no");
    assertThat(datastore.list("/calico/").entries()).isEmpty();
    String tier =
        "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: sec}\nspec: {order: 1}\n";
    assertThat(apply(tier + policy)).as(err.toString()).isZero();
  }
}
