#!/usr/bin/env bash
# Builds the image of calico-node, without root and without a registry: Debian's bird, etcd and
# nftables, a Java runtime of just the modules that are needed, and the distribution in /opt/calico.
# The same sources, Debian packages and JDK give the same bytes. Argument: OUT
set -euo pipefail

top=$(cd "$(dirname "$(readlink -f "$0")")/../../../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
property() { sed -n "s|.*<$1>\(.*\)</$1>.*|\1|p" "$top/pom.xml" | head -1; }
version=$(property revision)
date=$(property project.build.outputTimestamp)
codename=$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)
SOURCE_DATE_EPOCH=$(date -d "$date" +%s)
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC PATH=$PATH:/usr/sbin:/sbin
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { echo "image: $*" >&2; }

# What Debian's packages need of each other comes with them. perl comes for scripts that configure
# packages: nothing here runs them.
packages=bird2,etcd-server,nftables,libnftables1,iproute2,libc6,libstdc++6,zlib1g,dash,coreutils,grep,sed,procps,tini,ca-certificates,base-files
unneeded=(usr/share/{man,info,locale,perl,perl5,lintian,bug,doc-base,bash-completion,debconf,common-licenses/GFDL*}
  'usr/lib/*/perl*' 'usr/lib/*/gconv' 'usr/lib/*/libperl*' 'usr/bin/perl*' 'usr/lib/*/libdb-*' 'usr/lib/*/security'
  'lib/*/security' 'lib/systemd' 'etc/init.d' 'etc/systemd' 'var/lib/systemd' 'usr/sbin/adduser' 'usr/bin/ucf*' 'etc/perl'
  'var/cache/*' 'var/lib/apt' 'var/log/*' 'usr/share/zsh' 'usr/share/initramfs-tools' 'usr/share/usrmerge' 'tmp/*' 'dev/*'
  'usr/share/doc/*/[!c]*' 'usr/share/doc/*/c[!o]*')
step "Debian's packages"
# shellcheck disable=SC2016 # mmdebstrap's shell expands $1
mmdebstrap --quiet --aptopt='Acquire::Retries "5"' --variant=extract --include="$packages" \
  --extract-hook='for deb in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb --show "$deb"; done >'"$work/packages" \
  "$codename" "$work/debian.tar" >&2
mkdir -p "$work/base" "$work/calico"
tar -C "$work/base" -xf "$work/debian.tar" --no-same-owner --exclude='./dev/*'
(
  cd "$work/base"
  shopt -s nullglob
  # shellcheck disable=SC2086 # these are patterns
  for pattern in "${unneeded[@]}"; do rm -rf -- $pattern; done
  mkdir -p proc sys run tmp root etc var/log var/lib/calico
  printf 'root:x:0:0:root:/root:/bin/sh\n' >etc/passwd
  printf 'root:x:0:\n' >etc/group
  chmod -R u+rwX,go+rX-w,a-s .
  chmod 1777 tmp
)

step 'the Java runtime'
java_home=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
"$java_home/bin/jlink" --strip-debug --no-header-files --no-man-pages --compress=0 --output "$work/base/opt/java" --add-modules \
  java.base,java.desktop,java.logging,java.management,java.naming,java.net.http,java.sql,jdk.crypto.ec,jdk.jfr,jdk.unsupported
ln -s ../../opt/java/bin/java "$work/base/usr/bin/java"

step 'Calico4J'
DESTDIR=$work/calico "$top/install" /opt/calico >/dev/null
# The class-data archive would differ from build to build.
rm -f "$work"/calico/opt/calico/lib/{class-data,calico-cni.classes}
mkdir -p "$work/calico/usr/local/bin"
for program in calico-node calicoctl; do
  ln -s "../../../opt/calico/bin/$program" "$work/calico/usr/local/bin/$program"
done

reproducible_tar() { # DIRECTORY
  tar -C "$1" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -cf - .
}
sum() { sha256sum "$1" | cut -d ' ' -f 1; }
blobs=$work/oci/blobs/sha256
mkdir -p "$blobs"
put_blob() { # FILE: moves it to where its digest names it, and prints the digest
  local digest
  digest=$(sum "$1")
  mv "$1" "$blobs/$digest"
  echo "$digest"
}
layers=() diff_ids=() sizes=()
for layer in base calico; do
  reproducible_tar "$work/$layer" >"$work/$layer.tar"
  diff_ids+=("$(sum "$work/$layer.tar")")
  gzip -n -6 "$work/$layer.tar"
  sizes+=("$(stat -c %s "$work/$layer.tar.gz")")
  layers+=("$(put_blob "$work/$layer.tar.gz")")
