package io.calico4j.core.datastore.etcd;

import io.grpc.ConnectivityState;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import io.grpc.util.ForwardingLoadBalancer;
import io.grpc.util.ForwardingLoadBalancerHelper;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the time until a lost etcd is tried again short. gRPC alone waits ever longer after failed
 * attempts, up to two minutes, which is how long no container would start after etcd came back;
 * this policy connects anew, with the pick_first policy, after {@value #FIRST_MILLIS} ms, then up
 * to {@value #LONGEST_MILLIS} ms, with jitter.
 */
final class PromptReconnect extends ForwardingLoadBalancer {
  /** The policy's name for gRPC. */
  static final String NAME = "calico_prompt_reconnect";

  private static final long FIRST_MILLIS = 200;
  private static final long LONGEST_MILLIS = 1600;
  private static final LoadBalancerProvider PICK_FIRST = pickFirst();

  private final Helper helper;
  private LoadBalancer current;
  private @Nullable ResolvedAddresses addresses;
  private SynchronizationContext.@Nullable ScheduledHandle renewal;
  private long delayMillis = FIRST_MILLIS;
  private int generation;

  private PromptReconnect(Helper helper) {
    this.helper = helper;
    current = PICK_FIRST.newLoadBalancer(new Observed(generation));
  }

  /** Makes the policy known to gRPC; may be called often. */
  static void register() {
    LoadBalancerRegistry.getDefaultRegistry().register(PROVIDER);
  }

  private static LoadBalancerProvider pickFirst() {
    LoadBalancerProvider provider =
        LoadBalancerRegistry.getDefaultRegistry().getProvider("pick_first");
    if (provider == null) {
      throw new IllegalStateException("gRPC has no policy pick_first");
    }
    return provider;
  }

  private static final LoadBalancerProvider PROVIDER =
      new LoadBalancerProvider() {
        @Override
        public boolean isAvailable() {
          return true;
        }

        @Override
        public int getPriority() {
          return 5;
        }

        @Override
        public String getPolicyName() {
          return NAME;
        }

        @Override
        public LoadBalancer newLoadBalancer(Helper helper) {
          return new PromptReconnect(helper);
        }
      };

  @Override
  protected LoadBalancer delegate() {
    return current;
  }

  @Override
  public Status acceptResolvedAddresses(ResolvedAddresses resolved) {
    addresses = resolved.toBuilder().setLoadBalancingPolicyConfig(null).build();
    return current.acceptResolvedAddresses(addresses);
  }

  @Override
  public void shutdown() {
    generation++;
    cancelRenewal();
    current.shutdown();
  }

  private void cancelRenewal() {
    if (renewal != null) {
      renewal.cancel();
      renewal = null;
    }
  }

  private void renew() {
    renewal = null;
    current.shutdown();
    generation++;
    current = PICK_FIRST.newLoadBalancer(new Observed(generation));
    if (addresses != null) {
      Status unused = current.acceptResolvedAddresses(addresses);
    }
  }

  /** Hears of the connection's states; those of a replaced connection no longer count. */
  private final class Observed extends ForwardingLoadBalancerHelper {
    private final int ownGeneration;

    Observed(int ownGeneration) {
      this.ownGeneration = ownGeneration;
    }

    @Override
    protected Helper delegate() {
      return helper;
    }

    @Override
    public void updateBalancingState(ConnectivityState state, SubchannelPicker picker) {
      if (ownGeneration != generation) {
        return;
      }
      helper.updateBalancingState(state, picker);
      if (state == ConnectivityState.READY) {
        cancelRenewal();
        delayMillis = FIRST_MILLIS;
      } else if (state == ConnectivityState.TRANSIENT_FAILURE && renewal == null) {
        long jittered = delayMillis + ThreadLocalRandom.current().nextLong(delayMillis / 2);
        renewal =
            helper
                .getSynchronizationContext()
                .schedule(
                    PromptReconnect.this::renew,
                    jittered,
                    TimeUnit.MILLISECONDS,
                    helper.getScheduledExecutorService());
        delayMillis = Math.min(2 * delayMillis, LONGEST_MILLIS);
      }
    }
  }
}
