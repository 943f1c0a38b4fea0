package io.calico4j.libnetwork;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.libnetwork.http.Answer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The calls of one socket. A refusal is answered as every version of Docker reads it: status 500,
 * and the text both as Err and as Error.
 */
final class Protocol {
  private static final Logger log = LoggerFactory.getLogger(Protocol.class);
  private static final int OK = 200;
  private static final int NOT_FOUND = 404;
  private static final int FAILED = 500;

  private final Map<String, Call> calls = new TreeMap<>();
  private final Patience patience;
  private final LibnetworkPlugin.Observer observer;

  Protocol(
      List<String> implemented,
      Map<String, Call> calls,
      Patience patience,
      LibnetworkPlugin.Observer observer) {
    this.calls.putAll(calls);
    this.calls.put("/Plugin.Activate", request -> LibnetworkPlugin.implementing(implemented));
    this.patience = patience;
    this.observer = observer;
  }

  /** Answers a request. */
  Answer answer(String path, String body) {
    Call call = calls.get(path);
    if (call == null) {
      return failure(NOT_FOUND, path + " is not served: there are " + calls.keySet());
    }
    String name = path.substring(path.indexOf('.') + 1);
    long start = System.nanoTime();
    boolean refused = true;
    try {
      log.debug("{} {}", path, body);
      JsonObject request = Json.parse(body);
      JsonObject answer = patience.run(name, Exception.class, () -> call.serve(request));
      log.debug("{} is answered {}", path, answer);
      refused = false;
      return new Answer(OK, answer.toString());
    } catch (RefusedException | KernelException e) {
      log.warn("{} {} is refused: {}", path, body, e.getMessage());
      return failure(FAILED, String.valueOf(e.getMessage()));
    } catch (DatastoreException e) {
      log.warn("{} {} failed: {}", path, body, e.getMessage());
      return failure(
          FAILED,
          "the datastore: " + e.getMessage() + ": see calico-node's log and its /readiness");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failure(FAILED, "calico-node is ending: try again");
    } catch (Exception e) {
      log.error("{} {} cannot be served", path, body, e);
      return failure(FAILED, "calico-node has a fault, see its log: " + e);
    } finally {
      observer.served(name, refused, System.nanoTime() - start);
    }
  }

  private static Answer failure(int status, String text) {
    JsonObject answer = new JsonObject();
    answer.addProperty("Err", text);
    answer.addProperty("Error", text);
    return new Answer(status, answer.toString());
  }
}
