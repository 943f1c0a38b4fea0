/** What Felix reports to the datastore: that it is alive, and whether endpoints are up. */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.status;
