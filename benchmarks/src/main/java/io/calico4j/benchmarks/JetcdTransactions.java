package io.calico4j.benchmarks;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KV;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.PutOption;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** A compare-and-swap of a single key as jetcd's users write it. */
final class JetcdTransactions implements IpamBenchmark.Operation {
  private static final ByteSequence KEY = ByteSequence.from("/bench/jetcd", StandardCharsets.UTF_8);

  private final KV client;
  private long revision;

  JetcdTransactions(Client peer) throws Exception {
    client = peer.getKVClient();
    var unused = client.delete(KEY).get();
  }

  @Override
  public void run(int caller, int number) throws Exception {
    ByteSequence value = ByteSequence.from("value-" + number, StandardCharsets.UTF_8);
    TxnResponse response =
        client
            .txn()
            .If(new Cmp(KEY, Cmp.Op.EQUAL, CmpTarget.modRevision(revision)))
            .Then(Op.put(KEY, value, PutOption.DEFAULT))
            .commit()
            .get();
    if (!response.isSucceeded()) {
      throw new IOException("a transaction of jetcd failed");
    }
    revision = response.getHeader().getRevision();
  }
}
