package io.calico4j.node.bird;

import io.calico4j.core.model.SecretKeySelector;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Passwords from files: {@code DIRECTORY/NAME/KEY} holds what key {@code KEY} of secret {@code
 * NAME} would hold, the layout in which Kubernetes mounts secrets. One line end is cut off.
 */
final class PasswordFiles implements Passwords {
  private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,252}");

  private final Path directory;

  PasswordFiles(Path directory) {
    this.directory = directory;
  }

  @Override
  public Found find(SecretKeySelector.KeyRef key) {
    String name = String.valueOf(key.name());
    String item = String.valueOf(key.key());
    if (!PART.matcher(name).matches() || !PART.matcher(item).matches()) {
      return Found.none("secretKeyRef names no file");
    }
    Path file = directory.resolve(name).resolve(item);
    try {
      String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      return Password.of(text.replaceFirst("\r?\n$", ""))
          .map(Found::of)
          .orElseGet(() -> Found.none(file + " must have " + Password.FORM));
    } catch (NoSuchFileException e) {
      return Found.none(
          Boolean.TRUE.equals(key.optional()) ? "" : "the password's file " + file + " is missing");
    } catch (IOException e) {
      return Found.none("the password's file " + file + " cannot be read: " + e.getMessage());
    }
  }
}
