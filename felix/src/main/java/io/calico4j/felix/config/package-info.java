/** Felix's parameters, with upstream's names and defaults. */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.config;
