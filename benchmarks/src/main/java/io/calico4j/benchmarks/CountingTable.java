package io.calico4j.benchmarks;

import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.rules.SetType;
import io.calico4j.felix.rules.TableWriter;
import java.util.List;

/** A table that only counts how often it is called. */
final class CountingTable implements TableWriter {
  private long calls;

  long calls() {
    return calls;
  }

  @Override
  public void putSet(String name, SetType type) {
    calls++;
  }

  @Override
  public void removeSet(String name) {
    calls++;
  }

  @Override
  public void addMember(String set, Member member) {
    calls++;
  }

  @Override
  public void removeMember(String set, Member member) {
    calls++;
  }

  @Override
  public void putChain(String name, List<String> rules) {
    calls++;
  }

  @Override
  public void removeChain(String name) {
    calls++;
  }

  @Override
  public void putVerdict(Direction direction, String interfaceName, String chain) {
    calls++;
  }

  @Override
  public void removeVerdict(Direction direction, String interfaceName) {
    calls++;
  }
}
