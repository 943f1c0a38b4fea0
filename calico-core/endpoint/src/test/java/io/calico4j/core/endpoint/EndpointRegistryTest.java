package io.calico4j.core.endpoint;

import static io.calico4j.core.testing.EndpointAssert.assertThatEndpoint;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.UnavailableException;
import io.calico4j.core.endpoint.EndpointRegistry.Registration;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.IpamException;
import io.calico4j.core.ipam.PoolExhaustedException;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.ClusterInformationSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.name.ProfileName;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.PassingDatastore;
import io.calico4j.core.testing.Resources;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Addresses, handle and endpoint come and go together, whatever the datastore answers. */
class EndpointRegistryTest {
  private static final String IPAM = "/calico/ipam/v2/";
  private static final EndpointIdentity ETH0 = identity("web", "eth0");
  private static final NetworkNamespace SANDBOX =
      KernelProxies.proxy(
          NetworkNamespace.class, (method, arguments) -> method.equals("name") ? "/ns" : null);

  private final MemoryDatastore memory = new MemoryDatastore();
  private final Failing datastore = new Failing(memory);
  private final ResourceClient resources = new ResourceClient(datastore);
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));
  private final List<EndpointStep> steps = new ArrayList<>();
  private final List<Delayed> delayed = new ArrayList<>();
  private boolean linked;
  private final EndpointRegistry registry =
      new EndpointRegistry(
          datastore,
          resources,
          ipam,
          steps::add,
          (task, seconds) -> delayed.add(new Delayed(task, seconds)),
          (identity, task) -> {
            if (!linked) {
              task.run();
            }
          });

  private static final ProfileName WEB = new ProfileName("web");

  private record Delayed(Runnable task, int seconds) {}

  private static EndpointIdentity identity(String workload, String interfaceName) {
    return new EndpointIdentity(
        "net",
        new NodeName("host-a"),
        "default",
        "cni",
        workload,
        new InterfaceName(interfaceName));
  }

  @BeforeEach
  void cluster() throws Exception {
    resources.create(Resources.node("host-a"));
    resources.create(Resources.pool("pool", "10.65.0.0/30").blockSize(30).build());
  }

  @AfterEach
  void stop() {
    memory.close();
  }

  private static AttachRequest.Builder request(EndpointIdentity identity, int count) {
    return AttachRequest.of(identity).choose(count, List.of(), 0, List.of()).runtime("rkt");
  }

  private Registration register(AttachRequest.Builder request, Undo undo)
      throws DatastoreException, IpamException {
    return registry.register(request.build(), SANDBOX, undo);
  }

  private Registration register(EndpointIdentity identity) throws Exception {
    return register(request(identity, 1), new Undo());
  }

  private void runDelayed() {
    delayed.remove(0).task().run();
  }

  private boolean isAnythingLeft() {
    return memory.get(ETH0.key().path()).isPresent()
        || memory.get(IPAM + "handle/" + ETH0.handleId()).isPresent();
  }

  @Test
  void addressesHandleAndEndpointComeInOneTransaction() throws Exception {
    Registration registration = register(ETH0);
    assertThat(registration.fresh()).isTrue();
    assertThat(registration.mac()).isEqualTo(ETH0.mac());
    assertThat(memory.get(ETH0.key().path()).orElseThrow().revision())
        .isEqualTo(registration.revision());
    assertThat(memory.get(IPAM + "handle/net.web").orElseThrow().revision())
        .isEqualTo(registration.revision());
    Resource<WorkloadEndpointSpec> stored = registry.stored(ETH0).orElseThrow();
    assertThat(EndpointRegistry.addresses(stored.spec())).isEqualTo(registration.addresses());
    assertThat(stored.spec().interfaceName()).isEqualTo(ETH0.hostInterface().text());
    assertThat(ContainerTrace.of(stored)).contains(new ContainerTrace(ETH0, "rkt", "/ns"));
    assertThat(ipam.ownerOf(registration.addresses().get(0)).orElseThrow().secondary())
        .containsEntry("interface", "eth0")
        .containsEntry("node", "host-a");
    assertThat(steps).containsExactly(EndpointStep.REGISTERED);
  }

  /** The pool holds four addresses: with all of them taken a repeated request finds its own. */
  @ParameterizedTest
  @CsvSource({"1", "4"})
  void aRepeatedRegistrationIsTheSameAndItsUndoTakesNothingBack(int count) throws Exception {
    Registration first = register(request(ETH0, count), new Undo());
    Undo undo = new Undo();
    Registration second = register(request(ETH0, count), undo);
    assertThat(second)
        .isEqualTo(new Registration(first.addresses(), first.mac(), first.revision(), false));
    undo.runAfter(new Exception("the attach failed"));
    assertThat(ipam.addressesOf(new HandleId("net.web")))
        .hasSize(count)
        .isEqualTo(first.addresses());
    assertThat(registry.stored(ETH0)).isPresent();
  }

  @Test
  void aFreshRegistrationIsTakenBackWhenTheAttachFails() throws Exception {
    Undo undo = new Undo();
    Registration first = register(request(ETH0, 1), undo);
    assertThat(first.fresh()).isTrue();
    undo.runAfter(new Exception("the attach failed"));
    assertThat(isAnythingLeft()).isFalse();
    assertThat(ipam.ownerOf(first.addresses().get(0))).isEmpty();
    assertThat(delayed).isEmpty();
  }

  @Test
  void aRefusalStandsWhenThereIsNoEndpoint() {
    assertThatThrownBy(() -> register(request(ETH0, 5), new Undo()))
        .isInstanceOf(PoolExhaustedException.class);
    assertThat(isAnythingLeft()).isFalse();
    assertThat(steps).isEmpty();
  }

  @Test
  void heldAddressesAreRegisteredAndNoneIsAssigned() throws Exception {
    IpAddress held = IpAddress.parse("192.0.2.7");
    Registration registration = register(AttachRequest.of(ETH0).held(List.of(held)), new Undo());
    assertThat(registration.addresses()).containsExactly(held);
    assertThatEndpoint(registry.stored(ETH0).orElseThrow())
        .isOf("cni", "web")
        .hasNetworks("192.0.2.7/32");
    assertThat(memory.list(IPAM).entries()).isEmpty();
  }

  @Test
  void aFloatingAddressLeadsToTheFirstAddressOfItsFamily() throws Exception {
    IpAddress six = IpAddress.parse("fd00:65::7");
    IpAddress four = IpAddress.parse("192.0.2.7");
    IpAddress other = IpAddress.parse("192.0.2.8");
    var unused =
        register(
            AttachRequest.of(ETH0)
                .held(List.of(six, four, other))
                .floating(List.of(IpAddress.parse("172.16.0.9"), IpAddress.parse("fd00:99::9"))),
            new Undo());
    assertThatEndpoint(registry.stored(ETH0).orElseThrow())
        .isReachedBy(
            new WorkloadEndpointSpec.IpNat("192.0.2.7", "172.16.0.9"),
            new WorkloadEndpointSpec.IpNat("fd00:65::7", "fd00:99::9"));
  }

  /** Whether the write happened before the answer was lost makes no difference. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void anUnknownOutcomeIsTakenBackAtOnceAndOnceMoreLater(boolean written) {
    datastore.fail(written ? Failure.AFTER_THE_WRITE : Failure.UNKNOWN);
    assertThatThrownBy(() -> register(ETH0)).isInstanceOf(UnavailableException.class);
    assertThat(isAnythingLeft()).isFalse();
    assertThat(delayed).extracting(Delayed::seconds).containsExactly(3);
    runDelayed();
    assertThat(isAnythingLeft()).isFalse();
    assertThat(delayed).isEmpty();
    assertThat(steps).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void aWriteThatHappensAfterTheFirstPassIsTakenBackUnlessItIsLinked(boolean attached)
      throws Exception {
    datastore.fail(Failure.UNKNOWN);
    assertThatThrownBy(() -> register(ETH0)).isInstanceOf(UnavailableException.class);
    long late = memory.commit(datastore.lost());
    assertThat(memory.get(ETH0.key().path()).orElseThrow().revision()).isEqualTo(late);
    linked = attached;
    runDelayed();
    assertThat(isAnythingLeft()).isEqualTo(attached);
  }

  @Test
  void takingBackGoesOnOnceTheDatastoreIsThereAgain() {
    datastore.fail(Failure.AFTER_THE_WRITE, Failure.NOTHING_DONE, Failure.NOTHING_DONE);
    assertThatThrownBy(() -> register(ETH0)).isInstanceOf(UnavailableException.class);
    assertThat(isAnythingLeft()).isTrue();
    assertThat(delayed).extracting(Delayed::seconds).containsExactly(1);
    runDelayed();
    assertThat(delayed).as("still away").extracting(Delayed::seconds).containsExactly(1);
    runDelayed();
    assertThat(isAnythingLeft()).isFalse();
    assertThat(delayed)
        .as("the outcome was unknown")
        .extracting(Delayed::seconds)
        .containsExactly(3);
  }

  @Test
  void whatCertainlyDidNotHappenIsNotTakenBack() {
    datastore.fail(Failure.NOTHING_DONE);
    assertThatThrownBy(() -> register(ETH0)).isInstanceOf(UnavailableException.class);
    assertThat(delayed).isEmpty();
    assertThat(datastore.commits).isEqualTo(1);
  }

  @Test
  void unregisteringReleasesWhatIsOfTheInterface() throws Exception {
    EndpointIdentity eth1 = identity("web", "eth1");
    EndpointIdentity other = identity("db", "eth0");
    Registration zero = register(ETH0);
    Registration one = register(eth1);
    Registration of = register(other);
    registry.unregister(ETH0);
    assertThat(ipam.ownerOf(zero.addresses().get(0))).isEmpty();
    assertThat(registry.stored(ETH0)).isEmpty();
    assertThat(ipam.addressesOf(new HandleId("net.web"))).isEqualTo(one.addresses());
    assertThat(registry.stored(eth1)).isPresent();
    assertThat(ipam.addressesOf(new HandleId("net.db"))).isEqualTo(of.addresses());
    registry.unregister(ETH0);
    assertThat(ipam.addressesOf(new HandleId("net.web"))).as("repeated").isEqualTo(one.addresses());
  }

  @ParameterizedTest
  @CsvSource({"eth0, true", "eth1, false", "'', false", ", true"})
  void whoseAddressItIs(@Nullable String recorded, boolean own) {
    assertThat(EndpointRegistry.isOfInterface(recorded, ETH0)).isEqualTo(own);
  }

  @ParameterizedTest
  @CsvSource({"true, true", ", true", "false, false"})
  void aLockedDatastoreIsNotReady(@Nullable Boolean ready, boolean served) throws Exception {
    assertThatCode(registry::requireReady).as("no information").doesNotThrowAnyException();
    resources.create(
        Resource.create(
            ResourceKind.CLUSTER_INFORMATION,
            Metadata.named(null, "default"),
            new ClusterInformationSpec(null, null, null, ready)));
    for (int i = 0; i < 2; i++) {
      if (served) {
        assertThatCode(registry::requireReady).doesNotThrowAnyException();
      } else {
        assertThatThrownBy(registry::requireReady)
            .isInstanceOf(AttachException.class)
            .hasMessageContaining("locked");
      }
    }
  }

  @Test
  void aProfileThatIsThereStays() throws Exception {
    registry.ensure(ProfileDraft.open(WEB));
    Optional<?> first = resources.get(ResourceKind.PROFILE, "", "web");
    registry.ensure(ProfileDraft.ofMembers(WEB));
    assertThat(first).isPresent();
    assertThat(resources.get(ResourceKind.PROFILE, "", "web").map(Resource::spec))
        .contains(ProfileDraft.open(WEB).spec());
  }

  /** How a commit fails. */
  private enum Failure {
    /** Nothing was written, and the caller knows it. */
    NOTHING_DONE,
    /** Nothing was written yet, and the caller does not know. */
    UNKNOWN,
    /** All was written, and the caller does not know. */
    AFTER_THE_WRITE
  }

  /** Fails its next commits. */
  private static final class Failing extends PassingDatastore {
    private final List<Failure> failures = new ArrayList<>();
    private int commits;
    private @Nullable Transaction lost;

    Failing(Datastore real) {
      super(real);
    }

    void fail(Failure... next) {
      failures.addAll(List.of(next));
      commits = 0;
    }

    /** Returns the transaction of which the caller does not know what became. */
    Transaction lost() {
      return Optional.ofNullable(lost).orElseThrow();
    }

    @Override
    public long commit(Transaction transaction) throws DatastoreException {
      commits++;
      Failure failure = failures.isEmpty() ? null : failures.remove(0);
      if (failure == null) {
        return super.commit(transaction);
      }
      if (failure == Failure.AFTER_THE_WRITE) {
        long unused = super.commit(transaction);
      }
      if (failure == Failure.UNKNOWN) {
        lost = transaction;
      }
      throw new UnavailableException(
          "the datastore is away", failure == Failure.NOTHING_DONE, null);
    }
  }
}
