#!/bin/sh
# Starts and stops workloads on a demo machine, through the installed CNI plugin, as a runtime does.
# Usage: workload start NAME [NETWORK] | workload stop NAME [NETWORK] | workload exec NAME COMMAND...
set -eu
home=${CALICO_HOME:-/opt/calico}

usage() {
  echo "usage: workload start NAME [NETWORK] | stop NAME [NETWORK] | exec NAME COMMAND..." >&2
  exit 2
}
cni() { # cni COMMAND NAME NETWORK
  printf '{"cniVersion":"0.4.0","name":"%s","type":"calico","ipam":{"type":"calico-ipam"}}' "$3" |
    CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=eth0 \
      CNI_PATH=$home/bin "$home/bin/calico"
}

[ $# -ge 2 ] || usage
command=$1 name=$2
case $command in
  start)
    ip netns add "$name"
    if ! cni ADD "$name" "${3:-demo}"; then
      ip netns delete "$name"
      exit 1
    fi
    ;;
  stop)
    cni DEL "$name" "${3:-demo}"
    if [ -e "/run/netns/$name" ]; then ip netns delete "$name"; fi
    ;;
  exec)
    shift 2
    exec ip netns exec "$name" "$@"
    ;;
  *) usage ;;
esac
