package io.calico4j.mesos;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.calico4j.core.cni.CniError;
import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a Mesos agent's DEL succeed when the request itself is at fault. An agent sends DEL for an
 * ADD that was refused too, with the same configuration, and a container whose DEL fails is
 * destroying until the agent is restarted. Such a request has attached nothing. Networks whose
 * addresses are another plugin's are left out: that plugin's error may heal.
 */
public final class LenientDetach implements PluginHandler {
  private static final Logger log = LoggerFactory.getLogger(LenientDetach.class);
  private static final Set<Integer> REQUEST_AT_FAULT =
      Set.of(
          CniError.INCOMPATIBLE_VERSION,
          CniError.INVALID_ENVIRONMENT,
          CniError.CANNOT_DECODE,
          CniError.INVALID_CONFIGURATION);

  private final PluginHandler plugin;

  /** Wraps the plugin that does the work. */
  public LenientDetach(PluginHandler plugin) {
    this.plugin = plugin;
  }

  @Override
  public PluginResponse handle(PluginRequest request) {
    PluginResponse response = plugin.handle(request);
    if (response.isServed()
        || !"DEL".equals(request.environment().get("CNI_COMMAND"))
        || !isOfMesos(request.standardInput())
        || !isRequestAtFault(response.outcome())) {
      return response;
    }
    log.warn(
        "DEL of container {} is answered with success, since the same ADD was refused: {}",
        request.environment().get("CNI_CONTAINERID"),
        response.standardOutput());
    return new PluginResponse(new Outcome.Served(), "", response.standardError());
  }

  private static boolean isOfMesos(String input) {
    JsonObject configuration = object(input);
    return configuration.get("args") instanceof JsonObject arguments
        && arguments.has(MesosRequestMapper.ARGUMENTS)
        && !isDelegated(configuration);
  }

  private static boolean isDelegated(JsonObject configuration) {
    return configuration.get("ipam") instanceof JsonObject ipam
        && ipam.get("type") instanceof JsonPrimitive type
        && !type.getAsString().equals("calico-ipam");
  }

  private static boolean isRequestAtFault(Outcome outcome) {
    return outcome instanceof Outcome.CniFailure failure
        && REQUEST_AT_FAULT.contains(failure.code());
  }

  private static JsonObject object(String text) {
    try {
      return JsonParser.parseString(text) instanceof JsonObject object ? object : new JsonObject();
    } catch (JsonParseException | NumberFormatException e) {
      return new JsonObject();
    }
  }
}
