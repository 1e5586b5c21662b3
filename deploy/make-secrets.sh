#!/bin/sh
# Runs in the image before everything else: writes keys, passwords and tokens into /secrets. What is there already stays.
set -eu
umask 077
cd /secrets

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

[ -f master.key ] || head -c 32 /dev/urandom > master.key

for name in postgres intake followup rabbitmq-intake rabbitmq-followup rabbitmq-monitoring rabbitmq-portal; do
    [ -f "$name.password" ] || random > "$name.password"
done

for service in intake followup; do
    # As the settings name them: a file for each, its name that of the variable in lower case.
    printf 'postgresql://%s:%s@postgres/%s' "$service" "$(cat "$service.password")" "$service" > "${service}_database_url"
    printf 'amqp://%s:%s@rabbitmq/doithoai' "$service" "$(cat "rabbitmq-$service.password")" > "${service}_amqp_url"
done
python3 /rabbitmq/with_passwords.py /rabbitmq/definitions.json . > rabbitmq.definitions.json

for role in office operations auditor system; do
    user=$([ "$role" = system ] && echo portal || true) # who queues commands is the caller `system`
    [ -f "$role.token" ] || doithoai token "$role" --role "$role" --amqp-user "$user" --file tokens.json | head -n 1 > "$role.token"
done

# The services run as their own user, the servers as theirs: each reads what it needs and nobody writes.
chown -R 8570 /secrets
chmod 755 /secrets
chmod 644 postgres.password intake.password followup.password rabbitmq.definitions.json operations.token
