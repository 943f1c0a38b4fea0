package io.calico4j.core.plugin;

/** Serves one plugin program. Must answer every request; never throws for bad input. */
public interface PluginHandler {
  /** Serves a request; the handler closes the namespace descriptor. */
  PluginResponse handle(PluginRequest request);
}
