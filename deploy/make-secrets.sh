#!/bin/sh
# Runs in the image before everything else: writes keys, passwords and tokens into /secrets, which no other container
# sees, and hands each container copies of its own in /handed/CONTAINER. What is there already stays.
set -eu
secrets=${1:-/secrets} handed=${2:-/handed} broker=${3:-/rabbitmq}
umask 077
cd "$secrets"

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

for name in master sessions webhooks; do
    [ -f "$name.key" ] || head -c 32 /dev/urandom > "$name.key"
done

for name in postgres intake intake_owner followup followup_owner \
    rabbitmq-intake rabbitmq-followup rabbitmq-monitoring rabbitmq-portal; do
    [ -f "$name.password" ] || random > "$name.password"
done

for role in office operations auditor system admin; do
    user=
    [ "$role" != system ] || user=portal # who queues commands as `portal` is the caller `system`
    # For trying: each may push in any source's name, as the story does. In production a caller names its own.
    [ -f "$role.token" ] ||
        doithoai token "$role" --role "$role" --amqp-user "$user" --source '*' --file tokens.json | head -n 1 > "$role.token"
done

# give CONTAINER FILE: writes what comes in, whole or not at all. A server runs as a user of its own: the files of its
# volume are readable by whoever mounts it, which is that one container.
give() {
    cat > "$handed/$1/.$2"
    chmod 444 "$handed/$1/.$2"
    mv -f "$handed/$1/.$2" "$handed/$1/$2"
}

# hand CONTAINER FILE...: gives copies.
hand() {
    container=$1
    shift
    for file; do give "$container" "$file" < "$file"; done
}

# A setting as a file: its name is that of the variable in lower case.
database_url() { printf 'postgresql://%s:%s@postgres/%s' "$1" "$(cat "$1.password")" "$2"; }

hand postgres postgres.password
hand databases postgres.password intake.password intake_owner.password followup.password followup_owner.password
python3 "$broker/with_passwords.py" "$broker/definitions.json" . | give rabbitmq rabbitmq.definitions.json
hand intake master.key tokens.json
hand followup tokens.json auditor.token sessions.key webhooks.key
hand prometheus operations.token
hand callers office.token operations.token auditor.token system.token admin.token \
    rabbitmq-monitoring.password rabbitmq-portal.password

for service in intake followup; do
    database_url "$service" "$service" | give "$service" "${service}_database_url"
    database_url "${service}_owner" "$service" | give migrate "${service}_database_url"
    printf 'amqp://%s:%s@rabbitmq/doithoai' "$service" "$(cat "rabbitmq-$service.password")" | give "$service" "${service}_amqp_url"
done
