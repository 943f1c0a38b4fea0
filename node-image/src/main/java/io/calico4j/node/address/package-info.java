/** Which of a host's addresses the other hosts reach it by. */
@NullMarked
package io.calico4j.node.address;

import org.jspecify.annotations.NullMarked;
