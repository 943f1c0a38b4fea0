package io.calico4j.core.model;

import org.jspecify.annotations.Nullable;

/**
 * Where a password is: a key of a secret. Never the password itself.
 *
 * @param secretKeyRef the key
 */
public record SecretKeySelector(@Nullable KeyRef secretKeyRef) {
  /**
   * A key of a secret.
   *
   * @param name the secret
   * @param key the key in it
   * @param optional whether it may be missing, which then means no password
   */
  public record KeyRef(@Nullable String name, @Nullable String key, @Nullable Boolean optional) {}
}
