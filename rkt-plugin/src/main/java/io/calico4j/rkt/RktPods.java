package io.calico4j.rkt;

import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.endpoint.ContainerLiveness;
import io.calico4j.core.endpoint.ContainerTrace;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/**
 * What rkt knows about its pods: each has a directory, named by its UUID, below the one of its
 * state (rkt, {@code pkg/pod/pods.go}), until {@code rkt gc} has detached and removed it.
 */
public final class RktPods implements ContainerLiveness {
  private static final String RUNTIME = "rkt";

  private static final List<String> STATES =
      List.of("embryo", "prepare", "prepared", "run", "exited-garbage", "garbage");

  private final Path pods;

  /** Reads the pods below rkt's data directory, {@code /var/lib/rkt} unless rkt was told. */
  public RktPods(Path dataDirectory) {
    pods = dataDirectory.resolve("pods");
  }

  /** Names rkt for a request it made: it looks for plugins in a directory of its own; else "". */
  public static String runtimeOf(CniRequest request) {
    return request.path().contains("/rkt/plugins/net") ? RUNTIME : "";
  }

  @Override
  public String runtime() {
    return RUNTIME;
  }

  @Override
  public Verdict of(ContainerTrace trace) {
    if (!Files.isReadable(pods.resolve("run"))) {
      return Verdict.UNSURE;
    }
    for (String state : STATES) {
      Path pod = pods.resolve(state).resolve(trace.identity().workload());
      if (!Files.notExists(pod, LinkOption.NOFOLLOW_LINKS)) {
        return Verdict.KNOWN;
      }
    }
    return Verdict.GONE;
  }
}
