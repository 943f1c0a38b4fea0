package io.calico4j.calicoctl;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ipam show}: how full pools and blocks are, or who holds an address. */
@Command(description = "Shows how addresses are used.", mixinStandardHelpOptions = true)
final class IpamShowCommand implements Callable<Integer> {
  private final Supplier<Datastore> datastore;

  @Option(names = "--ip", description = "who holds this address")
  private String ip = "";

  @Option(names = "--show-blocks", description = "a row for each block too")
  private boolean showBlocks;

  @Spec private CommandSpec spec = CommandSpec.create();

  IpamShowCommand(Supplier<Datastore> datastore) {
    this.datastore = datastore;
  }

  @Override
  public Integer call() throws DatastoreException {
    PrintWriter out = spec.commandLine().getOut();
    List<Block> blocks = new ArrayList<>();
    List<Resource<IpPoolSpec>> pools;
    try (Datastore store = datastore.get()) {
      for (IpFamily family : IpFamily.values()) {
        for (Entry entry : store.list(IpamKeys.blocks(family)).entries()) {
          blocks.add(Block.parse(entry.value()));
        }
      }
      pools = new ResourceClient(store).list(ResourceKind.IP_POOL);
    }
    if (!ip.isEmpty()) {
      holder(blocks, IpAddress.parse(ip), out);
    } else {
      usage(blocks, pools).print(out);
    }
    out.flush();
    return 0;
  }

  private static void holder(List<Block> blocks, IpAddress address, PrintWriter out) {
    for (Block block : blocks) {
      Block.Owner owner = block.owner(address);
      if (owner != null) {
        out.println("IP " + address + " is in use");
        out.println("Handle: " + owner.handleId());
        owner.secondary().forEach((key, value) -> out.println("  " + key + ": " + value));
        return;
      }
    }
    out.println("IP " + address + " is not currently assigned");
  }

  private Table usage(List<Block> blocks, List<Resource<IpPoolSpec>> pools) {
    Table table = new Table(List.of("GROUPING", "CIDR", "IPS TOTAL", "IPS IN USE", "IPS FREE"));
    for (Resource<IpPoolSpec> pool : pools) {
      List<Block> inside =
          blocks.stream().filter(b -> pool.spec().network().contains(b.cidr())).toList();
      BigInteger used =
          inside.stream().map(IpamShowCommand::used).reduce(BigInteger.ZERO, BigInteger::add);
      BigInteger total = pool.spec().network().size();
      table.row(
          List.of("IP Pool", pool.spec().cidr(), "" + total, "" + used, "" + total.subtract(used)));
      if (showBlocks) {
        for (Block block : inside) {
          table.row(
              List.of(
                  "Block",
                  block.cidr().toString(),
                  block.cidr().size().toString(),
                  used(block).toString(),
                  Integer.toString(block.freeCount())));
        }
      }
    }
    return table;
  }

  private static BigInteger used(Block block) {
    return block.cidr().size().subtract(BigInteger.valueOf(block.freeCount()));
  }
}
