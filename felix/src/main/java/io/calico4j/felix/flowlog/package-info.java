/** Tells in the log which flows policy denies. */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.flowlog;
