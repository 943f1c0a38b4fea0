/** What bird and etcd have in common: what they print, and when they are started again. */
@org.jspecify.annotations.NullMarked
package io.calico4j.node.child;
