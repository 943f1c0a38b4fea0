/** Names and ids that travel through the program: checked once, where they enter. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.name;
