#!/usr/bin/env bash
# The demo of ./quickstart: a cluster of three hosts made of network namespaces. Runs as root of
# private user, network, mount and PID namespaces. Arguments: DIST KEEP(0|1) JSON(0|1)
# shellcheck disable=SC2015  # finish cannot fail, so "A && finish || finish 1" is an if-then-else
set -euo pipefail

dist=$1 keep=$2 json=$3
started=$(date +%s%N)
failures=()
results=()

seconds() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }
begin() { step_name=$1 step_start=$(date +%s%N) && echo "==> $1" >&2; }
finish() { # [0|1]
  local ok=${1:-0} took
  took=$(seconds "$step_start")
  if [ "$ok" = 0 ]; then echo "    done in $took s" >&2; else
    echo "    FAILED after $took s" >&2
    failures+=("$step_name")
  fi
  results+=("{\"step\":\"$step_name\",\"ok\":$([ "$ok" = 0 ] && echo true || echo false),\"seconds\":$took}")
}
await() { # SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.1
  done
}

# Runs a command on a host: in its network namespace, with a /run/calico of its own.
on() {
  local host=$1
  shift
  # shellcheck disable=SC2016  # expanded by the shell that runs it
  nsenter --net="/run/netns/$host" unshare --mount \
    sh -c 'mount --bind "/run/hosts/$0/run" /run/calico && exec "$@"' "$host" "$@"
}
ctl() { ETCD_ENDPOINTS=http://192.0.2.2:2379 on h1 "$dist/bin/calicoctl" "$@"; }
etcd_get() { ETCDCTL_API=3 on h1 etcdctl --endpoints=http://192.0.2.2:2379 get --prefix "$@"; }

link() { # HOST NETWORK-NAMESPACE-OF-THE-OTHER-END OTHER-NAME ADDRESS
  ip link add eth0 netns "$1" type veth peer name "$3" netns "$2"
  ip -n "$1" address add "$4" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$2" link set "$3" up
}

network() {
  local host
  mount -t tmpfs tmpfs /run
  mkdir -p /run/netns /run/calico /run/www
  echo ok >/run/www/index.html
  for host in fabric router h1 h2 h3; do
    ip netns add $host
    ip -n $host link set lo up
    mkdir -p /run/hosts/$host/run /run/hosts/$host/lib
  done
  ip -n fabric link add br0 type bridge
  ip -n fabric link set br0 up
  ip -n fabric address add 192.0.2.2/24 dev br0
  ip -n fabric route add 198.51.100.0/24 via 192.0.2.1
  link router fabric router 192.0.2.1/24
  link h1 fabric h1 192.0.2.11/24
  link h2 fabric h2 192.0.2.12/24
  ip -n fabric link set router master br0
  ip -n fabric link set h1 master br0
  ip -n fabric link set h2 master br0
  link h3 router h3 198.51.100.13/24
  ip -n router address add 198.51.100.1/24 dev h3
  ip -n h1 route add default via 192.0.2.1
  ip -n h2 route add default via 192.0.2.1
  ip -n h3 route add default via 198.51.100.1
  nsenter --net=/run/netns/router sysctl -qw net.ipv4.ip_forward=1
  cat >/run/hosts/router/bird.cfg <<'CONF'
router id 192.0.2.1;
protocol device { scan time 2; }
protocol kernel { ipv4 { export all; }; }
template bgp host { local as 64500; passive on; ipv4 { import all; export all; next hop self; }; }
protocol bgp h1 from host { neighbor 192.0.2.11 as 64512; }
protocol bgp h2 from host { neighbor 192.0.2.12 as 64512; }
protocol bgp h3 from host { neighbor 198.51.100.13 as 64513; }
CONF
  nsenter --net=/run/netns/router bird -c /run/hosts/router/bird.cfg \
    -s /run/hosts/router/bird.ctl -P /run/hosts/router/bird.pid
  nsenter --net=/run/netns/fabric etcd --data-dir /run/etcd --name demo \
    --listen-client-urls http://192.0.2.2:2379 --advertise-client-urls http://192.0.2.2:2379 \
    --listen-peer-urls http://127.0.0.1:2380 >/run/etcd.log 2>&1 &
}

declare -A agent
agent() { # HOST ADDRESS AS
  NODENAME=$1 IP=$2 AS=$3 ETCD_ENDPOINTS=http://192.0.2.2:2379 CALICO_LIB_DIR=/run/hosts/$1/lib \
    CALICO_IPV4POOL_CIDR=10.65.0.0/16 on "$1" "$dist/bin/calico-node" >>"/run/hosts/$1/node.log" 2>&1 &
  agent[$1]=$!
}
ready() { on "$1" busybox wget -q -O- http://localhost:9099/readiness; }

# A task, as a Mesos agent's network/cni isolator starts it.
mesos() { # ADD|DEL HOST NAME
  on "$2" env -i PATH="$PATH" CNI_COMMAND="$1" CNI_CONTAINERID="task-$3" CNI_IFNAME=eth0 \
    CNI_NETNS="/run/netns/$3" CNI_PATH="$dist/bin" "$dist/bin/calico" <<CONF
{"args":{"org.apache.mesos":{"network_info":{"labels":{"labels":[{"key":"app","value":"$3"}]},"name":"calico-net"}}},"ipam":{"type":"calico-ipam"},"name":"calico-net","type":"calico"}
CONF
}
# A pod, as rkt starts it: its whole environment and its own variables.
rkt() { # ADD|DEL HOST NAME
  on "$2" env CNI_VERSION=0.1.0 CNI_COMMAND="$1" CNI_CONTAINERID="pod-$3" CNI_IFNAME=eth0 \
    CNI_NETNS="/run/netns/$3" CNI_ARGS= CNI_PATH="$dist/bin" "$dist/bin/calico" <<'CONF'
{"name":"calico","type":"calico","ipam":{"type":"calico-ipam"}}
CONF
}

workloads=(task1 task2 task3 pod1 pod2 pod3)
declare -A address
start_workloads() {
  local name kind answer
  for name in "${workloads[@]}"; do
    ip netns add "$name"
    ip -n "$name" link set lo up
    kind=mesos
    [ "${name#pod}" = "$name" ] || kind=rkt
    answer=$($kind ADD "h${name: -1}" "$name") || { echo "$answer" >&2; return 1; }
    address[$name]=$(sed -n 's/.*"ip":"\([0-9.]*\).*/\1/p' <<<"$answer")
    echo "    $name on h${name: -1} has ${address[$name]}" >&2
    nsenter --net="/run/netns/$name" busybox httpd -f -p 8080 -h /run/www &
  done
}

# shellcheck disable=SC2016  # expanded by the shell that runs it
fetch='exec 3<>"/dev/tcp/$1/8080" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && grep -q ok <&3'

probe() { # FROM TO: a TCP connection and a ping must agree
  local tcp=no ping=no
  nsenter --net="/run/netns/$1" timeout 1 bash -c "$fetch" fetch "${address[$2]}" 2>/dev/null && tcp=yes
  nsenter --net="/run/netns/$1" busybox ping -c 1 -W 1 "${address[$2]}" >/dev/null && ping=yes
  [ $tcp = $ping ] || tcp="$tcp/$ping"
  echo "$tcp" >"/run/probe.$1.$2"
}
matrix() { # EXPECTATION-FUNCTION
  local from to ok=0 pids=() got want
  for from in "${workloads[@]}"; do
    for to in "${workloads[@]}"; do
      [ "$from" = "$to" ] || { probe "$from" "$to" & pids+=($!); }
    done
  done
  wait "${pids[@]}"
  printf '    %-8s' from\\to >&2
  printf ' %-6s' "${workloads[@]}" >&2
  echo >&2
  for from in "${workloads[@]}"; do
    printf '    %-8s' "$from" >&2
    for to in "${workloads[@]}"; do
      got=- want=-
      [ "$from" = "$to" ] || { got=$(cat "/run/probe.$from.$to") && want=$("$1" "$from" "$to"); }
      [ "$got" = "$want" ] || { ok=1 && got="$got!"; }
      printf ' %-6s' "$got" >&2
    done
    echo >&2
  done
  return $ok
}
same_network() { [ "${1%?}" = "${2%?}" ] && echo yes || echo no; }
with_policy() { # pods may reach task1, tasks other than task1 may not
  if [ "$2" = task1 ]; then [ "${1%?}" = pod ] && echo yes || echo no; else same_network "$1" "$2"; fi
}

begin 'a network of three hosts, a router and etcd'
network
await 20 env ETCDCTL_API=3 nsenter --net=/run/netns/fabric etcdctl \
  --endpoints=http://192.0.2.2:2379 endpoint health && finish || finish 1

begin 'calico-node on each host: Felix, plugin server, bird'
agent h1 192.0.2.11/24 64512
await 60 ready h1 || true
agent h2 192.0.2.12/24 64512
agent h3 198.51.100.13/24 64513
ok=0
for host in h1 h2 h3; do await 60 ready $host || { ok=1 && tail -5 /run/hosts/$host/node.log >&2; }; done
finish $ok

begin 'BGP peers: every host with the router'
ctl apply -f - >&2 <<'CONF' && finish || finish 1
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: router-h1}
spec: {node: h1, peerIP: 192.0.2.1, asNumber: 64500}
---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: router-h2}
spec: {node: h2, peerIP: 192.0.2.1, asNumber: 64500}
---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: router-h3}
spec: {node: h3, peerIP: 198.51.100.1, asNumber: 64500}
CONF

