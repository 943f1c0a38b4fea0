package io.calico4j.mesos;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.ipam.AddressInUseException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.model.PrintableText;
import io.calico4j.core.plugin.Outcome;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The external-command protocol of net-modules (Mesos 0.25 to 0.28): one JSON request on standard
 * input, one JSON answer on standard output, failures in its {@code error} member. Error texts are
 * those of calico-mesos, for scripts.
 */
public final class NetModulesPlugin implements PluginHandler {
  private static final Logger log = LoggerFactory.getLogger(NetModulesPlugin.class);

  private final NetModulesCommands commands;

  /** Makes the plugin. */
  public NetModulesPlugin(
      EndpointService endpoints, Ipam ipam, Kernel kernel, ResourceClient resources) {
    commands = new NetModulesCommands(endpoints, ipam, kernel, resources);
  }

  @Override
  public PluginResponse handle(PluginRequest request) {
    try {
      JsonObject answer = serve(request.standardInput());
      answer.add("error", JsonNull.INSTANCE);
      return PluginResponse.served(answer.toString());
    } catch (AddressInUseException e) {
      RefusedRequestException refused = RefusedRequestException.addressInUse(e.address());
      return failure(refused.outcome(), String.valueOf(refused.getMessage()), e);
    } catch (RefusedRequestException e) {
      return failure(e.outcome(), String.valueOf(e.getMessage()), e);
    } catch (IpamException
        | DatastoreException
        | AttachException
        | KernelException
        | IllegalArgumentException e) {
      return failure(Outcome.NetModulesFailure.REFUSED, String.valueOf(e.getMessage()), e);
    }
  }

  private static PluginResponse failure(Outcome outcome, String error, Exception cause) {
    log.warn("a net-modules request failed: {}", cause.getMessage());
    JsonObject answer = new JsonObject();
    answer.addProperty("error", error);
    return new PluginResponse(outcome, answer.toString(), PrintableText.of(error) + "\n");
  }

  private JsonObject serve(String text)
      throws RefusedRequestException,
          IpamException,
          DatastoreException,
          AttachException,
          KernelException {
    JsonObject request = decode(text);
    String command = new NetModulesArguments(request).string("command");
    if (!(request.get("args") instanceof JsonObject args)) {
      throw new RefusedRequestException("Missing args");
    }
    JsonObject answer = commands.run(command, new NetModulesArguments(args));
    log.info("net-modules {} {}", command, args);
    return answer;
  }

  private static JsonObject decode(String text) throws RefusedRequestException {
    try {
      JsonElement element = JsonParser.parseString(text);
      if (element instanceof JsonObject request) {
        return request;
      }
    } catch (JsonParseException | NumberFormatException e) {
      throw new RefusedRequestException("The request is no valid JSON: " + e.getMessage());
    }
    throw new RefusedRequestException("The request is no JSON object");
  }
}
