package io.calico4j.node;

import io.calico4j.core.name.NodeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * What an operator gives to {@code mesos-agent --attributes}, so that frameworks can place tasks on
 * hosts that have Calico: {@code --attributes=file:///run/calico/mesos-attributes}, or its content
 * beside other attributes. It is written when the plugins can be called.
 */
final class MesosAttributes {
  /** The file's name. */
  static final String FILE = "mesos-attributes";

  private MesosAttributes() {}

  /** Writes the file; whoever reads it sees the old text or the new. */
  static void write(Path directory, NodeName node) throws IOException {
    Path fresh = directory.resolve(FILE + ".new");
    Files.writeString(fresh, "calico:v3;calico_node:" + node + "\n");
    var unused =
        Files.move(
            fresh,
            directory.resolve(FILE),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
  }
}
