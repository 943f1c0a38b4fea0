package io.calico4j.core.plugin;

import io.calico4j.core.kernel.linux.LibC;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Descriptors to wait for with poll(2). Not safe for several threads. */
final class Polling {
  private static final int ENTRY = 8;

  private final ByteBuffer entries;

  /** Makes it empty, with room for so many descriptors. */
  Polling(int capacity) {
    entries = ByteBuffer.allocate(ENTRY * capacity).order(ByteOrder.nativeOrder());
  }

  /** Tells what of the wanted events (and POLLHUP) has happened to a descriptor by the time. */
  static int await(int descriptor, int wanted, int milliseconds) {
    Polling one = new Polling(1);
    one.add(descriptor, wanted);
    one.await(milliseconds);
    return one.found(0);
  }

  void clear() {
    entries.clear();
  }

  void add(int descriptor, int wanted) {
    entries.putInt(descriptor).putShort((short) wanted).putShort((short) 0);
  }

  /** Waits until something has happened to one of them; a signal counts as nothing. */
  void await(int milliseconds) {
    if (LibC.INSTANCE.poll(entries.array(), entries.position() / ENTRY, milliseconds) < 0) {
      for (int i = 0; i < entries.position(); i += ENTRY) {
        entries.putShort(i + 6, (short) 0);
      }
    }
  }

  /** Returns what has happened to the descriptor that was added at this place. */
  int found(int place) {
    return entries.getShort(ENTRY * place + 6);
  }
}
