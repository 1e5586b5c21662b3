#!/bin/sh
# Run once as root where PostgreSQL and RabbitMQ run on this machine too: `setup.sh SOURCE HOST [PROVINCE]`. It writes keys,
# passwords and the token of followup into /etc/doithoai, and makes databases, roles, the broker's virtual host and users.
# Safe to repeat: what is there stays, and gets its rights again.
set -eu
umask 077
here=$(dirname "$(realpath "$0")")
deploy=$(dirname "$here")
etc=/etc/doithoai
secrets=$etc/secrets

[ $# -ge 2 ] && [ $# -le 3 ] && [ "$(id -u)" = 0 ] || {
    echo "as root: $0 SOURCE HOST [PROVINCE]; such as $0 lai-chau doithoai.laichau.gov.vn H35" >&2
    exit 2
}
source=$1 host=$2 province=${3:-H35}
# They go into patterns and addresses below.
case $source in '' | *[!A-Za-z0-9._-]*) echo "SOURCE: letters, digits, - _ . alone" >&2; exit 2 ;; esac
case $host in '' | *[!A-Za-z0-9.-]*) echo "HOST: the name under which browsers find this machine" >&2; exit 2 ;; esac
case $province in H[0-9]*) ;; *) echo "PROVINCE: its code, such as H35" >&2; exit 2 ;; esac
for tool in psql rabbitmqctl; do
    command -v $tool > /dev/null || { echo "$tool is not here: install postgresql and rabbitmq-server first" >&2; exit 1; }
done

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

mkdir -p "$secrets/migrate"
chmod 700 "$secrets" "$secrets/migrate"
cd "$secrets"
# A store that is restored, or moved to this machine, has its master key already: a new one would open nothing of it.
if [ ! -f master.key ]; then
    sealed=$(cd / && runuser -u postgres -- env PGHOST=/var/run/postgresql PGUSER=postgres sh -s < "$deploy/sealed.sh")
    [ "$sealed" = f ] || {
        echo "$secrets/master.key: kho dữ liệu intake đã niêm phong bằng một khóa; hãy chép khóa đã cất riêng vào đây, rồi chạy lại" \
            "/ the database intake is sealed under a key already: put the one that was locked away here, then run this again" >&2
        exit 1
    }
fi
for name in master sessions webhooks; do
    [ -f $name.key ] || head -c 32 /dev/urandom > $name.key
done
for name in intake intake_owner followup followup_owner \
    rabbitmq-intake rabbitmq-followup rabbitmq-monitoring rabbitmq-portal; do
    [ -f $name.password ] || random > $name.password
done

# Both services read the hashes of the callers' tokens, and take changes within seconds.
if [ ! -f $etc/tokens.json ]; then
    doithoai token followup --role auditor --file $etc/tokens.json | head -n 1 > auditor.token
    chgrp doithoai $etc/tokens.json
    chmod 640 $etc/tokens.json
fi

# A setting as a file, which systemd hands to its service: its name is that of the variable in lower case.
for service in intake followup; do
    printf 'postgresql://%s:%s@127.0.0.1/%s' $service "$(cat $service.password)" $service > ${service}_database_url
    printf 'postgresql://%s:%s@127.0.0.1/%s' ${service}_owner "$(cat ${service}_owner.password)" $service \
        > migrate/${service}_database_url
    printf 'amqp://%s:%s@127.0.0.1/doithoai' $service "$(cat rabbitmq-$service.password)" > ${service}_amqp_url
done

# The superuser of PostgreSQL comes in by its socket, without a password.
handed=$(mktemp -d)
trap 'rm -rf "$handed"' EXIT
cp intake.password intake_owner.password followup.password followup_owner.password "$handed"
: > "$handed/postgres.password"
cp "$deploy/databases.sh" "$handed"
chown -R postgres "$handed"
(cd "$handed" && runuser -u postgres -- env PGHOST=/var/run/postgresql PGUSER=postgres sh "$handed/databases.sh" "$handed")

# The owner of intake's database takes base backups and the log of the whole server; its slot keeps what was not fetched.
(cd / && runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -d postgres > /dev/null) <<SQL
ALTER ROLE intake_owner REPLICATION;
ALTER SYSTEM SET max_slot_wal_keep_size = '20GB';
SELECT pg_reload_conf();
SELECT pg_create_physical_replication_slot('backup')
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'backup');
SQL
printf '*:*:*:intake_owner:%s\n' "$(cat intake_owner.password)" > backup.pgpass
install -d -m 700 -o doithoai-backup -g doithoai-backup /var/backups/doithoai/wal /var/backups/doithoai/wal/intake

# The portal pushes for this source and this province.
sed -e "s/\\^local\\\$/^$source\$/" -e "s/H35/$province/g" "$deploy/rabbitmq/definitions.json" > "$handed/definitions.json"
python3 "$deploy/rabbitmq/with_passwords.py" "$handed/definitions.json" "$secrets" > "$handed/filled.json"
chmod 755 "$handed"
chown rabbitmq "$handed/filled.json"
rabbitmqctl -q import_definitions "$handed/filled.json"

sed -i -e "s/^INTAKE_SOURCE=.*/INTAKE_SOURCE=$source/" -e "s/dialogue\.example\.vn/$host/" $etc/doithoai.conf
echo "Keep a copy of $secrets/master.key apart from this machine and from the backups of its databases."
