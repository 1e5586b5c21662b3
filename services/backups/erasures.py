"""Who was erased, kept with each backup, so that what a restore brings back is erased again before anybody reads it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.backups.catalog import ERASURES, Catalog
from services.backups.errors import BackupFailed
from services.intake.adapters.contents import StoredContents
from services.intake.adapters.file_records import StoredFileRecords
from services.intake.adapters.history import StoredHistory
from services.intake.adapters.pushes import StoredPushes
from services.intake.adapters.refused import RefusedCommands
from services.intake.adapters.seals import PetitionSeals
from services.intake.application.append_builder import FileNaming, Recorder
from services.intake.application.command import Command
from services.intake.application.command_body import CODECS, body_type
from services.intake.application.command_handler import CommandHandler
from services.intake.application.file_keeper import FileKeeper
from services.intake.application.known_reference import KnownReferences
from services.intake.application.regulation_cache import RegulationCache
from services.intake.configured import new_id
from services.intake.domain import Caller, Refused
from shared.events import decode_state
from shared.events.person import PersonNameErased
from shared.events.petition import PersonalDataErased
from shared.identifiers import NATION
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.pool import create_pool

TOPICS = (PersonalDataErased.TOPIC, PersonNameErased.TOPIC)
#: As whom it is done again: nobody's token has this name.
AGAIN = Caller("bootstrap", frozenset({"office", "admin"}), NATION)
_OF_STORE = "SELECT event_id, topic, state, recorded_at FROM stored_events WHERE topic = ANY ($1)"
_OF_FOLLOWUP = "SELECT event_id, topic, state, recorded_at FROM followed.facts WHERE topic = ANY ($1) AND source = $2"
_PATHS = {PersonalDataErased.TOPIC: "/v1/petitioners/{id}/erasure", PersonNameErased.TOPIC: "/v1/people/{id}/erasure"}


class ErasureNote(msgspec.Struct, frozen=True, kw_only=True):
    """One erasure: whose, on which day, by which event."""

    event_id: UUID
    topic: str
    owner: str
    effective_on: date
    ground: str = ""
    recorded_at: datetime


class ErasedAgain(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the erasures that are known."""

    known: int
    stands: int  # the restored store has them
    again: int
    nothing_there: int  # what was erased came after the backup


async def of_store(connection: Any) -> list[ErasureNote]:
    """Every erasure that a store has recorded."""
    return _notes(await connection.fetch(_OF_STORE, list(TOPICS)))


async def of_followup(connection: Any, source: str) -> list[ErasureNote]:
    """Every erasure of a source that a followup has read."""
    return _notes(await connection.fetch(_OF_FOLLOWUP, list(TOPICS), source))


class ListedErasures(msgspec.Struct, frozen=True):
    """Every erasure that the backups of a folder tell of, and why some of their lists are unknown."""

    notes: tuple[ErasureNote, ...]
    unknown: tuple[BackupFailed, ...]


def of_backups(catalog: Catalog) -> ListedErasures:
    """What all lists say. One that its manifest does not vouch for is not believed: it may lack the last erasures."""
    held = catalog.held()
    found, unknown = list[ErasureNote](), list(held.damaged)
    for backup in held.whole:
        try:
            found += msgspec.json.decode(backup.content(ERASURES), type=list[ErasureNote])
        except BackupFailed as error:
            unknown.append(error)
        except msgspec.MsgspecError as error:
            place = str(backup.folder / ERASURES)
            unknown.append(BackupFailed(place, f"không đọc được ({error})", f"cannot be read ({error})"))
    return ListedErasures(tuple(found), tuple(unknown))


def encoded(notes: Iterable[ErasureNote]) -> bytes:
    """The list as a file of a backup."""
    return msgspec.json.format(msgspec.json.encode(list(notes)), indent=1)


async def erase_again(dsn: str, seals: PetitionSeals, notes: Iterable[ErasureNote]) -> ErasedAgain:
    """Erase in a restored store what was erased after its backup; nobody has written to the store meanwhile."""
    by_event = {note.event_id: note for note in notes}
    pool = await create_pool(dsn, application="restore", largest=4)
    durable = DurableHead()  # nothing is given out before the whole is restored
    writer = GroupCommit(pool, durable)
    await writer.start()
    try:
        rows = await pool.fetch("SELECT event_id FROM stored_events WHERE event_id = ANY ($1)", list(by_event))
        stands = {row["event_id"] for row in rows}
        handler, again, nothing = _handler(pool, writer, durable, seals), 0, 0
        await handler.refresh()
        for note in sorted(by_event.values(), key=lambda each: each.recorded_at):
            if note.event_id in stands:
                continue
            try:
                await handler.erase(note)
                again += 1
            except Refused:
                nothing += 1
        await StoredPushes(pool, seals, new_id).forget_erased()
        # The files that the erased had follow: their rows now, their bytes are not copied.
        await FileKeeper(StoredFileRecords(pool), None).round()
        return ErasedAgain(known=len(by_event), stands=len(stands), again=again, nothing_there=nothing)
    finally:
        await writer.close()
        await pool.close()


class _Eraser:
    """The command handler of intake with the one kind of command."""

    def __init__(self, handler: CommandHandler, cache: RegulationCache) -> None:
        self._handler, self._cache = handler, cache

    async def refresh(self) -> None:
        await self._cache.refresh()

    async def erase(self, note: ErasureNote) -> None:
        codec = CODECS[_PATHS[note.topic]]
        given: dict[str, Any] = {"effective_on": note.effective_on} | ({"ground": note.ground} if note.ground else {})
        await self._handler.execute(
            Command(
                codec=codec,
                body=body_type(codec.route)(**given),
                caller=AGAIN,
                target=note.owner,
                key=f"restore:{note.event_id}",
            )
        )


def _handler(pool: Any, writer: GroupCommit, durable: DurableHead, seals: PetitionSeals) -> _Eraser:
    history, files = StoredHistory(pool, durable), StoredFileRecords(pool)
    cache = RegulationCache(history)
    references = KnownReferences(history, StoredContents(pool, new_id), seals, cache)
    recorder = Recorder(history, seals, new_id, FileNaming(files, seals))
    refused = RefusedCommands(pool, seals, new_id)
    keeper = FileKeeper(files, None)
    handler = CommandHandler(cache, history, writer, seals, recorder, new_id, references, refused, keeper)
    return _Eraser(handler, cache)


def _notes(rows: Iterable[Any]) -> list[ErasureNote]:
    found = []
    for row in rows:
        event, _ = decode_state(row["topic"], bytes(row["state"]))
        if isinstance(event, PersonalDataErased):
            owner, ground = event.petitioner_id, event.ground
        else:
            assert isinstance(event, PersonNameErased)
            owner, ground = str(event.person), ""
        found.append(
            ErasureNote(
                event_id=row["event_id"],
                topic=row["topic"],
                owner=owner,
                effective_on=event.effective_on,
                ground=ground,
                recorded_at=row["recorded_at"],
            )
        )
    return found
