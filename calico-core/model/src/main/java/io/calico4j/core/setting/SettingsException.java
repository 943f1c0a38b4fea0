package io.calico4j.core.setting;

import java.util.List;

/** Values that were not understood; the message names all of them. */
public final class SettingsException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  SettingsException(List<String> problems) {
    super(String.join("; ", problems));
  }
}
