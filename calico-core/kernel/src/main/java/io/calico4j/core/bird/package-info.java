/** BIRD's control socket, and what it tells of sessions. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.bird;
