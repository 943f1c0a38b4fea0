/** The datastore on etcd v3, through jetcd; the only place that knows jetcd. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.datastore.etcd;
