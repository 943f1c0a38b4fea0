#!/usr/bin/env bash
# Builds the Debian packages: calico-common (the distribution in /usr/lib/calico4j), calico-node (unit and
# settings), calicoctl (completion, manual pages) and calico-cni (plugins). Argument: OUT
set -euo pipefail

top=$(cd "$(dirname "$(readlink -f "$0")")/../../../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
property() { sed -n "s|.*<$1>\(.*\)</$1>.*|\1|p" "$top/pom.xml" | head -1; }
version=$(property revision | sed 's/-SNAPSHOT/~snapshot/')
SOURCE_DATE_EPOCH=$(date -d "$(property project.build.outputTimestamp)" +%s)
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
architecture=$(dpkg --print-architecture)
home=/usr/lib/calico4j
java='openjdk-17-jre-headless | java17-runtime-headless'

# begin PACKAGE ARCHITECTURE: writes control; more fields come from standard input
begin() {
  mkdir -p "$work/$1/DEBIAN"
  {
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Calico4J\nSection: net\nPriority: optional\n' \
      "$1" "$version" "$2"
    cat
  } >"$work/$1/DEBIAN/control"
}
script() { # PACKAGE NAME: a maintainer's script from standard input
  { printf '#!/bin/sh\nset -e\n' && cat; } >"$work/$1/DEBIAN/$2"
  chmod 755 "$work/$1/DEBIAN/$2"
}
link() { # TARGET LINK, below a package
  mkdir -p "$(dirname "$2")"
  ln -s "$1" "$2"
}
build() { # PACKAGE
  local size
  size=$(du -sk --exclude=DEBIAN "$work/$1" | cut -f 1)
  echo "Installed-Size: $size" >>"$work/$1/DEBIAN/control"
  (cd "$work/$1" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0r md5sum >DEBIAN/md5sums)
  find "$work/$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zgzip --build "$work/$1" "$out/$1_${version}_$2.deb" >&2
}

begin calico-common "$architecture" <<TEXT
Depends: $java
Description: Calico4J, what its programs have in common
 The jars, the program that runtimes execute, and examples.
TEXT
DESTDIR=$work/calico-common "$top/install" "$home" >/dev/null
# Which classes a JVM loads first differs from run to run a little; the archive is made where it is used.
script calico-common postinst <<TEXT
case \$1 in
  configure | triggered)
    $home/lib/class-data || echo "calico-common: this JVM makes no class-data archive: calicoctl starts slower" >&2
    ;;
esac
TEXT
# The archive is of one JVM: it is made again when Debian brings another one.
echo "interest-noawait /usr/lib/jvm" >"$work/calico-common/DEBIAN/triggers"
script calico-common prerm <<TEXT
rm -f $home/lib/calico-cni.jsa
TEXT
build calico-common "$architecture"

begin calico-node all <<TEXT
Depends: calico-common (= $version), bird2, libnftables1, nftables
Recommends: etcd-server
Description: Calico4J, the process of each host
 Felix, BIRD's configuration and the plugin server. It is started with
 systemctl enable --now calico-node
 when /etc/calico/calico-node.env says how.
TEXT
mkdir -p "$work/calico-node/lib/systemd/system" "$work/calico-node/etc/calico"
link ../lib/calico4j/bin/calico-node "$work/calico-node/usr/sbin/calico-node"
sed -e "s|/opt/calico/bin|$home/bin|" -e '/^After=/a Conflicts=bird.service bird6.service' \
  "$top/examples/systemd/calico-node.service" >"$work/calico-node/lib/systemd/system/calico-node.service"
install -m 640 "$top/node-image/src/main/deb/calico-node.env" "$work/calico-node/etc/calico/"
echo /etc/calico/calico-node.env >"$work/calico-node/DEBIAN/conffiles"
script calico-node postinst <<'TEXT'
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # An upgrade: bird, etcd and the dataplane go on while it is started again.
  [ -z "$2" ] || systemctl try-restart calico-node.service
fi
TEXT
script calico-node prerm <<'TEXT'
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop calico-node.service
fi
TEXT
script calico-node postrm <<'TEXT'
if [ "$1" = remove ]; then
  # KillMode=process has left them to live through a restart.
  for name in bird etcd; do
    file=/run/calico/$name.pid
    [ ! -s "$file" ] || [ "$(cat "/proc/$(cat "$file")/comm" 2>/dev/null)" != "$name" ] || kill "$(cat "$file")"
  done
fi
if [ "$1" = purge ]; then
  rm -rf /run/calico /var/log/calico || echo "calico-node: not all of /run/calico could be removed" >&2
  if [ -d /var/lib/calico/etcd ]; then
    find /var/lib/calico -mindepth 1 -maxdepth 1 ! -name 'etcd*' -exec rm -rf {} +
    echo "calico-node: the cluster's data in /var/lib/calico/etcd are kept" >&2
  else
    rm -rf /var/lib/calico
  fi
  rmdir --ignore-fail-on-non-empty /etc/calico 2>/dev/null || true
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
TEXT
build calico-node all

begin calicoctl all <<TEXT
Depends: calico-common (= $version)
Description: Calico4J, the operator's command line
TEXT
link ../lib/calico4j/bin/calicoctl "$work/calicoctl/usr/bin/calicoctl"
completion=$work/calicoctl/usr/share/bash-completion/completions/calicoctl
mkdir -p "$(dirname "$completion")" "$work/calicoctl/usr/share/zsh/vendor-completions" "$work/calicoctl/usr/share/man/man1"
java -cp "$work/calico-common$home/lib/*" io.calico4j.calicoctl.CalicoctlMain completion >"$completion"
cat >"$work/calicoctl/usr/share/zsh/vendor-completions/_calicoctl" <<'TEXT'
#compdef calicoctl
autoload -Uz bashcompinit && bashcompinit
source /usr/share/bash-completion/completions/calicoctl
_bash_complete -F _complete_calicoctl
TEXT
(cd "$top" && mvn -q -B -ntp -pl calicoctl -am -P manual-pages -Dsurefire.tests.skip=true process-test-classes >&2)
asciidoctor --backend manpage --destination-dir "$work/calicoctl/usr/share/man/man1" "$top"/calicoctl/target/man/*.adoc
gzip -n9 "$work"/calicoctl/usr/share/man/man1/*
build calicoctl all

begin calico-cni all <<TEXT
Depends: calico-common (= $version)
Recommends: calico-node (= $version)
Description: Calico4J, the CNI plugins
 In /usr/lib/cni and /opt/cni/bin, where runtimes look for them.
TEXT
for program in calico calico-ipam; do
  link "../calico4j/bin/$program" "$work/calico-cni/usr/lib/cni/$program"
  link "../../..$home/bin/$program" "$work/calico-cni/opt/cni/bin/$program"
done
build calico-cni all
(cd "$out" && ls -l ./*.deb >&2)