begin 'workloads: a Mesos task and an rkt pod on each host'
start_workloads && finish || finish 1

begin 'routes travel: every host and the router know every block'
ok=0
for host in router h1 h2 h3; do
  await 30 sh -c "[ \$(ip -n $host route show proto bird | grep -c '^10\\.65\\.\\|^blackhole 10\\.65\\.') -ge 3 ]" || {
    ok=1 && ip -n $host route >&2
  }
done
finish $ok

begin 'who reaches whom, by the networks alone'
matrix same_network && finish || finish 1

begin 'a policy: only rkt pods may reach task1'
ctl apply -f - >&2 <<'CONF'
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: task1}
spec:
  selector: app == 'task1'
  types: [Ingress]
  ingress:
    - {action: Allow, source: {selector: has(calico)}}
CONF
matrix with_policy && finish || finish 1

begin "h1's agent is killed with SIGKILL and started again"
ok=0
# shellcheck disable=SC2016  # perl's variables
nsenter --net=/run/netns/task1 perl -MIO::Socket::INET -e \
  '$| = 1; $c = IO::Socket::INET->new(LocalPort => 9000, Listen => 1)->accept; print while <$c>' \
  >/run/stream &
# shellcheck disable=SC2016  # expanded by the shell that runs it
nsenter --net=/run/netns/pod3 bash -c \
  'sleep 0.3; exec 3<>"/dev/tcp/$1/9000"; while sleep 0.1; do echo tick >&3; done' \
  stream "${address[task1]}" 2>/dev/null &
