package io.calico4j.core.datastore.etcd;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.HttpFields;
import org.jspecify.annotations.Nullable;

/**
 * What gRPC puts into the body of an HTTP/2 stream (doc/PROTOCOL-HTTP2.md in grpc/grpc): messages,
 * each after a byte that says whether it is compressed and four of its length. Collects what comes
 * of them in pieces. Used by one thread at a time.
 */
final class GrpcMessages {
  private static final int PREFIX = 5;
  private static final int FIRST_SIZE = 4096;

  private byte[] bytes = new byte[0];
  private int start;
  private int end;

  /** Returns a message as it is sent. */
  static ByteBuffer framed(MessageLite message) {
    int length = message.getSerializedSize();
    ByteBuffer bytes = ByteBuffer.allocate(PREFIX + length);
    bytes.put((byte) 0).putInt(length);
    try {
      message.writeTo(CodedOutputStream.newInstance(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException("a message is longer than it says", e);
    }
    return bytes.rewind();
  }

  /** Takes over what has come; the buffer may be used again afterwards. */
  void add(ByteBuffer piece) {
    int length = piece.remaining();
    if (end + length > bytes.length) {
      byte[] old = bytes;
      if (end - start + length > bytes.length) {
        bytes = new byte[Math.max(FIRST_SIZE, 2 * (end - start + length))];
      }
      System.arraycopy(old, start, bytes, 0, end - start);
      end -= start;
      start = 0;
    }
    piece.get(bytes, end, length);
    end += length;
  }

  /**
   * Returns the next whole message, valid until more is added; null when it is not there yet.
   *
   * @throws InvalidProtocolBufferException when it is compressed, which nobody asked for
   */
  @Nullable ByteBuffer next() throws InvalidProtocolBufferException {
    if (end - start < PREFIX) {
      return null;
    }
    int length = ByteBuffer.wrap(bytes).getInt(start + 1);
    if (bytes[start] != 0 || length < 0) {
      throw new InvalidProtocolBufferException("a message is compressed, or too long");
    }
    if (end - start < PREFIX + length) {
      return null;
    }
    ByteBuffer message = ByteBuffer.wrap(bytes, start + PREFIX, length);
    start += PREFIX + length;
    if (start == end) {
      start = 0;
      end = 0;
    }
    return message;
  }

  /** Returns the error of a stream's trailers; null when there is none. */
  static @Nullable CallFailure failure(HttpFields trailers) {
    String status = trailers.get("grpc-status");
    if (status == null || !status.matches("[0-9]{1,3}")) {
      return new CallFailure(GrpcStatus.UNKNOWN, "an end without grpc-status");
    }
    int code = Integer.parseInt(status);
    return code == GrpcStatus.OK ? null : new CallFailure(code, text(trailers.get("grpc-message")));
  }

  /** Decodes a percent-encoded text, where a plus sign is itself. */
  private static String text(@Nullable String encoded) {
    try {
      return encoded == null
          ? "no message"
          : URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return encoded;
    }
  }
}
