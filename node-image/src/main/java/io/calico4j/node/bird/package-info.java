/** From the datastore's view of BGP to BIRD 2's configuration, loaded when it changes. */
@org.jspecify.annotations.NullMarked
package io.calico4j.node.bird;
