/** What tests of every module use: a datastore in memory, damaged values. Never in the product. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.testing;
