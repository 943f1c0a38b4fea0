package io.calico4j.core.ipam;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What IPReservation resources keep from automatic assignment. */
record Reservations(List<Cidr> cidrs) {

  private record Reserved(List<Cidr> cidrs) {}

  /** Reads all reservations; of a damaged one, what can be read of it. */
  static Reservations read(Reads reads, DecodeCache cache) throws DatastoreException {
    List<Cidr> all = new ArrayList<>();
    for (Entry entry : reads.list(ResourceKind.IP_RESERVATION.prefix())) {
      all.addAll(cache.get(entry, Reserved.class, Reservations::decode).cidrs());
    }
    return new Reservations(List.copyOf(all));
  }

  /** Returns these and others. */
  Reservations and(List<Cidr> others) {
    return others.isEmpty()
        ? this
        : new Reservations(Stream.concat(cidrs.stream(), others.stream()).toList());
  }

  private static Reserved decode(Entry entry) {
    List<Cidr> cidrs = new ArrayList<>();
    try {
      JsonObject spec =
          JsonParser.parseString(entry.value()).getAsJsonObject().getAsJsonObject("spec");
      for (JsonElement text : spec.getAsJsonArray("reservedCIDRs")) {
        if (text instanceof JsonPrimitive primitive) {
          Cidr.tryParse(primitive.getAsString()).ifPresent(cidrs::add);
        }
      }
    } catch (RuntimeException | StackOverflowError e) {
      // It reserves what was read before; Felix names it.
    }
    return new Reserved(List.copyOf(cidrs));
  }

  /** Tells whether the address is reserved. */
  boolean contain(IpAddress address) {
    return cidrs.stream().anyMatch(cidr -> cidr.contains(address));
  }

  /** Tells whether one reservation covers the whole block. */
  boolean cover(Cidr block) {
    return cidrs.stream().anyMatch(cidr -> cidr.contains(block));
  }
}
