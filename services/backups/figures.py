"""What monitoring reads of the backups: a file for the textfile collector of Prometheus's node exporter."""

import os
from datetime import datetime

from services.backups.catalog import AHEAD, Catalog, written

NAME = "doithoai_backup.prom"
FIGURES = {
    "doithoai_backup_timestamp_seconds": "When the newest whole backup ended; 0 where there is none",
    "doithoai_backup_bytes": "How large it is, without the uploaded files",
    "doithoai_backup_log_timestamp_seconds": "When the log of a server last grew here; 0 where nothing came yet",
}


def write(catalog: Catalog, now: datetime) -> None:
    """Write how old the newest backup and the received log are, whole or not at all, for everybody to read."""
    part, path = catalog.root / f".{NAME}", catalog.root / NAME
    written(part, "".join(f"{line}\n" for line in _lines(catalog, now)).encode())
    os.chmod(part, 0o644)
    os.replace(part, path)


def _lines(catalog: Catalog, now: datetime) -> list[str]:
    # One that a wrong clock dated ahead would hide for years that none is taken any more.
    newest = [backup.manifest for backup in catalog.whole() if backup.manifest.ended_at <= now + AHEAD][-1:]
    ended = min(newest[0].ended_at, now).timestamp() if newest else 0
    samples = {
        "doithoai_backup_timestamp_seconds": [f" {ended:.0f}"],
        "doithoai_backup_bytes": [f" {sum(part.size for manifest in newest for part in manifest.parts)}"],
        "doithoai_backup_log_timestamp_seconds": [
            f'{{server="{server}"}} {grown:.0f}' for server, grown in catalog.log_grown(now).items()
        ],
    }
    lines = list[str]()
    for name, text in FIGURES.items():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge", *(f"{name}{sample}" for sample in samples[name])]
    return lines
