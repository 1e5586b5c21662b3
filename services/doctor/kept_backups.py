"""The folder of the backups: how old the newest whole one is, whether the log arrives, which key opens it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from services.backups import custody
from services.backups.catalog import Catalog
from services.backups.errors import BackupFailed
from services.doctor.databases import Now
from services.doctor.findings import Finding, note, right, wrong

HOUR = 3600.0
OLD = 26  # hours: one a day, and time to take it
LOG_OLD = 300.0  # seconds: what may be lost


async def look(folder: Path, now: Now) -> Sequence[Finding]:
    """Everything about the folder."""
    return await asyncio.to_thread(_looked_at, folder, now)


def _looked_at(folder: Path, now: Now) -> Sequence[Finding]:
    catalog = Catalog(folder)
    take = f"doithoai backup --to {folder}"
    try:
        whole = catalog.whole()
    except (BackupFailed, OSError) as error:
        said = error.said if isinstance(error, BackupFailed) else None
        return [
            wrong(
                f"không đọc được: {said.vi if said else error}",
                f"cannot be read: {said.en if said else error}",
                take,
                take,
            )
        ]
    if not whole:
        return [wrong("chưa có bản sao lưu trọn vẹn nào", "there is no whole backup", take, take)]
    newest = whole[-1]
    hours = (now() - newest.manifest.ended_at.timestamp()) / HOUR
    age = f"bản mới nhất cách đây {hours:.0f} giờ", f"the newest backup is {hours:.0f} hours old"
    found = [wrong(*age, take, take) if hours > OLD else right(*age)]
    if newest.manifest.damaged_files:
        found.append(
            wrong(
                f"{newest.manifest.damaged_files} tệp đã hỏng, không được chép",
                f"{newest.manifest.damaged_files} files were damaged and are not in it",
                "docs/runbooks/DoithoaiFilesUnreadable.md",
                "docs/runbooks/DoithoaiFilesUnreadable.md",
            )
        )
    for server in newest.manifest.servers:
        found.append(_log(catalog.log_grown().get(server), server, now))
    return [*found, *_key(newest.manifest.keys)]


def _log(grown: float | None, server: str, now: Now) -> Finding:
    if grown is None:
        return note(
            f"không có nhật ký của {server}: khôi phục chỉ đến bản sao lưu",
            f"there is no log of {server}: a restore ends at the backup",
            "chạy pg_receivewal (docs/howto/backup.md)",
            "run pg_receivewal (docs/howto/backup.md)",
        )
    age = now() - grown
    if age > LOG_OLD:
        return wrong(
            f"nhật ký của {server} nhận lần cuối cách đây {age:.0f} giây",
            f"the log of {server} last grew {age:.0f} s ago",
            "chạy lại pg_receivewal và xem nhật ký của nó; nếu nó đòi đoạn không còn, làm theo docs/howto/backup.md",
            "start pg_receivewal again and see its log; where it asks for a segment that is gone, docs/howto/backup.md",
        )
    return right(f"nhật ký của {server} đang đến", f"the log of {server} arrives")


def _key(told: dict[str, str]) -> list[Finding]:
    key = custody.read(custody.MASTER)
    if key is None or custody.MASTER not in told:
        return []
    if told[custody.MASTER] == custody.told(key):
        return [right("khóa chính mở được bản này", "the master key is the one of this backup")]
    return [
        wrong(
            "khóa chính không phải khóa của bản này",
            "the master key is not the one of this backup",
            "tìm đúng khóa trước khi cần khôi phục",
            "find the right one before it is needed",
        )
    ]
