/** What attaching, checking and detaching an endpoint mean, for every orchestrator. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.endpoint;
