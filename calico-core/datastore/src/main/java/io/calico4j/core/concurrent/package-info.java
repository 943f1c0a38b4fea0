/** Threads whose death is noticed. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.concurrent;
