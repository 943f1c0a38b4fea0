/** Reads and writes resources: their JSON, and create, update and delete by compare-and-swap. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.resource;
