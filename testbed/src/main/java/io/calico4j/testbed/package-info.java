/** Root package of this module; the README says what it is for. */
@org.jspecify.annotations.NullMarked
package io.calico4j.testbed;
