package io.calico4j.testbed;

import com.google.protobuf.Message;
import io.calico4j.testbed.cri.ListPodSandboxRequest;
import io.calico4j.testbed.cri.ListPodSandboxResponse;
import io.calico4j.testbed.cri.PodSandbox;
import io.calico4j.testbed.cri.PodSandboxConfig;
import io.calico4j.testbed.cri.PodSandboxMetadata;
import io.calico4j.testbed.cri.PodSandboxStatusRequest;
import io.calico4j.testbed.cri.PodSandboxStatusResponse;
import io.calico4j.testbed.cri.RemovePodSandboxRequest;
import io.calico4j.testbed.cri.RemovePodSandboxResponse;
import io.calico4j.testbed.cri.RunPodSandboxRequest;
import io.calico4j.testbed.cri.RunPodSandboxResponse;
import io.calico4j.testbed.cri.StatusRequest;
import io.calico4j.testbed.cri.StatusResponse;
import io.calico4j.testbed.cri.StopPodSandboxRequest;
import io.calico4j.testbed.cri.StopPodSandboxResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.io.Closeable;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What a kubelet asks of a container runtime about pod sandboxes, over its unix socket. */
final class CriClient implements Closeable {
  private static final int CALL_SECONDS = 30;

  private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final ManagedChannel channel;

  CriClient(Path socket) {
    channel =
        NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
            .eventLoopGroup(loop)
            .channelType(NioDomainSocketChannel.class)
            .overrideAuthority("localhost")
            .usePlaintext()
            .build();
  }

  private <Q extends Message, A extends Message> A call(String method, Q request, A answer) {
    @SuppressWarnings("unchecked")
    MethodDescriptor<Q, A> descriptor =
        MethodDescriptor.<Q, A>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("runtime.v1.RuntimeService/" + method)
            .setRequestMarshaller(ProtoUtils.marshaller((Q) request.getDefaultInstanceForType()))
            .setResponseMarshaller(ProtoUtils.marshaller(answer))
            .build();
    return ClientCalls.blockingUnaryCall(
        channel,
        descriptor,
        CallOptions.DEFAULT.withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS).withWaitForReady(),
        request);
  }

  /** Tells whether the runtime says that sandboxes and their network can be made. */
  boolean isReady() {
    StatusResponse answer =
        call("Status", StatusRequest.getDefaultInstance(), StatusResponse.getDefaultInstance());
    return answer.getStatus().getConditionsList().stream().allMatch(c -> c.getStatus());
  }

  /** Runs a pod's sandbox and returns its id. */
  String run(String pod) {
    PodSandboxConfig config =
        PodSandboxConfig.newBuilder()
            .setMetadata(
                PodSandboxMetadata.newBuilder()
                    .setName(pod)
                    .setUid("uid-" + pod)
                    .setNamespace("default"))
            .setHostname(pod)
            .build();
    return call(
            "RunPodSandbox",
            RunPodSandboxRequest.newBuilder().setConfig(config).build(),
            RunPodSandboxResponse.getDefaultInstance())
        .getPodSandboxId();
  }

  /** Returns what the runtime knows of a sandbox, with its details. */
  PodSandboxStatusResponse status(String id) {
    return call(
        "PodSandboxStatus",
        PodSandboxStatusRequest.newBuilder().setPodSandboxId(id).setVerbose(true).build(),
        PodSandboxStatusResponse.getDefaultInstance());
  }

  /** Stops a sandbox, which gives its network back. */
  void stop(String id) {
    StopPodSandboxResponse unused =
        call(
            "StopPodSandbox",
            StopPodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
            StopPodSandboxResponse.getDefaultInstance());
  }

  /** Forgets a sandbox. */
  void remove(String id) {
    RemovePodSandboxResponse unused =
        call(
            "RemovePodSandbox",
            RemovePodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
            RemovePodSandboxResponse.getDefaultInstance());
  }

  /** Returns every sandbox, whatever its state. */
  List<PodSandbox> list() {
    return call(
            "ListPodSandbox",
            ListPodSandboxRequest.getDefaultInstance(),
            ListPodSandboxResponse.getDefaultInstance())
        .getItemsList();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    var unused = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
