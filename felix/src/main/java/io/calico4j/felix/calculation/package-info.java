/**
 * From the datastore's resources to what this node must enforce. Pure and single-threaded: the
 * output depends on the present state only, never on how it came about.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.calculation;
