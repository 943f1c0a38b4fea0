package io.calico4j.calicoctl;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeId;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;
import org.yaml.snakeyaml.resolver.Resolver;

/** Reads YAML as JSON, with the scalars of {@link GoScalar} and upstream's limit for aliases. */
final class YamlJson {
  /** Upstream's limits (goyaml.v2/decode.go): values in all, and how many of them by aliases. */
  private static final int FEW_VALUES = 400_000;

  private static final int MANY_VALUES = 4_000_000;
  private static final Tag PLAIN = new Tag("plain");
  private static final Set<Tag> TEXTS = Set.of(Tag.STR, Tag.BINARY, Tag.TIMESTAMP);
  private static final Set<Tag> VALUES = Set.of(Tag.INT, Tag.FLOAT, Tag.BOOL, Tag.NULL);

  private final Map<Node, Boolean> open = new IdentityHashMap<>();
  private final Map<Node, Boolean> seen = new IdentityHashMap<>();
  private long values;
  private long aliased;
  private int insideAlias;

  private YamlJson() {}

  /** What cannot be read, and where. */
  static final class Problem extends Exception {
    private static final long serialVersionUID = 1;

    private final int line;

    Problem(int line, String message, Throwable cause) {
      super((line > 0 ? "line " + line + ": " : "") + message, cause);
      this.line = line;
    }

    /** Returns the line, from 1; 0 when it is not known. */
    int line() {
      return line;
    }
  }

  /**
   * Reads all documents of a text.
   *
   * @param firstLine the number of its first line, for messages
   * @throws Problem with the line and what is wrong there
   */
  static List<JsonElement> read(String text, int firstLine) throws Problem {
    LoaderOptions options = new LoaderOptions();
    options.setMaxAliasesForCollections(Integer.MAX_VALUE);
    options.setCodePointLimit(Integer.MAX_VALUE);
    List<JsonElement> documents = new ArrayList<>();
    try {
      DumperOptions unused = new DumperOptions();
      Yaml yaml =
          new Yaml(
              new SafeConstructor(options),
              new Representer(unused),
              unused,
              options,
              new Untouched());
      for (Node node : yaml.composeAll(new StringReader(text))) {
        documents.add(new YamlJson().convert(node));
      }
      return documents;
    } catch (MarkedYAMLException e) {
      Mark mark = e.getProblemMark();
      int line = mark == null ? 0 : firstLine + mark.getLine();
      throw new Problem(line, String.valueOf(e.getProblem()), e);
    } catch (YAMLException | IllegalArgumentException e) {
      throw new Problem(0, String.valueOf(e.getMessage()), e);
    }
  }

  private JsonElement convert(Node node) {
    boolean alias = node.getAnchor() != null && seen.put(node, true) != null;
    insideAlias += alias ? 1 : 0;
    count(node);
    if (open.put(node, true) != null) {
      throw problem(node, "the anchor \"" + node.getAnchor() + "\" contains itself");
    }
    JsonElement value;
    if (node instanceof MappingNode mapping) {
      value = object(mapping);
    } else if (node instanceof SequenceNode sequence) {
      JsonArray array = new JsonArray();
      sequence.getValue().forEach(element -> array.add(convert(element)));
      value = array;
    } else {
      value = scalar((ScalarNode) node);
    }
    open.remove(node);
    insideAlias -= alias ? 1 : 0;
    return value;
  }

  /** A small text must not become a huge document by aliases of aliases. */
  private void count(Node node) {
    values++;
    aliased += insideAlias > 0 ? 1 : 0;
    double share =
        values <= FEW_VALUES
            ? 0.99
            : Math.max(0.10, 0.99 - 0.89 * (values - FEW_VALUES) / (MANY_VALUES - FEW_VALUES));
    if (aliased > 100 && values > 1000 && aliased > share * values) {
      throw problem(node, "document contains excessive aliasing");
    }
  }

  private JsonObject object(MappingNode mapping) {
    JsonObject merged = new JsonObject();
    JsonObject own = new JsonObject();
    Map<String, Node> places = new HashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      Node keyNode = tuple.getKeyNode();
      if (isMerge(keyNode)) {
        merge(merged, tuple.getValueNode());
        continue;
      }
      String key = key(keyNode);
      if (places.put(key, keyNode) != null) {
        throw problem(keyNode, "key \"" + key + "\" already set in map");
      }
      own.add(key, convert(tuple.getValueNode()));
    }
    own.entrySet().forEach(e -> merged.add(e.getKey(), e.getValue()));
    return merged;
  }

  private static boolean isMerge(Node key) {
    return key instanceof ScalarNode scalar && scalar.isPlain() && scalar.getValue().equals("<<");
  }

  private void merge(JsonObject merged, Node node) {
    JsonElement value = convert(node);
    List<JsonElement> parts =
        value.isJsonArray() ? value.getAsJsonArray().asList() : List.of(value);
    for (JsonElement part : parts) {
      if (!part.isJsonObject()) {
        throw problem(node, "map merge requires map or sequence of maps as the value");
      }
      part.getAsJsonObject().entrySet().stream()
          .filter(e -> !merged.has(e.getKey()))
          .forEach(e -> merged.add(e.getKey(), e.getValue()));
    }
  }

  private static String key(Node node) {
    JsonElement key = node instanceof ScalarNode scalar ? scalar(scalar) : JsonNull.INSTANCE;
    if (key.isJsonNull()) {
      throw problem(node, "a key must be text");
    }
    return key.getAsString();
  }

  private static JsonElement scalar(ScalarNode node) {
    Tag tag = node.getTag();
    if (TEXTS.contains(tag)) {
      return new JsonPrimitive(node.getValue());
    }
    if (!tag.equals(PLAIN) && !VALUES.contains(tag)) {
      throw problem(node, "tag " + tag.getValue() + " is not known");
    }
    try {
      return GoScalar.resolve(node.getValue());
    } catch (IllegalArgumentException e) {
      throw problem(node, String.valueOf(e.getMessage()));
    }
  }

  /** Leaves the meaning of a plain scalar to {@link GoScalar}. */
  private static final class Untouched extends Resolver {
    @Override
    public Tag resolve(NodeId kind, String value, boolean implicit) {
      return kind == NodeId.scalar && implicit ? PLAIN : super.resolve(kind, value, implicit);
    }
  }

  private static YAMLException problem(Node node, String message) {
    return new NodeProblem(message, node.getStartMark());
  }

  private static final class NodeProblem extends MarkedYAMLException {
    private static final long serialVersionUID = 1;

    NodeProblem(String problem, Mark mark) {
      super(null, null, problem, mark);
    }
  }
}
