#!/bin/sh
# Builds Calico4J from the synced source tree and installs it in /opt/calico.
set -eu
cd /calico4j
./prerequisites
./install /opt/calico
ln -sf /opt/calico/bin/calicoctl /usr/local/bin/calicoctl
install -m 755 vagrant/provision/workload.sh /usr/local/bin/workload
