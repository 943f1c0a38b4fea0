package io.calico4j.core.datastore.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.UnavailableException;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The digest at a snapshot's end, and what is left of one that does not come. */
class EtcdSnapshotTest {
  @TempDir private Path directory;

  private Path snapshot(int pages) throws Exception {
    byte[] data = new byte[pages * 512];
    data[data.length / 2] = 7;
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(data);
    all.write(MessageDigest.getInstance("SHA-256").digest(data));
    return Files.write(directory.resolve("etcd.snapshot"), all.toByteArray());
  }

  @Test
  void oneOfAnySizeIsVerified() throws Exception {
    for (int pages : new int[] {1, 2048, 2049, 5000}) {
      Path file = snapshot(pages);
      assertThatCode(() -> EtcdSnapshot.verify(file)).doesNotThrowAnyException();
    }
  }

  @Test
  void aChangedByteIsNoticed() throws Exception {
    Path file = snapshot(3000);
    byte[] bytes = Files.readAllBytes(file);
    for (int at : new int[] {0, 1 << 20, bytes.length - 33, bytes.length - 1}) {
      bytes[at] ^= 1;
      Files.write(file, bytes);
      assertThatThrownBy(() -> EtcdSnapshot.verify(file))
          .isInstanceOf(UnavailableException.class)
          .hasMessageContaining("is damaged");
      bytes[at] ^= 1;
    }
  }

  @Test
  void oneThatIsCutIsNoticed() throws Exception {
    Path file = snapshot(4);
    byte[] bytes = Files.readAllBytes(file);
    for (int length : new int[] {0, 32, 512, bytes.length - 1}) {
      Files.write(file, java.util.Arrays.copyOf(bytes, length));
      assertThatThrownBy(() -> EtcdSnapshot.verify(file))
          .isInstanceOf(UnavailableException.class)
          .hasMessageContaining("no whole snapshot");
    }
  }

  @Test
  void withoutEtcdTheFormerFileStays() throws Exception {
    Path file = Files.writeString(directory.resolve("former"), "kept");
    // Port 1 is refused: no server listens on it.
    assertThatThrownBy(() -> EtcdSnapshot.save(EtcdConfig.of(List.of("http://127.0.0.1:1")), file))
        .isInstanceOf(UnavailableException.class)
        .hasMessageContaining("refuses the connection");
    assertThat(file).hasContent("kept");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactly(file);
    }
  }
}
