/**
 * What an operator may set: each setting once, with its type, default and description, in one table
 * for each component. Reading, checking and the documentation all come from that table.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.setting;
