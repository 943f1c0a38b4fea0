package io.calico4j.node.bird;

import io.calico4j.core.model.SecretKeySelector;
import java.util.HashMap;
import java.util.Map;

/** Remembers which passwords were asked for, so that a change of one is noticed. */
final class RecordedPasswords implements Passwords {
  private final Passwords passwords;
  private final Map<SecretKeySelector.KeyRef, Found> found = new HashMap<>();

  RecordedPasswords(Passwords passwords) {
    this.passwords = passwords;
  }

  @Override
  public Found find(SecretKeySelector.KeyRef key) {
    return found.computeIfAbsent(key, passwords::find);
  }

  /** Tells whether one of them is not what it was. */
  boolean haveChanged() {
    return found.entrySet().stream()
        .anyMatch(asked -> !passwords.find(asked.getKey()).equals(asked.getValue()));
  }
}
