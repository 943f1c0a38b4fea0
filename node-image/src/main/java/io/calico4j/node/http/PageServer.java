package io.calico4j.node.http;

import io.calico4j.core.concurrent.Daemons;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves pages over HTTP/1.1 so that no client keeps another one waiting: one thread reads and
 * writes all connections and waits for none, and a few others make the pages. A connection serves
 * one request and ends after a fixed time, however much of the request or the answer has passed by
 * then. A request has no body, and its head a few kilobytes. Of more than {@value #MAX_CONNECTIONS}
 * connections the oldest is closed.
 */
public final class PageServer implements AutoCloseable {
  /** How long a connection may take from its begin to its end. */
  public static final Duration DEADLINE = Duration.ofSeconds(15);

  /** How many connections may be open at once. */
  static final int MAX_CONNECTIONS = 256;

  private static final Logger log = LoggerFactory.getLogger(PageServer.class);
  private static final int MAX_LINE = 4096;
  private static final int MAX_HEAD = 16 << 10;
  private static final int MAX_BODY = 1024;
  private static final int BACKLOG = 128;
  private static final int MAKERS = 4;

  private final Map<String, Supplier<Page>> pages = new ConcurrentHashMap<>();
  private final Duration deadline;
  private final EventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("http", true), NioIoHandler.newFactory());
  private final ThreadPoolExecutor makers =
      new ThreadPoolExecutor(
          MAKERS,
          MAKERS,
          1,
          TimeUnit.MINUTES,
          new ArrayBlockingQueue<>(MAX_CONNECTIONS),
          task -> Daemons.thread("http-page", task));

  /** The oldest first. Used by the loop's only thread. */
  private final Set<Channel> connections = new LinkedHashSet<>();

  private final Channel listener;

  /**
   * Listens; every path is unknown as yet.
   *
   * @param host a name or an address of this host; port 0 takes any
   * @throws IOException when the address is not this host's, or is taken
   */
  public PageServer(String host, int port) throws IOException {
    this(host, port, DEADLINE);
  }

  PageServer(String host, int port, Duration deadline) throws IOException {
    this.deadline = deadline;
    makers.allowCoreThreadTimeOut(true);
    var bound =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    accept(channel);
                  }
                })
            .bind(new InetSocketAddress(host, port))
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      close();
      throw new IOException(
          "nothing can listen on " + host + " port " + port + ": " + bound.cause().getMessage(),
          bound.cause());
    }
    listener = bound.channel();
  }

  /** Returns the port it listens on. */
  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /** Adds a page that is made anew for everyone who asks. */
  public void page(String path, Supplier<Page> page) {
    pages.put(path, page);
  }

  private void accept(SocketChannel channel) {
    connections.add(channel);
    channel.closeFuture().addListener(closed -> connections.remove(channel));
    if (connections.size() > MAX_CONNECTIONS) {
      Iterator<Channel> oldest = connections.iterator();
      Channel victim = oldest.next();
      oldest.remove();
      var unused = victim.close();
    }
    var unused =
        channel
            .eventLoop()
            .schedule((Runnable) () -> close(channel), deadline.toMillis(), TimeUnit.MILLISECONDS);
    channel
        .pipeline()
        .addLast(
            new HttpServerCodec(
                new HttpDecoderConfig()
                    .setMaxInitialLineLength(MAX_LINE)
                    .setMaxHeaderSize(MAX_HEAD)))
        .addLast(new HttpObjectAggregator(MAX_BODY, true))
        .addLast(new Requests());
  }

  private static void close(Channel channel) {
    var unused = channel.close();
  }

  private final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
    private boolean served;

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
      if (served) {
        return;
      }
      served = true;
      boolean head = request.method().equals(HttpMethod.HEAD);
      if (request.decoderResult().isFailure()) {
        send(context, Page.plain(400, "this is no HTTP request\n"), false);
      } else if (!head && !request.method().equals(HttpMethod.GET)) {
        send(context, Page.plain(405, "only GET is served\n"), false);
      } else {
        make(context, request.uri().replaceAll("\\?.*", ""), head);
      }
    }

    private void make(ChannelHandlerContext context, String path, boolean head) {
      Supplier<Page> page = pages.get(path);
      if (page == null) {
        send(context, Page.plain(404, "no such page, there are " + pages.keySet() + "\n"), head);
        return;
      }
      try {
        makers.execute(() -> send(context, made(path, page), head));
      } catch (RejectedExecutionException e) {
        send(context, Page.plain(503, "too many ask at once\n"), head);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      log.debug("a connection is closed: {}", cause.toString());
      var unused = context.close();
    }
  }

  private static Page made(String path, Supplier<Page> page) {
    try {
      return page.get();
    } catch (RuntimeException e) {
      log.error("page {} cannot be made", path, e);
      return Page.plain(500, "this page cannot be made: " + e + "\n");
    }
  }

  private static void send(ChannelHandlerContext context, Page page, boolean head) {
    byte[] body = page.text().getBytes(StandardCharsets.UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(page.status()),
            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body));
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, page.contentType());
    response.headers().set(HttpHeaderNames.CONTENT_LENGTH, body.length);
    response.headers().set(HttpHeaderNames.CONNECTION, "close");
    var unused = context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
  }

  /**
   * Closes every connection and listens no more. The loop is not left to do it: one that is told to
   * stop at the wrong moment ends without closing its channels.
   */
  @Override
  public void close() {
    makers.shutdownNow();
    loop.submit(this::closeChannels).awaitUninterruptibly(2, TimeUnit.SECONDS);
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }

  private void closeChannels() {
    close(listener);
    List.copyOf(connections).forEach(PageServer::close);
  }
}
