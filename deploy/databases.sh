#!/bin/sh
# Runs at each start, as the superuser of the database and before the services: for each service a database, a role that
# owns and migrates it, and a role that the service runs as, which owns no event. Safe to repeat.
# The server is named by PGHOST and PGUSER; the passwords are files of the folder.
set -eu
cd "${1:-/secrets}"
PGPASSWORD=$(cat postgres.password)
PGOPTIONS='-c client_min_messages=warning'
export PGPASSWORD PGOPTIONS
for service in intake followup; do
    psql -X -q -v ON_ERROR_STOP=1 -v service="$service" -v owner="${service}_owner" -d postgres > /dev/null <<SQL
\set service_password \`cat $service.password\`
\set owner_password \`cat ${service}_owner.password\`
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY[:'service', :'owner']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"service" PASSWORD :'service_password';
ALTER ROLE :"owner" PASSWORD :'owner_password';
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'service', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'service') \gexec
\connect :"service"
-- A database of version 0.2.0 belongs to the role that the service runs as.
SELECT format('REASSIGN OWNED BY %I TO %I', :'service', :'owner') FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
WHERE d.datname = current_database() AND r.rolname = :'service' \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE :"service" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"service";
-- So that doctor sees who is the standby, and who receives the log.
GRANT pg_read_all_stats TO :"service";
-- So that the owner can hand over what belongs to the service: the tables that it rebuilds.
GRANT :"service" TO :"owner";
SQL
done
