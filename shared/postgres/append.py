"""The append: commands as one call of the SQL function that is the only way in."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from shared.event_store.append import Append, Appended, NewEvent
from shared.event_store.errors import (
    DayChanged,
    FutureDated,
    IdempotencyReplay,
    KeyErased,
    KeyRecord,
    NotRecorded,
    ReferenceExists,
    VersionConflict,
)

APPEND = f"SELECT head, stamped, rejected FROM append_events({', '.join(f'${n}' for n in range(1, 28))})"


async def append_in(
    connection: "asyncpg.Connection[Any] | Any", appends: Sequence[Append]
) -> list[Appended | NotRecorded]:
    """Append in one statement; one outcome a command. Takes the ordering lock until the end of the transaction."""
    row: Any = await connection.fetchrow(APPEND, *_arguments(appends))
    position, stamped = row["head"], row["stamped"]
    rejected: dict[str, dict[str, Any]] = msgspec.json.decode(row["rejected"]) if row["rejected"] else {}
    outcomes: list[Appended | NotRecorded] = []
    for number, append in enumerate(appends, 1):
        if rejected and (why := rejected.get(str(number))) is not None:
            outcomes.append(_rejection(why))
            continue
        first, position = position + 1, position + len(append.events)
        outcomes.append(Appended(first, position, stamped))
    return outcomes


def _arguments(appends: Sequence[Append]) -> list[Any]:
    """The arrays of the call, in the order of its parameters."""
    versions: list[tuple[int, UUID, int]] = []
    keys: list[tuple[int, str, str, bytes]] = []
    references: list[tuple[int, str, str]] = []
    new_keys: list[tuple[int, UUID, str, UUID, bytes]] = []
    used_keys: list[tuple[int, UUID]] = []
    erasures: list[dict[str, Any]] = []
    commands: list[int] = []
    events: list[NewEvent] = []
    for number, append in enumerate(appends, 1):
        first = len(events) + 1
        events += append.events
        commands += [number] * len(append.events)
        for stream, version in append.expected.items():
            versions.append((number, stream, version))
        if append.key:
            keys.append((first, append.caller, append.key, append.fingerprint))
        for reference in append.references:
            references.append((first, *reference))
        for source, name, at in append.references_at:
            references.append((first + at, source, name))
        for k in append.new_keys:
            new_keys.append((first, k.key_id, k.owner_id, k.originator_id, k.wrapped))
        for key_id in append.used_keys:
            used_keys.append((number, key_id))
        if append.erase_owner:
            erasures.append({"command": number, "owner": append.erase_owner, "key_ids": append.erase_key_ids})
    today = [a.today for a in appends]
    return [
        today if any(today) else (),
        commands,
        [e.originator_id for e in events],
        [e.version for e in events],
        [e.topic for e in events],
        [e.state for e in events],
        [e.event_id for e in events],
        [e.sealed for e in events],
        [e.effective_on for e in events],
        *columns(versions, 3),
        *columns(keys, 4),
        *columns(references, 3),
        *columns(new_keys, 5),
        *columns(used_keys, 2),
        msgspec.json.encode(erasures).decode() if erasures else "[]",
    ]


def columns(rows: Sequence[Sequence[Any]], width: int) -> Sequence[Sequence[Any]]:
    """Rows as the arrays of a call, one for each of `width` columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _rejection(detail: dict[str, Any]) -> NotRecorded:
    match detail["outcome"]:
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
