/** The etcd that calico-node runs itself: its certificates and its life. */
@org.jspecify.annotations.NullMarked
package io.calico4j.node.etcd;
