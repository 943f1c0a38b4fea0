/**
 * Felix' parameters, of upstream's Felix all of them: their names, where they are set, and what
 * becomes of each here. Felix and calicoctl both answer from this table.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.felix;
