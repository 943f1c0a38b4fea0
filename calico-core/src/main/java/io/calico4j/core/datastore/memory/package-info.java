/** A datastore in memory, for unit tests: passes the same contract as etcd's. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.datastore.memory;
