"""What monitoring reads of the backups: a file for the textfile collector of Prometheus's node exporter."""

import os

from services.backups.catalog import Catalog, written

NAME = "doithoai_backup.prom"


def write(catalog: Catalog) -> None:
    """Write how old the newest backup and the received log are, whole or not at all, for everybody to read."""
    part, path = catalog.root / f".{NAME}", catalog.root / NAME
    written(part, "".join(f"{line}\n" for line in _lines(catalog)).encode())
    os.chmod(part, 0o644)
    os.replace(part, path)


def _lines(catalog: Catalog) -> list[str]:
    lines = [
        "# HELP doithoai_backup_timestamp_seconds When the newest whole backup ended",
        "# TYPE doithoai_backup_timestamp_seconds gauge",
        "# HELP doithoai_backup_bytes How large it is, without the uploaded files",
        "# TYPE doithoai_backup_bytes gauge",
        "# HELP doithoai_backup_log_timestamp_seconds When the log of a server last grew here",
        "# TYPE doithoai_backup_log_timestamp_seconds gauge",
    ]
    for backup in catalog.whole()[-1:]:
        lines.append(f"doithoai_backup_timestamp_seconds {backup.manifest.ended_at.timestamp():.0f}")
        lines.append(f"doithoai_backup_bytes {sum(part.size for part in backup.manifest.parts)}")
    for server, grown in catalog.log_grown().items():
        lines.append(f'doithoai_backup_log_timestamp_seconds{{server="{server}"}} {grown:.0f}')
    return lines
