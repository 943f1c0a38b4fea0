package io.calico4j.calicoctl;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.model.Resource;
import io.calico4j.core.resource.UserResources;
import io.calico4j.core.resource.ValidationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads resources from YAML (several documents, lists) or JSON, which is YAML too. */
final class ResourceReader {
  private ResourceReader() {}

  /** Reads every resource of the files; {@code -} is standard input. All are valid, or none is. */
  static List<Resource<?>> read(List<String> files) throws IOException, ValidationException {
    List<Resource<?>> resources = new ArrayList<>();
    for (String file : files) {
      String text =
          file.equals("-")
              ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
              : Files.readString(Path.of(file));
      resources.addAll(parse(file, text));
    }
    return resources;
  }

  static List<Resource<?>> parse(String file, String text) throws ValidationException {
    List<Resource<?>> resources = new ArrayList<>();
    int number = 0;
    try {
      for (JsonElement json : YamlJson.read(text, 1)) {
        number++;
        if (json.isJsonNull()) {
          continue;
        }
        if (!json.isJsonObject()) {
          throw new ValidationException("is no resource", null);
        }
        JsonObject object = json.getAsJsonObject();
        if (object.get("items") != null && object.get("items").isJsonArray()) {
          for (JsonElement item : object.getAsJsonArray("items")) {
            resources.add(UserResources.parse(item.getAsJsonObject()));
          }
        } else {
          resources.add(UserResources.parse(object));
        }
      }
    } catch (YamlJson.Problem e) {
      throw new ValidationException(file + ": " + e.getMessage(), e);
    } catch (ValidationException | IllegalStateException e) {
      throw new ValidationException(file + ": document " + number + ": " + e.getMessage(), e);
    }
    return resources;
  }
}
