package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ResourceCodec;
import java.util.ArrayList;
import java.util.List;

/** What IPReservation resources keep from automatic assignment. */
record Reservations(List<Cidr> cidrs) {

  private record Reserved(List<Cidr> cidrs) {}

  /** Reads all reservations. */
  static Reservations read(Reads reads, DecodeCache cache) throws DatastoreException {
    List<Cidr> all = new ArrayList<>();
    for (Entry entry : reads.list(ResourceKind.IP_RESERVATION.prefix())) {
      all.addAll(cache.get(entry, Reserved.class, Reservations::decode).cidrs());
    }
    return new Reservations(List.copyOf(all));
  }

  private static Reserved decode(Entry entry) throws InvalidResourceException {
    try {
      return new Reserved(
          ResourceCodec.decode(ResourceKind.IP_RESERVATION, entry).spec().reservedCIDRs().stream()
              .map(Cidr::parse)
              .toList());
    } catch (IllegalArgumentException e) {
      throw new InvalidResourceException(entry.key() + ": " + e.getMessage(), e);
    }
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
