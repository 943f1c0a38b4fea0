package io.calico4j.core.endpoint;

import io.calico4j.core.kernel.KernelException;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/** The kernel's interfaces, of which a test answers the calls that it cares about. */
final class KernelProxies {
  private KernelProxies() {}

  /** Answers every call of an interface. */
  interface Answer {
    @Nullable Object to(String method, Object[] arguments) throws KernelException;
  }

  static <T> T proxy(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> answer.to(method.getName(), arguments)));
  }
}
