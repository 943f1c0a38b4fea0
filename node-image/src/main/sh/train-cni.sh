#!/usr/bin/env bash
# Runs an ADD and a DEL by DEST/lib/calico-cni inside private namespaces, so that the JVM can note
# which classes they load. Without the right to make namespaces, or without etcd, a request that
# cannot reach etcd must do. Argument: DEST
set -euo pipefail

dest=$1
if [ "${2:-}" != inside ]; then
  if command -v etcd >/dev/null &&
    unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc \
      bash "$0" "$dest" inside >/dev/null 2>&1; then
    exit 0
  fi
  CNI_COMMAND=DEL CNI_CONTAINERID=train CNI_IFNAME=eth0 "$dest/lib/calico-cni" calico >/dev/null 2>&1 \
    <<<'{"name":"train","type":"calico","etcd_endpoints":"http://127.0.0.1:9"}' || true
  exit 0
fi

mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/calico
ip link set lo up
ip netns add train
etcd --data-dir /run/etcd >/dev/null 2>&1 &
url=http://127.0.0.1:2379
for _ in $(seq 100); do
  ETCDCTL_API=3 etcdctl --endpoints=$url endpoint health && break
  sleep 0.1
done
put() { ETCDCTL_API=3 etcdctl --endpoints=$url put "/calico/resources/v3/projectcalico.org/$1" "$2"; }
put nodes/train '{"kind":"Node","apiVersion":"projectcalico.org/v3","metadata":{"name":"train"},"spec":{}}'
put ippools/train '{"kind":"IPPool","apiVersion":"projectcalico.org/v3","metadata":{"name":"train"},"spec":{"cidr":"10.65.0.0/16","blockSize":26,"nodeSelector":"all()","ipipMode":"Never","vxlanMode":"Never","allowedUses":["Workload"]}}'
export CNI_CONTAINERID=train CNI_IFNAME=eth0 CNI_NETNS=/run/netns/train CALICO_LIB_DIR=/run/calico
options=$CALICO_CNI_JAVA_OPTIONS
for CNI_COMMAND in ADD DEL; do
  export CNI_COMMAND
  # Only the first run writes the list.
  CALICO_CNI_JAVA_OPTIONS=$options "$dest/lib/calico-cni" calico \
    <<<"{\"name\":\"train\",\"type\":\"calico\",\"nodename\":\"train\",\"etcd_endpoints\":\"$url\"}"
  options=-Xshare:auto
done
