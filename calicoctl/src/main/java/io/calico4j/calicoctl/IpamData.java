package io.calico4j.calicoctl;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.net.Cidr;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * IPAM's own data as resources to look at, in the form of upstream's {@code
 * crd.projectcalico.org/v1}: in etcd they are no v3 resources but values of their own layout, which
 * only IPAM may write.
 */
enum IpamData {
  /** A node's claim on a block. */
  BLOCK_AFFINITY("BlockAffinity", "blockaffinities", List.of("cidr", "node", "state")) {
    @Override
    @Nullable JsonObject read(Entry entry) throws InvalidResourceException {
      Optional<IpamKeys.Affinity> affinity = IpamKeys.parseAffinity(entry.key());
      if (affinity.isEmpty()) {
        return null;
      }
      JsonObject value = object(entry);
      JsonObject spec = new JsonObject();
      spec.addProperty("cidr", affinity.get().block().toString());
      spec.addProperty("node", affinity.get().node());
      spec.add("state", value.get("state"));
      spec.addProperty("type", "host");
      spec.add("deleted", value.get("deleted"));
      return resource(affinity.get().node() + "-" + dashed(affinity.get().block()), spec, entry);
    }
  },
  /** A block with its allocations. */
  IPAM_BLOCK("IPAMBlock", "ipamblocks", List.of("cidr", "affinity", "sequenceNumber")) {
    @Override
    @Nullable JsonObject read(Entry entry) throws InvalidResourceException {
      if (!entry.key().startsWith(IpamKeys.ROOT + "assignment/")) {
        return null;
      }
      Optional<Cidr> cidr = IpamKeys.tryCidrOf(entry.key());
      return cidr.isEmpty() ? null : resource(dashed(cidr.get()), object(entry), entry);
    }
  },
  /** How many addresses of which blocks a handle holds. */
  IPAM_HANDLE("IPAMHandle", "ipamhandles", List.of("handleID", "block")) {
    @Override
    @Nullable JsonObject read(Entry entry) throws InvalidResourceException {
      if (!entry.key().startsWith(IpamKeys.HANDLES)) {
        return null;
      }
      String handle = entry.key().substring(IpamKeys.HANDLES.length());
      JsonObject spec = object(entry);
      spec.addProperty("handleID", handle);
      return resource(handle.toLowerCase(Locale.ROOT), spec, entry);
    }
  },
  /** The cluster's settings of IPAM. */
  IPAM_CONFIG("IPAMConfig", "ipamconfigs", List.of("strictAffinity", "maxBlocksPerHost")) {
    @Override
    @Nullable JsonObject read(Entry entry) throws InvalidResourceException {
      if (!entry.key().equals(IpamKeys.CONFIG)) {
        return null;
      }
      JsonObject value = object(entry);
      JsonObject spec = new JsonObject();
      spec.add("strictAffinity", value.get("strict_affinity"));
      spec.add("autoAllocateBlocks", value.get("auto_allocate_blocks"));
      spec.add("maxBlocksPerHost", value.get("maxBlocksPerHost"));
      return resource("default", spec, entry);
    }
  };

  /** The apiVersion that upstream gives to IPAM's data. */
  static final String API_VERSION = "crd.projectcalico.org/v1";

  private final String kind;
  private final String plural;
  private final List<String> columns;

  IpamData(String kind, String plural, List<String> columns) {
    this.kind = kind;
    this.plural = plural;
    this.columns = columns;
  }

  /** Reads an entry of the IPAM key space; null when it is of another kind. */
  abstract @Nullable JsonObject read(Entry entry) throws InvalidResourceException;

  /** Finds a kind by its name, in singular or plural. */
  static Optional<IpamData> find(String name) {
    for (IpamData data : values()) {
      if (data.kind.equalsIgnoreCase(name) || data.plural.equalsIgnoreCase(name)) {
        return Optional.of(data);
      }
    }
    return Optional.empty();
  }

  String kind() {
    return kind;
  }

  /** Returns the table of what was found. */
  Table table(List<JsonObject> found) {
    List<String> header = new ArrayList<>(List.of("NAME"));
    columns.forEach(column -> header.add(column.toUpperCase(Locale.ROOT)));
    Table table = new Table(header);
    for (JsonObject one : found) {
      List<String> row = new ArrayList<>(List.of(name(one)));
      columns.forEach(column -> row.add(ResourceTable.cell(one, List.of("spec", column))));
      table.row(row);
    }
    return table;
  }

  /** Returns a resource's name. */
  static String name(JsonObject resource) {
    return resource.getAsJsonObject("metadata").get("name").getAsString();
  }

  /**
   * Lists all of the kind, by key; one that cannot be read is left out.
   *
   * @param damage told each one that cannot be read, with its key
   */
  List<JsonObject> list(Datastore datastore, Consumer<String> damage) throws DatastoreException {
    List<JsonObject> found = new ArrayList<>();
    for (Entry entry : datastore.list(IpamKeys.ROOT).entries()) {
      try {
        JsonObject resource = read(entry);
        if (resource != null) {
          found.add(resource);
        }
      } catch (InvalidResourceException e) {
        damage.accept(String.valueOf(e.getMessage()));
      }
    }
    return found;
  }

  JsonObject resource(String name, JsonObject spec, Entry entry) {
    JsonObject metadata = new JsonObject();
    metadata.addProperty("name", name);
    metadata.addProperty("resourceVersion", Long.toString(entry.revision()));
    JsonObject resource = new JsonObject();
    resource.addProperty("kind", kind);
    resource.addProperty("apiVersion", API_VERSION);
    resource.add("metadata", metadata);
    resource.add("spec", spec);
    return resource;
  }

  private static String dashed(Cidr cidr) {
    return cidr.toString().replaceAll("[.:/]", "-");
  }

  private static JsonObject object(Entry entry) throws InvalidResourceException {
    try {
      JsonElement value = JsonParser.parseString(entry.value());
      if (value.isJsonObject()) {
        return value.getAsJsonObject();
      }
    } catch (JsonParseException e) {
      throw new InvalidResourceException(entry.key() + " is no JSON: " + e.getMessage(), e);
    }
    throw new InvalidResourceException(entry.key() + " is no JSON object", null);
  }
}
