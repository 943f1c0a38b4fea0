/**
 * The socket between the launcher that a runtime executes and calico-node. Protocol (all integers
 * little-endian, unsigned 32 bits): the client sends the magic {@code C4J1}, the length of the
 * rest, then argument count, each argument as length and bytes; variable count, each {@code
 * NAME=VALUE} as length and bytes; standard input as length and bytes. The netns descriptor, if
 * any, comes with the first byte (SCM_RIGHTS). The server answers exit code, length of standard
 * output and bytes, length of standard error and bytes, and closes. A client that closes before its
 * request has begun withdraws it.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.plugin;
