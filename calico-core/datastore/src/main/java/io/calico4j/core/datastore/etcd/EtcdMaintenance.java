package io.calico4j.core.datastore.etcd;

import io.calico4j.core.datastore.UnavailableException;
import io.etcd.jetcd.api.AlarmRequest;
import io.etcd.jetcd.api.AlarmType;
import io.etcd.jetcd.api.DefragmentRequest;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.StatusRequest;
import io.etcd.jetcd.api.StatusResponse;
import io.grpc.MethodDescriptor;
import java.time.Duration;

/**
 * The file of an etcd of one member: what compaction has freed stays in it as holes until it is
 * defragmented, and etcd refuses writes when the file reaches its quota.
 */
public final class EtcdMaintenance implements AutoCloseable {
  /** Etcd answers nothing while it defragments. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final EtcdCalls calls;

  private EtcdMaintenance(EtcdConfig config) {
    calls = new EtcdCalls(config.withTimeout(PATIENCE), true);
  }

  /** Prepares a connection; it is made at the first request. */
  public static EtcdMaintenance connect(EtcdConfig config) {
    return new EtcdMaintenance(config);
  }

  /**
   * How large the file is.
   *
   * @param bytes the file's length
   * @param used how much of it is in use, in bytes
   */
  public record Size(long bytes, long used) {}

  /** Asks for the file's size. */
  public Size size() throws UnavailableException {
    StatusResponse status =
        call(MaintenanceGrpc.getStatusMethod(), StatusRequest.getDefaultInstance(), "status");
    return new Size(status.getDbSize(), status.getDbSizeInUse());
  }

  /** Writes the file anew without holes, and ends the state in which etcd refuses writes. */
  public void defragment() throws UnavailableException {
    var unused =
        call(
            MaintenanceGrpc.getDefragmentMethod(),
            DefragmentRequest.getDefaultInstance(),
            "defragment");
    var unusedAlarm =
        call(
            MaintenanceGrpc.getAlarmMethod(),
            AlarmRequest.newBuilder()
                .setAction(AlarmRequest.AlarmAction.DEACTIVATE)
                .setAlarm(AlarmType.NOSPACE)
                .build(),
            "disarm");
  }

  private <Q, A> A call(MethodDescriptor<Q, A> method, Q request, String what)
      throws UnavailableException {
    try {
      return calls.call(method, request, true);
    } catch (CallFailure e) {
      throw new UnavailableException("etcd: " + what + ": " + e.getMessage(), true, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UnavailableException("interrupted: " + what, true, e);
    }
  }

  @Override
  public void close() {
    calls.close();
  }
}
