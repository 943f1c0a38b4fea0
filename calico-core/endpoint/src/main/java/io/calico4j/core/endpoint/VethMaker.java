package io.calico4j.core.endpoint;

import com.google.common.util.concurrent.Uninterruptibles;
import io.calico4j.core.endpoint.AttachException.Reason;
import io.calico4j.core.endpoint.AttachTimings.Clock;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/** Looks at sandboxes and makes their veth pairs: what can be done before addresses are known. */
final class VethMaker {
  private final Kernel kernel;
  private final LinkReaper reaper;
  private final SandboxWiring wiring;
  private final EndpointStep.Observer steps;

  VethMaker(Kernel kernel, LinkReaper reaper, SandboxWiring wiring, EndpointStep.Observer steps) {
    this.kernel = kernel;
    this.reaper = reaper;
    this.wiring = wiring;
    this.steps = steps;
  }

  /**
   * Makes a veth pair between the host and a sandbox, without addresses.
   *
   * @param fit told when the sandbox was found fit, so that something may be made
   * @return a socket in the sandbox
   */
  Netlink make(
      AttachRequest request,
      NetworkNamespace sandbox,
      SandboxWiring.Plan plan,
      AtomicBoolean fit,
      Clock clock)
      throws AttachException, KernelException {
    long start = System.nanoTime();
    Netlink inside = open(request, sandbox, plan, () -> fit.set(true));
    try {
      wiring.prepare(sandbox, inside, request.identity(), plan);
    } catch (KernelException | RuntimeException e) {
      inside.close();
      throw e;
    }
    clock.set(Clock.Part.PAIR, System.nanoTime() - start);
    return inside;
  }

  /** Opens a sandbox that is fit for the request, and tells so before anything is changed in it. */
  Netlink open(
      AttachRequest request, NetworkNamespace sandbox, SandboxWiring.Plan plan, Runnable fit)
      throws AttachException {
    Kernel.Check<AttachException> check =
        inside -> {
          check(request, sandbox, inside);
          fit.run();
        };
    try {
      return kernel.netlink(sandbox, check, SandboxWiring.sandboxSysctls(plan));
    } catch (KernelException e) {
      throw new AttachException(Reason.SANDBOX, String.valueOf(e.getMessage()), e);
    }
  }

  /** Waits for a veth pair that a failure elsewhere has made useless, and closes its socket. */
  static void close(Future<Netlink> made, Exception failure) {
    try {
      await(made).close();
    } catch (KernelException | AttachException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * Waits for a veth pair that a helper thread makes. An interrupt does not end the wait: the
   * helper would go on, and its pair and socket would be left behind.
   */
  static Netlink await(Future<Netlink> made) throws KernelException, AttachException {
    try {
      return Objects.requireNonNull(Uninterruptibles.getUninterruptibly(made));
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KernelException known) {
        throw known;
      }
      if (e.getCause() instanceof AttachException known) {
        throw known;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private void check(AttachRequest request, NetworkNamespace sandbox, Netlink inside)
      throws AttachException {
    String name = request.identity().interfaceName().text();
    try {
      if (kernel.isOwn(sandbox)) {
        throw new AttachException(
            Reason.SANDBOX,
            sandbox.name()
                + " is the host's own network namespace: give the container one of its own",
            null);
      }
      Optional<Link> link = inside.index(name).isEmpty() ? Optional.empty() : inside.link(name);
      if (link.isPresent() && !isOurs(request, link.get())) {
        // It may belong to an endpoint that was detached a moment ago.
        reaper.finish();
        link = inside.link(name);
      }
      if (link.isPresent() && !isOurs(request, link.get())) {
        throw new AttachException(
            Reason.SANDBOX, "interface " + name + " exists already in " + sandbox.name(), null);
      }
    } catch (KernelException e) {
      throw new AttachException(Reason.SANDBOX, String.valueOf(e.getMessage()), e);
    }
    steps.reached(EndpointStep.SANDBOX_CHECKED);
  }

  private static boolean isOurs(AttachRequest request, Link link) {
    return link.mac() != null && link.mac().equals(request.mac());
  }
}
