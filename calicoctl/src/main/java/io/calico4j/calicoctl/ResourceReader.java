package io.calico4j.calicoctl;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.calico4j.core.model.Resource;
import io.calico4j.core.resource.UserResources;
import io.calico4j.core.resource.ValidationException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads resources from YAML (several documents, lists) or JSON, which is YAML too. All files are
 * read to their end, so that every problem is reported at once.
 */
final class ResourceReader {
  /** Where a document begins: it is read by itself, so that a slip costs only its own document. */
  private static final Pattern SEPARATOR = Pattern.compile("(?m)^---(?=\\s|$)");

  private final List<Given> given = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();

  private ResourceReader() {}

  /**
   * A resource of a file.
   *
   * @param place file and document, for messages
   * @param resource what it says
   */
  record Given(String place, Resource<?> resource) {}

  /**
   * Reads every resource of the files; {@code -} is standard input. All are valid, or none is.
   *
   * @param recursive whether directories in directories count
   * @param mayBeEmpty whether a file without resources is no error
   * @throws ValidationException with every problem, a line each
   */
  static List<Given> read(List<String> files, boolean recursive, boolean mayBeEmpty)
      throws IOException, ValidationException {
    ResourceReader reader = new ResourceReader();
    for (InputFiles.Input input : InputFiles.read(files, recursive)) {
      reader.file(input, mayBeEmpty);
    }
    if (!reader.problems.isEmpty()) {
      throw new ValidationException(String.join("\n", reader.problems), null);
    }
    return reader.given;
  }

  private void file(InputFiles.Input input, boolean mayBeEmpty) {
    String text;
    try {
      text = input.text();
    } catch (CharacterCodingException e) {
      problems.add(input.name() + ": " + e.getMessage());
      return;
    }
    int before = given.size() + problems.size();
    int number = 0;
    int start = 0;
    Matcher separator = SEPARATOR.matcher(text);
    while (start < text.length()) {
      int end = separator.find() ? separator.start() : text.length();
      String document = text.substring(start, end);
      if (!isEmpty(document.startsWith("---") ? document.substring(3) : document)) {
        number++;
        document(input.name() + ": document " + number, document, line(text, start));
      }
      start = end;
    }
    if (given.size() + problems.size() == before && !mayBeEmpty) {
      problems.add("no resources specified in file " + input.name());
    }
  }

  /** Comments and directives are no document. */
  private static boolean isEmpty(String document) {
    return document
        .lines()
        .map(String::strip)
        .allMatch(line -> line.isEmpty() || line.startsWith("#") || line.startsWith("%"));
  }

  private static int line(String text, int offset) {
    return 1 + (int) text.substring(0, offset).chars().filter(c -> c == '\n').count();
  }

  private void document(String place, String text, int line) {
    try {
      for (JsonElement json : YamlJson.read(text, line)) {
        elements(place, json);
      }
    } catch (YamlJson.Problem e) {
      problems.add(place + ": " + e.getMessage());
    }
  }

  private void elements(String place, JsonElement json) {
    JsonElement list =
        json instanceof JsonObject object && object.get("items") != null
            ? object.get("items")
            : json;
    if (list.isJsonArray()) {
      int item = 0;
      for (JsonElement element : list.getAsJsonArray()) {
        item++;
        resource(place + " item " + item, element);
      }
    } else if (!json.isJsonNull()) {
      resource(place, json);
    }
  }

  private void resource(String place, JsonElement json) {
    if (!(json instanceof JsonObject object)) {
      problems.add(place + ": is no resource");
      return;
    }
    try {
      given.add(new Given(place, UserResources.parse(object)));
    } catch (ValidationException e) {
      problems.add(place + ": " + e.getMessage());
    }
  }
}
