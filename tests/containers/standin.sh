#!/bin/bash
# Stand-ins for images that cannot be pulled: Debian by debootstrap, with Debian's own packages of the servers.
# They take the same variables and mounts as the images that docker-compose.yml names by default.
#   standin.sh FOLDER     builds standin/{python,uv,postgres,rabbitmq,prometheus,alertmanager}; needs root and Docker
set -euo pipefail
folder=${1:?a folder to build in}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"

if ! docker image inspect standin/python >/dev/null 2>&1; then
    rootfs=$folder/rootfs
    [ -d "$rootfs/usr" ] || debootstrap --variant=minbase \
        --include=ca-certificates,python3,python3-pip,python3-venv bookworm "$rootfs" http://deb.debian.org/debian
    # Whatever this machine trusts, the builds inside trust too.
    cp /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/ca-certificates.crt"
    ln -sf python3 "$rootfs/usr/bin/python"
    tar -C "$rootfs" -c . | docker import --change 'ENV LANG=C.UTF-8' \
        --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' - standin/python >/dev/null
fi

docker build -q -t standin/uv - <<'DOCKERFILE'
FROM standin/python AS build
RUN pip install --break-system-packages --quiet --target /opt/uv uv==0.13.9
FROM scratch
COPY --from=build /opt/uv/bin/uv /uv
DOCKERFILE

for server in postgres rabbitmq prometheus alertmanager; do
    docker build -q -t "standin/$server" -f "$here/$server.Containerfile" "$here"
done
