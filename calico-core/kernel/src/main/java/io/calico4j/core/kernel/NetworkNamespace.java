package io.calico4j.core.kernel;

/**
 * An open network namespace. Nobody enters it with a thread that does other work: code that must
 * run inside is given to {@link Kernel#netlink} or {@link Kernel#setSysctls}.
 */
public interface NetworkNamespace extends AutoCloseable {
  /** Returns the open descriptor, valid until closed. */
  int descriptor();

  /** Returns what the user calls it: the path it was opened by, or a description. */
  String name();

  /** Closes the descriptor. Safe to repeat. */
  @Override
  void close();
}
