#!/bin/bash
# What the official image's entrypoint does, as far as docker-compose.yml uses it.
set -euo pipefail
export RABBITMQ_CONFIG_FILE=/tmp/rabbitmq.conf
cat > "$RABBITMQ_CONFIG_FILE" <<CONF
log.console = true
CONF
[ $# -gt 0 ] || set -- rabbitmq-server
exec "$@"
