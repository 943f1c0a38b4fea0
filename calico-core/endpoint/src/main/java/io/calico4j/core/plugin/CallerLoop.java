package io.calico4j.core.plugin;

import io.calico4j.core.kernel.linux.LibC;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts callers and reads their requests, all on one thread that waits for none of them: a caller
 * that says nothing costs a descriptor and a little memory until its time is over, or until others
 * need the place. Complete requests go on to the workers.
 */
final class CallerLoop implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(CallerLoop.class);
  private static final int MAX_CALLERS = 256;
  private static final int MAX_MEMORY = 64 << 20;
  private static final int TIMEOUT_SECONDS = 10;
  private static final int PAUSE_MILLIS = 100;
  private static final int EINTR = 4;
  private static final int EAGAIN = 11;

  /** Takes over a connection with its complete request. */
  interface Sink {
    void accept(Connection connection, PluginRequest request);
  }

  private final int listener;
  private final Sink sink;
  private final Receiver receiver = new Receiver();
  private final Polling polling = new Polling(1 + MAX_CALLERS);

  /** The oldest first, because all have the same time. */
  private final List<Connection> callers = new ArrayList<>();

  private boolean refusing;
  private volatile boolean closed;

  /** Takes over a listening socket that does not wait. */
  CallerLoop(int listener, Sink sink) {
    this.listener = listener;
    this.sink = sink;
  }

  /** Makes the loop end soon. */
  void close() {
    closed = true;
    LibC.INSTANCE.shutdown(listener, 2);
  }

  @Override
  public void run() {
    boolean accepting = true;
    while (!closed) {
      polling.clear();
      polling.add(listener, accepting ? LibC.POLLIN : 0);
      callers.forEach(caller -> polling.add(caller.socket(), LibC.POLLIN));
      polling.await(accepting ? untilDeadline() : PAUSE_MILLIS);
      serveCallers();
      accepting = closed || (polling.found(0) & LibC.POLLIN) == 0 || acceptAll();
    }
    callers.forEach(Connection::close);
    LibC.INSTANCE.close(listener);
  }

  private int untilDeadline() {
    return callers.isEmpty()
        ? -1
        : (int)
            Math.max(
                0,
                TimeUnit.NANOSECONDS.toMillis(callers.get(0).deadline() - System.nanoTime()) + 1);
  }

  private void serveCallers() {
    int place = 0;
    for (Iterator<Connection> all = callers.iterator(); all.hasNext(); ) {
      Connection caller = all.next();
      place++;
      if (polling.found(place) != 0 && isFinished(caller)) {
        all.remove();
      } else if (caller.deadline() - System.nanoTime() < 0) {
        refuse(caller, "it did not come within " + TIMEOUT_SECONDS + " s");
        all.remove();
      }
    }
  }

  /** Accepts everybody who waits; false when that is impossible for now. */
  private boolean acceptAll() {
    while (true) {
      int socket = LibC.INSTANCE.accept4(listener, null, null, LibC.SOCK_CLOEXEC);
      if (socket < 0) {
        int reason = LibC.errno();
        if (reason == EAGAIN || closed) {
          return true;
        }
        if (reason == EINTR) {
          continue;
        }
        if (!refusing) {
          log.warn("callers cannot be accepted for now: {}", LibC.describe(reason));
        }
        refusing = true;
        return false;
      }
      refusing = false;
      Connection caller =
          new Connection(socket, System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_SECONDS));
      if (!receiver.isTrusted(socket)) {
        hangUp(caller, PluginServer.error(4, "only root may call the plugin"));
      } else if (!isFinished(caller)) {
        callers.add(caller);
        makeRoom();
      }
    }
  }

  private void makeRoom() {
    while (callers.size() > MAX_CALLERS
        || callers.stream().mapToLong(Connection::size).sum() > MAX_MEMORY) {
      refuse(callers.remove(0), "others needed its place");
    }
  }

  /** Reads what has come of a request; true when the caller is no longer ours. */
  private boolean isFinished(Connection caller) {
    try {
      Optional<PluginRequest> request = caller.receive(receiver);
      request.ifPresent(complete -> sink.accept(caller, complete));
      return request.isPresent();
    } catch (IOException e) {
      refuse(caller, String.valueOf(e.getMessage()));
      return true;
    } catch (RuntimeException e) {
      log.error("a plugin request failed unexpectedly", e);
      hangUp(caller, PluginServer.error(999, "calico-node failed: " + e));
      return true;
    }
  }

  private static void refuse(Connection caller, String reason) {
    hangUp(caller, PluginServer.error(5, "the request cannot be read: " + reason));
  }

  private static void hangUp(Connection caller, PluginResponse answer) {
    caller.answer(answer, 0);
    caller.close();
  }
}
