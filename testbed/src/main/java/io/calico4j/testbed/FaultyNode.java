package io.calico4j.testbed;

import io.calico4j.node.CalicoNode;
import java.nio.file.Path;

/** The real agent, with a {@link Fault} waiting at each of its steps. */
public final class FaultyNode {
  private FaultyNode() {}

  /** Runs the agent. */
  public static void main(String[] arguments) throws InterruptedException {
    Fault fault = new Fault(Path.of("/run/calico"));
    CalicoNode.run(fault::happen);
  }
}
