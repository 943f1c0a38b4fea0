package io.calico4j.node;

import io.calico4j.core.cni.CalicoIpamPlugin;
import io.calico4j.core.cni.CalicoPlugin;
import io.calico4j.core.cni.PlainCniMapper;
import io.calico4j.core.cni.RequestMapper;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.ContainerLiveness;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.mesos.LenientDetach;
import io.calico4j.mesos.MesosRequestMapper;
import io.calico4j.mesos.MesosSandboxes;
import io.calico4j.mesos.NetModulesPlugin;
import io.calico4j.rkt.RktPods;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The programs a runtime may call, for the agent and for a plugin that works alone. */
final class Plugins {
  private Plugins() {}

  /** Returns the orchestrators that can be asked whether a container is gone. */
  static List<ContainerLiveness> orchestrators(Path rktDirectory) {
    return List.of(new RktPods(rktDirectory), new MesosSandboxes());
  }

  /** Returns who recognises CNI requests, in the order in which they are asked. */
  static List<RequestMapper> mappers() {
    return List.of(new MesosRequestMapper(), new PlainCniMapper(RktPods::runtimeOf));
  }

  /**
   * Returns the handler of each program.
   *
   * @param agent whether calico-node serves, which keeps rules and routes up to date
   */
  static Map<String, PluginHandler> of(
      EndpointService endpoints,
      Ipam ipam,
      Kernel kernel,
      ResourceClient resources,
      boolean agent) {
    PluginHandler calico =
        new LenientDetach(new CalicoPlugin(endpoints, resources, kernel, mappers(), agent));
    NetModulesPlugin netModules = new NetModulesPlugin(endpoints, ipam, kernel, resources);
    PluginHandler mesos =
        request ->
            request.environment().containsKey("CNI_COMMAND")
                ? calico.handle(request)
                : netModules.handle(request);
    return Map.of(
        "calico",
        calico,
        "calico-ipam",
        new CalicoIpamPlugin(endpoints, ipam),
        "calico-mesos",
        mesos);
  }
}
