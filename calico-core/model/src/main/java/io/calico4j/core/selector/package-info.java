/** The selector language: parser, canonical text and identity, evaluation. Pure. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.selector;
