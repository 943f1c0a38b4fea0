package io.calico4j.mesos;

import org.jspecify.annotations.Nullable;

/** The Mesos agent could not be asked, or what it said cannot be relied upon. */
public final class AgentUnavailableException extends Exception {
  AgentUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
