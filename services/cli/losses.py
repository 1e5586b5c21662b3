"""`doithoai intake losses`, `doithoai followup losses`: what was acknowledged and lost, and that somebody saw to it."""

import asyncio
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
import typer

from services.exit_codes import FAILED, WRONG_USE, stop, stop_at
from shared.event_store.loss import Loss
from shared.identifiers import local_iso
from shared.postgres.losses import confirm_losses, losses
from shared.postgres.pool import connected
from shared.postgres.server_check import failure
from shared.postgres.transient_errors import Unconfirmed
from shared.sentences import Sentence

ALL = "all"
Confirm = Annotated[
    str, typer.Option(metavar="ID|all", help="Write down that somebody has seen to this loss, or to all.")
]
By = Annotated[str, typer.Option(help="Who has seen to it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unconfirmed)
_NOT_CONFIRMED = Sentence("chưa ai xác nhận", "not confirmed")
_NONE = Sentence("không tiến trình nào báo mất mát", "no process was told of a loss")
#: A promoted or restored server does not have what it lacks: only who remembers it can miss it.
_UNKNOWABLE = Sentence(
    "mất mát chỉ được biết khi một tiến trình đã chạy qua lần chuyển máy chủ hoặc khôi phục; nếu không có, hãy hỏi cả "
    "intake losses lẫn followup losses và để bên gửi gửi lại với cùng khóa",
    "a loss is known only where a process lived through the fail-over or the restore; whether more was lost cannot be "
    "known here: ask both intake losses and followup losses, and let senders send again with the same keys",
)


def show(dsn: str, variable: str, confirm: str, by: str, *, as_json: bool) -> None:
    """List the losses of a store. With `confirm`, an id or all, write down first who has seen to them."""
    if confirm and not by.strip():
        said = Sentence("hãy nêu người xác nhận bằng --by", "name who confirms it with --by")
        stop_at("--by", WRONG_USE, said)
    try:
        found = asyncio.run(_found(dsn, _id(confirm), by.strip(), confirms=bool(confirm)))
    except AWAY as error:
        stop(FAILED, failure(error, variable))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for loss in found:
        typer.echo(_told(loss).both)
    if not found:
        typer.echo(_NONE.both)
    typer.echo(_UNKNOWABLE.both)


def _told(loss: Loss) -> Sentence:
    when = local_iso(loss.found_at) if loss.found_at else ""
    by = loss.confirmed_by
    seen = Sentence(f"{by} đã xác nhận", f"confirmed by {by}") if loss.confirmed_at else _NOT_CONFIRMED
    positions = f"{loss.first_position}–{loss.last_position}"
    return Sentence(
        f"{loss.loss_id}  {loss.source}  {when}: thiếu {loss.missing}, vốn ở vị trí {positions}; "
        f"sổ còn như cũ đến vị trí {loss.agrees_to}; {seen.vi}",
        f"{loss.missing} missing, which stood at {positions}; the log is as it was up to {loss.agrees_to}; {seen.en}",
    )


def _id(confirm: str) -> UUID | None:
    if confirm in ("", ALL):
        return None
    try:
        return UUID(confirm)
    except ValueError:
        said = Sentence("hãy nêu mã trong danh sách, hoặc all", "name an id of the list, or all")
        stop_at("--confirm", WRONG_USE, said)


async def _found(dsn: str, loss_id: UUID | None, by: str, *, confirms: bool) -> list[Loss]:
    async with connected(dsn) as connection:
        if confirms and not await confirm_losses(connection, loss_id, by):
            said = Sentence("không có mất mát nào như vậy đang chờ xác nhận", "no such loss waits to be confirmed")
            stop_at("--confirm", FAILED, said)
        return list(await losses(connection))
