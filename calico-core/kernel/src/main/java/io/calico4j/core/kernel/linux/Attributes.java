package io.calico4j.core.kernel.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The attributes of a netlink answer, by type; the last of a repeated type counts. */
final class Attributes {
  private static final int TYPE_MASK = 0x3fff;

  private final Map<Integer, byte[]> values = new HashMap<>();

  /** Reads attributes up to the end of the slice; a malformed rest is ignored. */
  static Attributes parse(ByteBuffer buffer) {
    Attributes attributes = new Attributes();
    while (buffer.remaining() >= 4) {
      int start = buffer.position();
      int length = Short.toUnsignedInt(buffer.getShort());
      int type = buffer.getShort() & TYPE_MASK;
      if (length < 4 || length > buffer.limit() - start) {
        break;
      }
      byte[] value = new byte[length - 4];
      buffer.get(value);
      attributes.values.put(type, value);
      buffer.position(Math.min(buffer.limit(), start + (length + 3) / 4 * 4));
    }
    return attributes;
  }

  byte @Nullable [] bytes(int type) {
    return values.get(type);
  }

  int integer(int type, int absent) {
    byte[] value = values.get(type);
    return value == null || value.length < 4
        ? absent
        : ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getInt();
  }

  String text(int type) {
    byte[] value = values.get(type);
    if (value == null || value.length == 0) {
      return "";
    }
    int length = value[value.length - 1] == 0 ? value.length - 1 : value.length;
    return new String(value, 0, length, StandardCharsets.UTF_8);
  }

  /** Returns the elements of a list, each of which is nested. */
  List<Attributes> list(int type) {
    byte[] value = values.get(type);
    List<Attributes> elements = new ArrayList<>();
    if (value == null) {
      return elements;
    }
    ByteBuffer buffer = ByteBuffer.wrap(value).order(ByteOrder.nativeOrder());
    while (buffer.remaining() >= 4) {
      int start = buffer.position();
      int length = Short.toUnsignedInt(buffer.getShort(start));
      if (length < 4 || length > buffer.remaining()) {
        break;
      }
      elements.add(parse(buffer.slice(start + 4, length - 4).order(ByteOrder.nativeOrder())));
      buffer.position(Math.min(buffer.limit(), start + (length + 3) / 4 * 4));
    }
    return elements;
  }

  Attributes nested(int type) {
    byte[] value = values.get(type);
    return value == null
        ? new Attributes()
        : parse(ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()));
  }
}
