package io.calico4j.felix.config;

/** How severe something must be to be logged, in upstream's words. */
public enum LogSeverity {
  /** All. */
  TRACE,
  /** Each single thing that is done. */
  DEBUG,
  /** What has changed. */
  INFO,
  /** What is not as it ought to be, and the process goes on. */
  WARNING,
  /** What an operator must do something about. */
  ERROR,
  /** As ERROR: what ends the process is an error here. */
  FATAL
}
