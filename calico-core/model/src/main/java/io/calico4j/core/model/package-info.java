/**
 * Calico v3 resources as records: key, JSON, validation. Field names and meanings are those of
 * projectcalico.org/v3; optional values are null, absent lists and maps are empty. Fields this
 * model does not know survive a read-modify-write, because a resource keeps its document.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.model;
