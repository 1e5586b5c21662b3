#!/bin/sh
# Installs, or upgrades to, the version of this bundle on Debian 12, without a network: `sh install.sh` as root.
# It starts nothing, and leaves settings, secrets and data as they are. Each version has a folder of its own in /opt/doithoai.
set -eu
umask 022
here=$(dirname "$(realpath "$0")")
version=$(cat "$here/VERSION")
home=/opt/doithoai/$version
units=/usr/local/lib/systemd/system

refuse() {
    printf '%s\n%s\n' "$1" "$2" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || refuse "Cần quyền root: sudo sh install.sh" "This needs root: sudo sh install.sh"
. /etc/os-release
[ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ] && [ "$(uname -m)" = x86_64 ] ||
    refuse "Gói này dành cho Debian 12 (x86_64); máy này là ${PRETTY_NAME:-?} ($(uname -m))." \
        "This bundle is for Debian 12 (x86_64); this machine is ${PRETTY_NAME:-?} ($(uname -m))."
[ -x /usr/bin/python3.11 ] || refuse "Thiếu python3: apt-get install python3" "python3 is missing: apt-get install python3"
(cd "$here" && sha256sum --quiet --strict --check SHA256SUMS) ||
    refuse "Gói bị hỏng hoặc bị sửa: hãy chép lại." "The bundle is damaged or was changed: copy it again."

if [ ! -f "$home/.complete" ]; then
    rm -rf "$home" # what an interrupted run has left
    /usr/bin/python3.11 -m venv --without-pip "$home"
    # pip comes along as a wheel, which Python runs as it is: Debian's may be missing.
    pip=$(echo "$here"/wheels/pip-*.whl)/pip
    "$home/bin/python" "$pip" install --quiet --disable-pip-version-check --no-cache-dir \
        --root-user-action=ignore --no-index --find-links "$here/wheels" --no-deps --require-hashes \
        --requirement "$here/requirements.txt"
    cp -r "$here/share" "$home/share"
    touch "$home/.complete"
fi
ln -sfn "$version" /opt/doithoai/.current && mv -T /opt/doithoai/.current /opt/doithoai/current
mkdir -p /usr/local/bin "$units" /usr/local/lib/sysusers.d

share=$home/share/deploy/systemd
install -m 755 "$share/doithoai" /usr/local/bin/doithoai
cp "$share/doithoai.sysusers.conf" /usr/local/lib/sysusers.d/doithoai.conf
systemd-sysusers doithoai.conf
cp "$share"/doithoai-*.service "$share"/doithoai-*.timer "$units"
install -d -m 755 /etc/doithoai
install -d -m 700 /etc/doithoai/secrets /etc/doithoai/tls
install -d -m 700 -o doithoai-backup -g doithoai-backup /var/backups/doithoai
[ -f /etc/doithoai/doithoai.conf ] || cp "$share/doithoai.conf" /etc/doithoai/doithoai.conf
[ ! -d /run/systemd/system ] || systemctl daemon-reload

echo "doithoai $version: $home"
if [ -f /etc/doithoai/secrets/master.key ]; then
    # The unit of followup names this key, which machines that were set up before 0.6.0 lack.
    (umask 077 && cd /etc/doithoai/secrets && { [ -f webhooks.key ] || head -c 32 /dev/urandom > webhooks.key; })
    echo "Nâng cấp / upgrade: systemctl restart doithoai-migrate && systemctl restart doithoai-followup && systemctl restart doithoai-intake"
else
    echo "Tiếp theo / next: $share/setup.sh SOURCE HOST ($home/share/docs/howto/install-on-debian.md)"
fi
