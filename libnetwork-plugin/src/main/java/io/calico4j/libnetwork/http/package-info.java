/** HTTP over unix sockets: the only package here that knows Netty. */
@org.jspecify.annotations.NullMarked
package io.calico4j.libnetwork.http;
