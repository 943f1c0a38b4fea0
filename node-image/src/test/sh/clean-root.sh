#!/usr/bin/env bash
# Writes a tar of a Debian that has what our packages depend on, and nothing of ours. Argument: FILE
set -euo pipefail

export PATH=$PATH:/usr/sbin:/sbin
mmdebstrap --quiet --aptopt='Acquire::Retries "5"' --variant=minbase --format=tar --include=bird2,etcd-server,iproute2,nftables,openjdk-17-jre-headless \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$1.new"
mv "$1.new" "$1"
