#!/bin/sh
# Writes the secrets of an overlay into its folder `secrets`, which is kept out of git: make-secrets.sh OVERLAY SOURCE, with
# `doithoai` and python3 on the path. The source is the name that the overlay gives its intake. What is there already stays,
# but for the two files of the broker that are made of the passwords.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
overlay=$(cd "${1:?name the folder of the overlay}" && pwd)
source=${2:?name the source, as INTAKE_SOURCE does}
handed=$(mktemp -d)
trap 'rm -rf "$handed"' EXIT
umask 077
mkdir -p "$overlay/secrets" "$handed/broker"
for container in postgres databases rabbitmq migrate intake followup prometheus callers; do mkdir "$handed/$container"; done
# Whom the portal may queue commands for.
sed "s/\"^local\\$\"/\"^$source\\$\"/" "$here/rabbitmq/definitions.json" > "$handed/broker/definitions.json"
cp "$here/rabbitmq/with_passwords.py" "$handed/broker/"
/bin/sh "$here/make-secrets.sh" "$overlay/secrets" "$handed" "$handed/broker"
cp "$handed/rabbitmq/rabbitmq.definitions.json" "$overlay/secrets/"
printf 'default_user = monitoring\ndefault_pass = %s\n' "$(cat "$overlay/secrets/rabbitmq-monitoring.password")" \
    > "$overlay/secrets/broker-default-user.conf"
