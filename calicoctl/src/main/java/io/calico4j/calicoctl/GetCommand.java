package io.calico4j.calicoctl;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.ToNumberPolicy;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.resource.ValidationFilter;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code get KIND [NAME...]}: as a table, wide table, YAML or JSON. */
@Command(description = "Shows resources.", mixinStandardHelpOptions = true)
final class GetCommand implements Callable<Integer> {
  private static final String CUSTOM = "custom-columns=";

  private final Supplier<Datastore> datastore;

  @Option(
      names = {"-o", "--output"},
      defaultValue = "table",
      description =
          "table (or ps), wide, yaml, json, or custom-columns=NAME,... with titles of the wide table"
              + " or paths such as spec.selector")
  private String output = "table";

  @Option(
      names = {"-n", "--namespace"},
      defaultValue = "default",
      description = "the namespace")
  private String namespace = "default";

  @Option(
      names = {"-A", "--all-namespaces"},
      description = "of every namespace")
  private boolean allNamespaces;

  @Parameters(index = "0", description = "kind, such as ippool or wep")
  private String kindName = "";

  @Option(
      names = "--export",
      description = "for named resources: without what another cluster gives them anew")
  private boolean export;

  @Parameters(index = "1..*", arity = "0..*", description = "names; none for all")
  private List<String> names = new ArrayList<>();

  @Spec private CommandSpec spec = CommandSpec.create();

  GetCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    Optional<IpamData> data = IpamData.find(kindName);
    if (data.isPresent()) {
      List<JsonObject> found = read(data.get());
      print(data.get().kind(), IpamData.API_VERSION, found, () -> data.get().table(found));
      return 0;
    }
    ResourceKind<?> kind =
        Kinds.find(kindName)
            .orElseThrow(
                () ->
                    new ParameterException(
                        spec.commandLine(),
                        "kind \"" + kindName + "\" is none of " + Kinds.names()));
    List<JsonObject> found;
    try (Datastore store = datastore.get()) {
      found = read(new ResourceClient(store), kind);
    }
    if (export && !names.isEmpty()) {
      found.forEach(GetCommand::strip);
    }
    print(
        kind.kind(),
        ResourceCodec.API_VERSION,
        found,
        () -> ResourceTable.of(columns(kind), found));
    return 0;
  }

  private List<ResourceTable.Column> columns(ResourceKind<?> kind) {
    boolean withNamespace = kind.namespaced() && allNamespaces;
    if (!output.startsWith(CUSTOM)) {
      return ResourceTable.columns(kind, withNamespace, output.equals("wide"));
    }
    List<ResourceTable.Column> columns = new ArrayList<>();
    for (String title : output.substring(CUSTOM.length()).split(",", -1)) {
      columns.add(
          ResourceTable.column(kind, title.strip())
              .orElseThrow(
                  () ->
                      new ParameterException(
                          spec.commandLine(),
                          "column \""
                              + title
                              + "\" is none of "
                              + ResourceTable.titles(kind)
                              + ", and no path such as spec.selector")));
    }
    return columns;
  }

  /** Removes what another cluster gives the resource anew. */
  private static void strip(JsonObject resource) {
    JsonObject metadata = resource.getAsJsonObject("metadata");
    List.of("uid", "resourceVersion", "creationTimestamp").forEach(metadata::remove);
  }

  private List<JsonObject> read(IpamData data) throws DatastoreException {
    try (Datastore store = datastore.get()) {
      List<JsonObject> all = data.list(store, this::leftOut);
      List<JsonObject> found = names.isEmpty() ? all : new ArrayList<>();
      for (String name : names) {
        found.add(
            all.stream()
                .filter(one -> IpamData.name(one).equals(name))
                .findFirst()
                .orElseThrow(
                    () ->
                        new NotFoundException(
                            data.kind() + "(" + name + ") does not exist", null)));
      }
      return found;
    }
  }

  private void leftOut(String damage) {
    spec.commandLine().getErr().println("damaged, left out: " + damage);
  }

  private void print(
      String kind, String apiVersion, List<JsonObject> found, Supplier<Table> table) {
    PrintWriter out = spec.commandLine().getOut();
    switch (output.startsWith(CUSTOM) ? "table" : output) {
      case "table", "ps", "wide" -> table.get().print(out);
      case "json" ->
          out.println(
              new GsonBuilder()
                  .setPrettyPrinting()
                  .disableHtmlEscaping()
                  .create()
                  .toJson(all(kind, apiVersion, found)));
      case "yaml" -> out.print(yaml(all(kind, apiVersion, found)));
      default ->
          throw new ParameterException(
              spec.commandLine(),
              "output \""
                  + output
                  + "\" is none of table, ps, wide, yaml, json, custom-columns=...");
    }
    out.flush();
  }

  private <S> List<JsonObject> read(ResourceClient client, ResourceKind<S> kind)
      throws DatastoreException {
    List<JsonObject> found = new ArrayList<>();
    if (names.isEmpty()) {
      for (Resource<S> resource : client.list(kind, new ValidationFilter(this::leftOut))) {
        if (!kind.namespaced()
            || allNamespaces
            || namespace.equals(resource.metadata().namespace())) {
          found.add(ResourceCodec.toJson(resource));
        }
      }
    }
    for (String name : names) {
      found.add(
          ResourceCodec.toJson(
              client
                  .get(kind, namespace, name)
                  .orElseThrow(
                      () ->
                          new NotFoundException(
                              kind.kind() + "(" + name + ") does not exist", null))));
    }
    return found;
  }

  private JsonElement all(String kind, String apiVersion, List<JsonObject> found) {
    if (names.size() == 1) {
      return found.get(0);
    }
    JsonObject list = new JsonObject();
    list.addProperty("kind", kind + "List");
    list.addProperty("apiVersion", apiVersion);
    JsonArray items = new JsonArray();
    found.forEach(items::add);
    list.add("items", items);
    return list;
  }

  private static String yaml(JsonElement json) {
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    Gson gson = new GsonBuilder().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();
    return new Yaml(new QuotedTexts(options), options).dump(gson.fromJson(json, Object.class));
  }

  /** Quotes every text that upstream's parser would read as something else. */
  private static final class QuotedTexts extends Representer {
    QuotedTexts(DumperOptions options) {
      super(options);
    }

    @Override
    protected Node representScalar(
        Tag tag, String value, DumperOptions.@Nullable ScalarStyle style) {
      return super.representScalar(
          tag,
          value,
          tag.equals(Tag.STR) && style == null && !GoScalar.isText(value)
              ? DumperOptions.ScalarStyle.SINGLE_QUOTED
              : style);
    }
  }
}
