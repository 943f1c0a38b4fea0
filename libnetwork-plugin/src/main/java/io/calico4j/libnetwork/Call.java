package io.calico4j.libnetwork;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.kernel.KernelException;

/** Serves one call of Docker's plugin protocols. */
@FunctionalInterface
interface Call {
  /**
   * Serves it.
   *
   * @param request what Docker sent; members that are not known are passed over
   * @return what Docker is answered
   */
  JsonObject serve(JsonObject request)
      throws RefusedException, DatastoreException, KernelException, InterruptedException;

  /** Answers that all is well, whatever was sent. */
  Call NOTHING = request -> new JsonObject();
}
