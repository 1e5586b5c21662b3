"""What monitoring reads of the backups: a file for the textfile collector of Prometheus's node exporter."""

import os

from services.backups.catalog import Catalog, written

NAME = "doithoai_backup.prom"
_HEAD = """# HELP doithoai_backup_timestamp_seconds When the newest whole backup ended
# TYPE doithoai_backup_timestamp_seconds gauge
"""


def write(catalog: Catalog) -> None:
    """Write when the newest whole backup ended, whole or not at all, for everybody to read."""
    newest = catalog.whole()[-1].manifest
    part, path = catalog.root / f".{NAME}", catalog.root / NAME
    size = sum(each.size for each in newest.parts)
    lines = [
        _HEAD,
        f"doithoai_backup_timestamp_seconds {newest.ended_at.timestamp():.0f}\n",
        "# HELP doithoai_backup_bytes How large it is, without the uploaded files\n",
        "# TYPE doithoai_backup_bytes gauge\n",
        f"doithoai_backup_bytes {size}\n",
    ]
    written(part, "".join(lines).encode())
    os.chmod(part, 0o644)
    os.replace(part, path)
