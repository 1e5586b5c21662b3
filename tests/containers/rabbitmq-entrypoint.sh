#!/bin/bash
# What the official image's entrypoint does, as far as docker-compose.yml uses it.
set -euo pipefail
cat > /etc/rabbitmq/rabbitmq.conf <<CONF
log.console = true
CONF
mkdir -p /var/lib/rabbitmq/mnesia
chown -R rabbitmq /var/lib/rabbitmq
[ $# -gt 0 ] || set -- rabbitmq-server
exec "$@"
