/**
 * The datastore seam: get, list, transact, watch, in etcd's terms but without etcd's types. The
 * real one is in the {@code etcd} package, the in-memory one in {@code memory}.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.datastore;
