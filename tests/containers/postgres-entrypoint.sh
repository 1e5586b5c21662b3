#!/bin/bash
# What the official image's entrypoint does, as far as docker-compose.yml uses it.
set -euo pipefail
mkdir -p "$PGDATA" /var/run/postgresql
chown -R postgres "$PGDATA" /var/run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    gosu postgres initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-host=scram-sha-256 --encoding=UTF8 >/dev/null
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    gosu postgres pg_ctl -w start -o "-c listen_addresses=''" >/dev/null
    for script in /docker-entrypoint-initdb.d/*.sh; do
        gosu postgres /bin/sh "$script"
    done
    gosu postgres pg_ctl -w -m fast stop >/dev/null
fi
exec gosu postgres postgres -c listen_addresses='*'