await 10 test -s /run/stream || ok=1
agent_process=$(pgrep -f "$dist/lib/\*.*CalicoNode" -P "${agent[h1]}" || echo "${agent[h1]}")
kill -9 "$agent_process"
await 5 sh -c "! kill -0 $agent_process" || ok=1
if ready h1 >/dev/null 2>&1; then ok=1 && echo '    the agent still answers' >&2; fi
before=$(wc -l </run/stream)
matrix with_policy || ok=1
[ "$(wc -l </run/stream)" -gt "$before" ] || ok=1
agent h1 192.0.2.11/24 64512
await 60 ready h1 || ok=1
before=$(wc -l </run/stream)
matrix with_policy || ok=1
[ "$(wc -l </run/stream)" -gt "$before" ] || ok=1
echo "    the connection from pod3 to task1 has carried $(wc -l </run/stream) lines" >&2
finish $ok

if [ "$keep" = 1 ]; then
  cat >&2 <<TEXT

The cluster is up. From another terminal, as the same user:
  enter the namespaces:    nsenter --preserve-credentials --user --net --mount --pid -t PID   (the child of unshare, as pgrep -f demo.sh shows it)
  then, on a host:         nsenter --net=/run/netns/h1 ip route
  rules:                   nsenter --net=/run/netns/h1 nft list table inet calico
  calicoctl:               ETCD_ENDPOINTS=http://192.0.2.2:2379 nsenter --net=/run/netns/h1 $dist/bin/calicoctl get wep
Press Ctrl-C here to take it down.
TEXT
  sleep infinity
fi

begin 'everything is deleted, and nothing is left'
ok=0
for name in "${workloads[@]}"; do
  kind=mesos
  [ "${name#pod}" = "$name" ] || kind=rkt
  $kind DEL "h${name: -1}" "$name" || ok=1
done
no_links() { ! ip -n "$1" -o link | grep -q ' cali'; }
no_rules() { ! nsenter --net="/run/netns/$1" nft list table inet calico | grep -q cali-tw-; }
for host in h1 h2 h3; do
  await 10 no_links $host || { ok=1 && echo "    links are left on $host" >&2; }
  await 10 no_rules $host || { ok=1 && echo "    rules are left on $host" >&2; }
done
for prefix in /calico/ipam/v2/handle/ /calico/resources/v3/projectcalico.org/workloadendpoints/; do
  [ -z "$(etcd_get --keys-only $prefix)" ] || { ok=1 && echo "    keys are left below $prefix" >&2; }
done
if etcd_get --print-value-only /calico/ipam/v2/assignment/ | grep -q handle_id; then
  ok=1 && echo '    addresses are left' >&2
fi
finish $ok

total=$(seconds "$started")
if [ ${#failures[@]} -eq 0 ]; then
  echo "all steps showed what they had to, in $total s" >&2
else
  echo "FAILED: ${failures[*]}" >&2
fi
if [ "$json" = 1 ]; then
  (IFS=, && echo "{\"ok\":$([ ${#failures[@]} -eq 0 ] && echo true || echo false),\"seconds\":$total,\"steps\":[${results[*]}]}")
fi
[ ${#failures[@]} -eq 0 ]
