/**
 * What tests of every module use: a datastore in memory, damaged values, builders of resources and
 * assertions about them. Never in the product.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.testing;
