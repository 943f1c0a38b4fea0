package io.calico4j.core.plugin;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Takes the body of a request apart. */
final class RequestParser {
  private static final int MAX_ITEMS = 4096;

  private final ByteBuffer body;

  private RequestParser(ByteBuffer body) {
    this.body = body;
  }

  /**
   * Parses a body, little-endian.
   *
   * @throws IOException saying what is wrong with it, as the end of a sentence
   */
  static PluginRequest parse(ByteBuffer body, int descriptor) throws IOException {
    return new RequestParser(body).request(descriptor);
  }

  private PluginRequest request(int descriptor) throws IOException {
    List<String> arguments = texts();
    Map<String, String> environment = new HashMap<>();
    for (String variable : texts()) {
      int equals = variable.indexOf('=');
      if (equals > 0) {
        environment.put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    String input = text();
    if (arguments.isEmpty()) {
      throw new IOException("it names no program");
    }
    String program = arguments.get(0);
    return new PluginRequest(
        program.substring(program.lastIndexOf('/') + 1), environment, input, descriptor);
  }

  private List<String> texts() throws IOException {
    int count = number();
    if (count > MAX_ITEMS) {
      throw new IOException("it has more than " + MAX_ITEMS + " items");
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      texts.add(text());
    }
    return texts;
  }

  private String text() throws IOException {
    int length = number();
    if (length > body.remaining()) {
      throw new IOException("a length points outside");
    }
    byte[] bytes = new byte[length];
    body.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private int number() throws IOException {
    if (body.remaining() < 4) {
      throw new IOException("it is truncated");
    }
    int number = body.getInt();
    if (number < 0) {
      throw new IOException("a length is negative");
    }
    return number;
  }
}
