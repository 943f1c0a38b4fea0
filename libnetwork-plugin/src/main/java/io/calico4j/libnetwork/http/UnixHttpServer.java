package io.calico4j.libnetwork.http;

import io.calico4j.core.concurrent.Daemons;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An HTTP/1.1 server on a unix socket that root alone may connect to. A connection may serve many
 * requests, one after the other, as Docker's plugin client expects; the requests of different
 * connections are served by different threads.
 */
public final class UnixHttpServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(UnixHttpServer.class);
  private static final int MAX_BODY = 4 << 20;
  private static final int WORKERS = 32;
  private static final int WAITING = 1024;
  private static final String TYPE = "application/vnd.docker.plugins.v1.1+json";

  private final Handler handler;
  private final EventLoopGroup loop;
  private final ThreadPoolExecutor workers;
  private final Channel listener;

  /** Answers requests; called by many threads. */
  @FunctionalInterface
  public interface Handler {
    /**
     * Answers one request.
     *
     * @param path without query
     * @param body as it was sent; often empty
     */
    Answer handle(String path, String body);
  }

  /**
   * Listens. A socket of that name that an earlier process has left is replaced.
   *
   * @throws IOException when the socket cannot be made
   */
  public UnixHttpServer(Path socket, Handler handler) throws IOException {
    this.handler = handler;
    Path directory = socket.toAbsolutePath().getParent();
    if (directory != null) {
      Files.createDirectories(directory);
    }
    Files.deleteIfExists(socket);
    String name = "http-" + socket.getFileName();
    loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
    workers =
        new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            1,
            TimeUnit.MINUTES,
            new ArrayBlockingQueue<>(WAITING),
            task -> Daemons.thread(name, task));
    workers.allowCoreThreadTimeOut(true);
    var bound =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerDomainSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channel
                        .pipeline()
                        .addLast(new HttpServerCodec())
                        .addLast(new HttpObjectAggregator(MAX_BODY))
                        .addLast(new Requests());
                  }
                })
            .bind(UnixDomainSocketAddress.of(socket))
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      workers.shutdownNow();
      var unused = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      throw new IOException(
          "nothing can listen on " + socket + ": " + bound.cause().getMessage(), bound.cause());
    }
    listener = bound.channel();
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
  }

  private final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
      boolean keep = HttpUtil.isKeepAlive(request);
      if (request.decoderResult().isFailure()) {
        send(context, new Answer(400, "{\"Err\":\"this is no HTTP request\"}"), false);
        return;
      }
      String path = request.uri().replaceAll("\\?.*", "");
      String body = request.content().toString(StandardCharsets.UTF_8);
      try {
        workers.execute(() -> send(context, answer(path, body), keep));
      } catch (RejectedExecutionException e) {
        send(context, new Answer(503, "{\"Err\":\"too many requests at once\"}"), keep);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      log.debug("a connection is closed: {}", cause.toString());
      var unused = context.close();
    }
  }

  private Answer answer(String path, String body) {
    try {
      return handler.handle(path, body);
    } catch (RuntimeException e) {
      log.error("{} cannot be answered", path, e);
      return new Answer(500, "{\"Err\":\"calico-node has a fault, see its log\"}");
    }
  }

  private static void send(ChannelHandlerContext context, Answer answer, boolean keep) {
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(answer.status()),
            Unpooled.wrappedBuffer(body));
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, TYPE);
    response.headers().set(HttpHeaderNames.CONTENT_LENGTH, body.length);
    HttpUtil.setKeepAlive(response, keep);
    var written = context.writeAndFlush(response);
    if (!keep) {
      var unused = written.addListener(ChannelFutureListener.CLOSE);
    }
  }

  /** Listens no more; what is being answered is cut off. */
  @Override
  public void close() {
    workers.shutdownNow();
    listener.close().awaitUninterruptibly(2, TimeUnit.SECONDS);
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
