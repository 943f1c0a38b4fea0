package io.calico4j.node.bird;

import io.calico4j.core.model.SecretKeySelector;

/** Where passwords of sessions are found. */
interface Passwords {
  /**
   * What is found.
   *
   * @param password null when there is none
   * @param problem why there is none; empty when there is one, or need not be one
   */
  record Found(@org.jspecify.annotations.Nullable Password password, String problem) {
    static Found of(Password password) {
      return new Found(password, "");
    }

    static Found none(String problem) {
      return new Found(null, problem);
    }
  }

  /** Finds the password that a key of a secret names. */
  Found find(SecretKeySelector.KeyRef key);
}
