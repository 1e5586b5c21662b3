"""The append: commands as one call of the SQL function that is the only way in."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.postgres.errors import (
    DayChanged,
    FutureDated,
    IdempotencyReplay,
    KeyErased,
    KeyRecord,
    NotRecorded,
    ReferenceExists,
    VersionConflict,
)

APPEND = (
    "SELECT command, outcome, first_position, last_position, stamped, detail "
    "FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to record; `version` is its place in its stream, from 1."""

    originator_id: UUID
    version: int
    topic: str
    state: bytes
    event_id: UUID
    sealed: bytes | None = None
    effective_on: date | None = None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A wrapped data key of an owner (a petitioner, or a stream)."""

    key_id: UUID
    owner_id: str
    originator_id: UUID
    wrapped: bytes


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """What one command records, whole or not at all.

    `expected` maps each stream that the decision read to the version read (0: must not exist). `today` is the day on
    which it was decided. References and the idempotency key point to the first event; `references_at` names for each
    the event that it points to, from 0.
    """

    events: tuple[NewEvent, ...]
    expected: dict[UUID, int] = {}
    today: date | None = None
    caller: str = ""
    key: str = ""
    fingerprint: bytes = b""
    references: tuple[tuple[str, str], ...] = ()
    references_at: tuple[tuple[str, str, int], ...] = ()
    new_keys: tuple[NewKey, ...] = ()
    used_keys: tuple[UUID, ...] = ()
    erase_owner: str = ""
    erase_key_ids: tuple[UUID, ...] = ()

    def __post_init__(self) -> None:
        last = dict(self.expected)
        for event in self.events:
            if last.setdefault(event.originator_id, event.version - 1) != event.version - 1:
                raise ValueError(f"{event.topic}: version {event.version} leaves a gap in its stream")
            last[event.originator_id] = event.version


class Appended(msgspec.Struct, frozen=True):
    """Where the events of one command were recorded, and when."""

    first_position: int
    last_position: int
    recorded_at: datetime


async def append_in(
    connection: "asyncpg.Connection[Any] | Any", appends: Sequence[Append]
) -> list[Appended | NotRecorded]:
    """Append within the caller's transaction; one outcome a command. Takes the ordering lock until its end."""
    events = [(n, e) for n, append in enumerate(appends, 1) for e in append.events]
    rows = await connection.fetch(
        APPEND,
        msgspec.json.encode([_command(a) for a in appends]).decode(),
        [n for n, _ in events],
        [e.originator_id for _, e in events],
        [e.version for _, e in events],
        [e.topic for _, e in events],
        [e.state for _, e in events],
        [e.event_id for _, e in events],
        [e.sealed for _, e in events],
        [e.effective_on for _, e in events],
    )
    return [_outcome(row) for row in rows]


def _command(append: Append) -> dict[str, Any]:
    command: dict[str, Any] = {}
    if append.key:
        command |= {"caller": append.caller, "key": append.key, "fingerprint": append.fingerprint.hex()}
    if append.expected:
        command["expected"] = {str(i): v for i, v in append.expected.items()}
    if append.today is not None:
        command["today"] = append.today
    if append.references or append.references_at:
        command["references"] = (*append.references, *append.references_at)
    if append.new_keys:
        command["new_keys"] = [[k.key_id, k.owner_id, k.originator_id, k.wrapped.hex()] for k in append.new_keys]
    if append.used_keys:
        command["used_keys"] = append.used_keys
    if append.erase_owner:
        command |= {"erase_owner": append.erase_owner, "erase_key_ids": append.erase_key_ids}
    return command


def _outcome(row: Any) -> Appended | NotRecorded:
    if row["outcome"] == "recorded":
        return Appended(row["first_position"], row["last_position"], row["stamped"])
    detail: dict[str, Any] = msgspec.json.decode(row["detail"])
    match row["outcome"]:
        case "conflict":
            return VersionConflict(f"stream {detail.get('originator_id')} is at version {detail.get('found')}")
        case "day_changed":
            return DayChanged(date.fromisoformat(detail["today"]))
        case "future":
            return FutureDated(date.fromisoformat(detail["today"]))
        case "key_erased":
            return KeyErased(f"key {detail['key_id']}")
        case "reference":
            return ReferenceExists(UUID(detail["originator_id"]), detail["version"], detail["position"])
        case "replay":
            return IdempotencyReplay(
                KeyRecord(
                    bytes.fromhex(detail["fingerprint"]),
                    UUID(detail["originator_id"]),
                    detail["version"],
                    detail["position"],
                    datetime.fromisoformat(detail["recorded_at"]),
                )
            )
        case other:
            raise RuntimeError(f"append_events answered {other!r}")
