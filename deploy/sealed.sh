#!/bin/sh
# Prints t where the database `intake` holds what a master key has sealed, or is bound to one, and f where a new key may be
# made for it: it is empty, or not there. The server is named by PGHOST and PGUSER.
set -eu
ask() { psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$1" -c "$2" < /dev/null; }

there=$(ask postgres "SELECT count(*) FROM pg_database WHERE datname = 'intake'")
[ "$there" = 1 ] || { echo f; exit; }
for table in master_key sealing_keys; do
    held=$(ask intake "SELECT to_regclass('public.$table') IS NOT NULL")
    [ "$held" = f ] || held=$(ask intake "SELECT EXISTS (SELECT FROM public.$table)")
    [ "$held" = f ] || { echo t; exit; }
done
echo f
