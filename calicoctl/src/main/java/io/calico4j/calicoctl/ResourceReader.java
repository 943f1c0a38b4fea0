package io.calico4j.calicoctl;

import com.google.gson.Gson;
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
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

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
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    options.setMaxAliasesForCollections(20);
    List<Resource<?>> resources = new ArrayList<>();
    int number = 0;
    try {
      for (Object document : new Yaml(new SafeConstructor(options)).loadAll(text)) {
        number++;
        JsonElement json = new Gson().toJsonTree(document);
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
    } catch (YAMLException e) {
      throw new ValidationException(file + ": " + e.getMessage(), e);
    } catch (ValidationException | IllegalStateException e) {
      throw new ValidationException(file + ": document " + number + ": " + e.getMessage(), e);
    }
    return resources;
  }
}
