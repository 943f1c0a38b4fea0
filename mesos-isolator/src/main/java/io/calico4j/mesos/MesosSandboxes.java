package io.calico4j.mesos;

import io.calico4j.core.endpoint.ContainerLiveness;
import io.calico4j.core.endpoint.ContainerTrace;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * What a Mesos agent's {@code network/cni} isolator knows about its containers: each has a
 * directory below the isolator's root, with the network namespace as the file {@code ns} in it,
 * until all its networks are detached. The root does not outlive a reboot, unless {@code
 * --network_cni_root_dir_persist} is given, and the agent makes it when it starts.
 */
public final class MesosSandboxes implements ContainerLiveness {
  static final String RUNTIME = "mesos";

  /** Needs no configuration: where the isolator's root is, each endpoint's sandbox says. */
  public MesosSandboxes() {}

  @Override
  public String runtime() {
    return RUNTIME;
  }

  @Override
  public Verdict of(ContainerTrace trace) {
    Path sandbox;
    try {
      sandbox = Path.of(trace.sandbox());
    } catch (InvalidPathException e) {
      return Verdict.UNSURE;
    }
    Path container = sandbox.getParent();
    Path root = container == null ? null : container.getParent();
    if (root == null
        || !sandbox.isAbsolute()
        || !sandbox.endsWith(Path.of(trace.identity().workload(), "ns"))
        || !Files.isReadable(root)) {
      return Verdict.UNSURE;
    }
    return Files.notExists(container, LinkOption.NOFOLLOW_LINKS) ? Verdict.GONE : Verdict.KNOWN;
  }
}
