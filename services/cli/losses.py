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
from shared.postgres.pool import connect
from shared.postgres.server_check import failure
from shared.sentences import Sentence

ALL = "all"
Confirm = Annotated[
    str, typer.Option(metavar="ID|all", help="Write down that somebody has seen to this loss, or to all.")
]
By = Annotated[str, typer.Option(help="Who has seen to it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


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
        when = local_iso(loss.found_at) if loss.found_at else ""
        seen = f"confirmed by {loss.confirmed_by}" if loss.confirmed_at else "not confirmed"
        typer.echo(
            f"{loss.loss_id}  {loss.source}  found {when}: {loss.missing} missing, which stood at "
            f"{loss.first_position} to {loss.last_position}; the log ended at {loss.head}; {seen}"
        )
    if not found:
        typer.echo("nothing was lost")


def _id(confirm: str) -> UUID | None:
    if confirm in ("", ALL):
        return None
    try:
        return UUID(confirm)
    except ValueError:
        said = Sentence("hãy nêu mã trong danh sách, hoặc all", "name an id of the list, or all")
        stop_at("--confirm", WRONG_USE, said)


async def _found(dsn: str, loss_id: UUID | None, by: str, *, confirms: bool) -> list[Loss]:
    connection = await connect(dsn)
    try:
        if confirms and not await confirm_losses(connection, loss_id, by):
            said = Sentence("không có mất mát nào như vậy đang chờ xác nhận", "no such loss waits to be confirmed")
            stop_at("--confirm", FAILED, said)
        return list(await losses(connection))
    finally:
        await connection.close()
