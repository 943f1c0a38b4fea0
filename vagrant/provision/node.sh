#!/bin/sh
# Runs calico-node as a service and waits until it is ready. Usage: node.sh NAME ADDRESS/LENGTH ETCD
set -eu
name=${1:?name of the node}
address=${2:?address with prefix length}
etcd=${3:?URL of etcd}

mkdir -p /etc/calico
cat >/etc/calico/calico-node.env <<SETTINGS
NODENAME=$name
IP=$address
ETCD_ENDPOINTS=$etcd
CALICO_IPV4POOL_CIDR=10.65.0.0/16
SETTINGS
printf 'export ETCD_ENDPOINTS=%s\n' "$etcd" >/etc/profile.d/calico.sh
install -m 644 /opt/calico/examples/systemd/calico-node.service /etc/systemd/system/
systemctl disable --now bird 2>/dev/null || true # calico-node runs a bird of its own
systemctl daemon-reload
systemctl enable calico-node
systemctl restart calico-node
tries=60
until busybox wget -q -O /dev/null http://localhost:9099/readiness; do
  tries=$((tries - 1))
  if [ $tries -eq 0 ]; then
    echo "calico-node is not ready after 60 s; its log:" >&2
    journalctl -u calico-node -n 40 --no-pager >&2
    exit 1
  fi
  sleep 1
done
