/** The pages that calico-node shows over HTTP: health and metrics. */
@org.jspecify.annotations.NullMarked
package io.calico4j.node.http;
