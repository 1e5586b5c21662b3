#!/bin/sh
# Run once, by the first start of the database's container: one database for each service, each with an owner of its own.
set -eu
for service in intake followup; do
    password=$(cat "/secrets/$service.password")
    psql -v ON_ERROR_STOP=1 -v name="$service" -v password="$password" --username postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
SQL
done
