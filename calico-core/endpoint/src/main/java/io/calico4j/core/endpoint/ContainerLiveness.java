package io.calico4j.core.endpoint;

/** What an orchestrator knows about containers of its own; asked before anything is taken back. */
public interface ContainerLiveness {
  /** What an orchestrator says of a container. */
  enum Verdict {
    /** It has forgotten the container: nobody will ever detach it. */
    GONE,
    /** It knows the container, alive or dead, and will detach it. */
    KNOWN,
    /** It cannot be asked, or not about this container. */
    UNSURE
  }

  /** Returns the orchestrator's name, as {@link AttachRequest#runtime} has it. */
  String runtime();

  /** Says what is known; never throws. */
  Verdict of(ContainerTrace trace);
}
