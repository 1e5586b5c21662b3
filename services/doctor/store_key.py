"""Whether the master key that is set is the one that intake's store is sealed under."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from services.doctor.databases import CONNECT
from services.doctor.findings import Finding, note, right, wrong
from services.intake.adapters import master_key
from services.intake.adapters.seals import PetitionSeals
from services.intake.configured import new_id
from services.intake.settings import IntakeSettings
from shared.postgres.pool import connect
from shared.sealing import key_in


async def look(settings: IntakeSettings) -> Sequence[Finding]:
    """Nothing where the file or the database cannot be read: others say so."""
    try:
        seals = PetitionSeals(key_in(settings.master_key_file), new_id)
        connection: Any = await connect(settings.database_url, timeout=CONNECT)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []
    try:
        return [await _compared(connection, seals)]
    except asyncpg.InsufficientPrivilegeError:
        return [
            note(
                f"{master_key.VARIABLE}: vai trò này không xem được kho dữ liệu dùng khóa nào",
                f"{master_key.VARIABLE}: this role may not see which key the store has",
                "doithoai migrate --intake-role VAI_TRÒ",
                "doithoai migrate --intake-role ROLE",
            )
        ]
    except asyncpg.UndefinedTableError:
        return []  # nothing is there yet
    finally:
        connection.terminate()


async def _compared(connection: Any, seals: PetitionSeals) -> Finding:
    bound = await master_key.fingerprint_of(connection)
    tried = await master_key.tried_on_store(connection, seals)
    is_wrong = bound != seals.key_fingerprint if bound is not None else tried.is_of_another_key
    if is_wrong:
        vi, en = master_key.WRONG_KEY
        return wrong(
            f"{master_key.VARIABLE}: {vi}",
            f"{master_key.VARIABLE}: {en}",
            "đặt lại khóa đã cất riêng (doithoai backup --keys-to), rồi khởi động lại intake",
            "put back the key that was locked away (doithoai backup --keys-to), then restart intake",
        )
    if tried.unopened:
        return note(
            f"{master_key.VARIABLE}: đúng khóa, nhưng có nội dung niêm phong bằng khóa khác",
            f"{master_key.VARIABLE}: the key of the store, but some content is sealed under another",
            "docs/runbooks/DoithoaiSealsUnopened.md",
            "docs/runbooks/DoithoaiSealsUnopened.md",
        )
    if bound is None:
        return right(
            f"{master_key.VARIABLE}: kho dữ liệu nhận khóa này khi intake khởi động lần đầu",
            f"{master_key.VARIABLE}: the store takes this key when intake first starts",
        )
    return right(f"{master_key.VARIABLE}: khóa của kho dữ liệu", f"{master_key.VARIABLE}: the key of the store")
