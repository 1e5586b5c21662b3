#!/bin/sh
# Runs in the image before everything else: writes keys, passwords and tokens into /secrets. What is there already stays.
set -eu
umask 077
cd /secrets

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

[ -f master.key ] || head -c 32 /dev/urandom > master.key

for name in postgres intake followup rabbitmq; do
    [ -f "$name.password" ] || random > "$name.password"
done

for service in intake followup; do
    # As the settings name them: a file for each, its name that of the variable in lower case.
    printf 'postgresql://%s:%s@postgres/%s' "$service" "$(cat "$service.password")" "$service" > "${service}_database_url"
    printf 'amqp://doithoai:%s@rabbitmq/doithoai' "$(cat rabbitmq.password)" > "${service}_amqp_url"
done

for role in office operations auditor system; do
    # For trying: each may push in any source's name, as the story does. In production a caller names its own.
    [ -f "$role.token" ] || doithoai token "$role" --role "$role" --source '*' --file tokens.json | head -n 1 > "$role.token"
done

# The services run as their own user, the servers as theirs: each reads what it needs and nobody writes.
chown -R 8570 /secrets
chmod 755 /secrets
chmod 644 postgres.password intake.password followup.password rabbitmq.password operations.token
