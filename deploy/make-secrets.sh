#!/bin/sh
# Runs once in the image: writes the master key and the tokens into /secrets; what is there already is left alone.
set -eu
umask 077
cd /secrets

[ -f master.key ] || head -c 32 /dev/urandom > master.key

for role in office operations auditor system; do
    [ -f "$role.token" ] || doithoai token "$role" --role "$role" --file tokens.json | head -n 1 > "$role.token"
done
