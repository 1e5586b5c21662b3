#!/bin/bash
# What the official image's entrypoint does, as far as docker-compose.yml uses it.
set -euo pipefail
export RABBITMQ_CONFIG_FILE=/tmp/rabbitmq.conf
cat > "$RABBITMQ_CONFIG_FILE" <<CONF
default_user = $RABBITMQ_DEFAULT_USER
default_pass = $RABBITMQ_DEFAULT_PASS
default_vhost = $RABBITMQ_DEFAULT_VHOST
loopback_users = none
log.console = true
CONF
exec "$@"
