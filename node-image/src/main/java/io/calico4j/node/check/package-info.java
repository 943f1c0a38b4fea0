/** Whether this host can run calico-node, for {@code calico-node --check}. */
@NullMarked
package io.calico4j.node.check;

import org.jspecify.annotations.NullMarked;
