#!/bin/bash
# What the official image's entrypoint does, as far as docker-compose.yml uses it.
set -euo pipefail
cat > /etc/rabbitmq/rabbitmq.conf <<CONF
default_user = $RABBITMQ_DEFAULT_USER
default_pass = $RABBITMQ_DEFAULT_PASS
default_vhost = $RABBITMQ_DEFAULT_VHOST
loopback_users = none
log.console = true
CONF
mkdir -p /var/lib/rabbitmq/mnesia
chown -R rabbitmq /var/lib/rabbitmq
exec "$@"
