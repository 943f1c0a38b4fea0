/**
 * What the CNI plugins need to know of rkt. The plugins themselves serve every runtime and are
 * core's.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.rkt;
