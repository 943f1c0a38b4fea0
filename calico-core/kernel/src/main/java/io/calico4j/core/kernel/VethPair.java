package io.calico4j.core.kernel;

import io.calico4j.core.net.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * A veth pair to create: the host end, up, in the caller's namespace and the other end, down, born
 * in the sandbox.
 *
 * @param hostName name of the host end, at most 15 bytes
 * @param hostMac MAC of the host end
 * @param sandbox the namespace of the other end
 * @param sandboxName name of the other end
 * @param sandboxMac MAC of the other end; null lets the kernel choose
 * @param mtu of both ends, in bytes
 */
public record VethPair(
    String hostName,
    MacAddress hostMac,
    NetworkNamespace sandbox,
    String sandboxName,
    @Nullable MacAddress sandboxMac,
    int mtu) {}
