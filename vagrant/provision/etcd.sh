#!/bin/sh
# Runs Debian's etcd for the whole cluster. Usage: etcd.sh ADDRESS
set -eu
address=${1:?address of this machine}
cat >/etc/default/etcd <<SETTINGS
ETCD_NAME=demo
ETCD_LISTEN_CLIENT_URLS=http://$address:2379,http://127.0.0.1:2379
ETCD_ADVERTISE_CLIENT_URLS=http://$address:2379
SETTINGS
systemctl enable etcd
systemctl restart etcd