done

step 'the manifests'
architecture=$(dpkg --print-architecture)
command='"/usr/bin/tini","--","/opt/calico/bin/calico-node"'
path=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cat >"$work/config" <<JSON
{"architecture":"$architecture","os":"linux","created":"$date","config":{"Entrypoint":[$command],"Env":["PATH=$path"],"Labels":{"org.opencontainers.image.title":"calico-node","org.opencontainers.image.version":"$version"}},"rootfs":{"type":"layers","diff_ids":["sha256:${diff_ids[0]}","sha256:${diff_ids[1]}"]},"history":[{"created":"$date","created_by":"Debian, Java runtime"},{"created":"$date","created_by":"Calico4J $version"}]}
JSON
config_size=$(stat -c %s "$work/config")
config=$(put_blob "$work/config")
oci=application/vnd.oci.image
cat >"$work/manifest" <<JSON
{"schemaVersion":2,"mediaType":"$oci.manifest.v1+json","config":{"mediaType":"$oci.config.v1+json","digest":"sha256:$config","size":$config_size},"layers":[{"mediaType":"$oci.layer.v1.tar+gzip","digest":"sha256:${layers[0]}","size":${sizes[0]}},{"mediaType":"$oci.layer.v1.tar+gzip","digest":"sha256:${layers[1]}","size":${sizes[1]}}]}
JSON
manifest_size=$(stat -c %s "$work/manifest")
manifest=$(put_blob "$work/manifest")
name=calico/node:$version
# One archive for both: the OCI image layout, and the file that docker load of old reads.
cat >"$work/oci/index.json" <<JSON
{"schemaVersion":2,"mediaType":"$oci.index.v1+json","manifests":[{"mediaType":"$oci.manifest.v1+json","digest":"sha256:$manifest","size":$manifest_size,"annotations":{"org.opencontainers.image.ref.name":"$version","io.containerd.image.name":"docker.io/$name"}}]}
JSON
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
cat >"$work/oci/manifest.json" <<JSON
[{"Config":"blobs/sha256/$config","RepoTags":["$name"],"Layers":["blobs/sha256/${layers[0]}","blobs/sha256/${layers[1]}"]}]
JSON
reproducible_tar "$work/oci" >"$out/calico-node-$version.oci.tar"

# App Container Image, https://github.com/appc/spec/blob/master/spec/aci.md: one tar with the manifest
# first and all files below rootfs.
cat >"$work/aci" <<JSON
{"acKind":"ImageManifest","acVersion":"0.8.11","name":"calico/node","labels":[{"name":"version","value":"$version"},{"name":"os","value":"linux"},{"name":"arch","value":"$architecture"}],"app":{"exec":[$command],"user":"0","group":"0","environment":[{"name":"PATH","value":"$path"}],"mountPoints":[{"name":"run-calico","path":"/run/calico"},{"name":"lib-calico","path":"/var/lib/calico"},{"name":"run-netns","path":"/run/netns"}],"isolators":[{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_NET_ADMIN","CAP_NET_RAW","CAP_NET_BIND_SERVICE","CAP_SYS_ADMIN","CAP_SYS_PTRACE","CAP_DAC_OVERRIDE","CAP_KILL"]}}]}}
JSON
mkdir -p "$work/whole/rootfs"
cp "$work/aci" "$work/whole/manifest"
cp -a "$work/base/." "$work/calico/." "$work/whole/rootfs/"
reproducible_tar "$work/whole" | gzip -n -6 >"$out/calico-node-$version.aci"

step 'what is in it'
(cd "$work/whole/rootfs" && find . -type f -printf '%s\t%P\n' | sort -k 2) >"$out/calico-node-$version.files"
"$top/node-image/src/main/sh/bill-of-materials.py" "$version" "$date" "$work/packages" "$work"/calico/opt/calico/lib/*.jar \
  >"$out/calico-node-$version.cdx.json"
(cd "$out" && ls -l "calico-node-$version".* >&2)
