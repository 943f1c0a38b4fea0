package io.calico4j.core.endpoint;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;

/**
 * What a plugin releases besides an endpoint and its addresses when the endpoint is detached, and
 * knows only from the endpoint as it is stored. It is done when the datastore answers: at once, or
 * later, by calico-node, from a record. It may be done twice.
 */
public interface DetachStep {
  /**
   * Releases it; the endpoint's link is gone, and the endpoint leaves the datastore afterwards.
   *
   * @param endpoint as it is stored; without one the step is left out
   * @param request what the plugin gave when it asked for the detachment
   */
  void run(Resource<WorkloadEndpointSpec> endpoint, JsonObject request)
      throws DatastoreException, AttachException;

  /**
   * A step that is asked for.
   *
   * @param name as it was given to {@link EndpointService#addStep}
   * @param request kept with the record; only root can read it
   */
  record Asked(String name, JsonObject request) {}
}
