package io.calico4j.core.datastore.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.InvalidProtocolBufferException;
import io.etcd.jetcd.api.RangeRequest;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.eclipse.jetty.http.HttpFields;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** gRPC's messages come in pieces of any length, and its errors in trailers. */
class GrpcMessagesTest {
  @Property(tries = 300)
  void messagesComeOutAsTheyWentInHoweverTheyAreCut(
      @ForAll @Size(max = 8) List<@IntRange(max = 9000) Integer> limits,
      @ForAll @IntRange(min = 1, max = 7000) int piece)
      throws InvalidProtocolBufferException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int limit : limits) {
      all.writeBytes(GrpcMessages.framed(message(limit)).array());
    }
    GrpcMessages messages = new GrpcMessages();
    List<RangeRequest> got = new ArrayList<>();
    byte[] bytes = all.toByteArray();
    for (int at = 0; at < bytes.length; at += piece) {
      messages.add(ByteBuffer.wrap(bytes, at, Math.min(piece, bytes.length - at)));
      ByteBuffer next = messages.next();
      while (next != null) {
        got.add(RangeRequest.parseFrom(next));
        next = messages.next();
      }
    }
    assertThat(got).isEqualTo(limits.stream().map(GrpcMessagesTest::message).toList());
  }

  private static RangeRequest message(int length) {
    return RangeRequest.newBuilder()
        .setKey(com.google.protobuf.ByteString.copyFromUtf8("k".repeat(length)))
        .setLimit(length)
        .build();
  }

  @Test
  void whatIsCompressedOrTooLongIsRefused() {
    for (byte[] bytes : new byte[][] {{1, 0, 0, 0, 0}, {0, -1, 0, 0, 0}}) {
      GrpcMessages messages = new GrpcMessages();
      messages.add(ByteBuffer.wrap(bytes));
      assertThatThrownBy(messages::next).isInstanceOf(InvalidProtocolBufferException.class);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "0 | none | none",
        "14 | etcdserver: no leader | UNAVAILABLE: etcdserver: no leader",
        "16 | a%20b%2Bc+d | UNAUTHENTICATED: a b+c+d",
        "13 | 50% | INTERNAL: 50%",
        "77 | none | status 77: no message",
        "none | none | UNKNOWN: an end without grpc-status",
        "x | none | UNKNOWN: an end without grpc-status",
      })
  void trailersSayHowACallEnded(String status, String message, String expected) {
    HttpFields.Mutable trailers = HttpFields.build();
    if (status != null) {
      trailers.put("grpc-status", status);
    }
    if (message != null) {
      trailers.put("grpc-message", message);
    }
    CallFailure failure = GrpcMessages.failure(trailers);
    if (expected == null) {
      assertThat(failure).isNull();
    } else {
      assertThat(failure).hasMessage(expected);
    }
  }
}
