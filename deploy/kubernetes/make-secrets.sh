#!/bin/sh
# Writes the secrets of an overlay into its folder `secrets`, which is kept out of git: make-secrets.sh OVERLAY, with
# `doithoai` and python3 on the path. What is there stays.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
overlay=$(cd "${1:?name the folder of the overlay}" && pwd)
handed=$(mktemp -d)
trap 'rm -rf "$handed"' EXIT
umask 077
mkdir -p "$overlay/secrets"
for container in postgres databases rabbitmq migrate intake followup prometheus callers; do mkdir "$handed/$container"; done
/bin/sh "$here/make-secrets.sh" "$overlay/secrets" "$handed" "$here/rabbitmq"
cp "$handed/rabbitmq/rabbitmq.definitions.json" "$overlay/secrets/"
