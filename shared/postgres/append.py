"""Appends commands by one call of `append_events`, the SQL function that is the only way into the store."""

import math
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
from shared.postgres.named_call import columns, named_call

_APPEND = "SELECT head, stamped, rejected FROM {call}"


async def append_in(
    connection: "asyncpg.Connection[Any] | Any", appends: Sequence[Append]
) -> list[Appended | NotRecorded]:
    """Append commands in one statement, and return one outcome for each, in their order.

    - `Appended`: the events of the command have the positions after those of the command before it. They are durable
      once the transaction has committed, which is at once where none is open.
    - `NotRecorded`: the command was rejected whole, and no other with it. See `shared.event_store.errors`.

    Raises what asyncpg raises: then no command was recorded, except that an interrupted COMMIT may have gone through.
    The statement holds the ordering lock until the transaction ends. It has no time-out: a commit that waits for a
    standby and is cancelled is committed on this server alone, and the answer does not say so.
    """
    arguments = _arguments(appends)
    call = named_call("append_events", arguments)
    row: Any = await connection.fetchrow(_APPEND.format(call=call), *arguments.values(), timeout=math.inf)
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


def _arguments(appends: Sequence[Append]) -> dict[str, Any]:
    """The arguments of the call by the names of their parameters, which the migration explains."""
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
    return {
        "c_today": today if any(today) else (),
        "e_command": commands,
        "e_originator": [e.originator_id for e in events],
        "e_version": [e.version for e in events],
        "e_topic": [e.topic for e in events],
        "e_state": [e.state for e in events],
        "e_event_id": [e.event_id for e in events],
        "e_sealed": [e.sealed for e in events],
        "e_effective_on": [e.effective_on for e in events],
        **columns(("x_command", "x_originator", "x_version"), versions),
        **columns(("i_event", "i_caller", "i_key", "i_fingerprint"), keys),
        **columns(("r_event", "r_source", "r_external_id"), references),
        **columns(("k_event", "k_key_id", "k_owner", "k_originator", "k_wrapped"), new_keys),
        **columns(("u_command", "u_key_id"), used_keys),
        "p_erasures": msgspec.json.encode(erasures).decode() if erasures else "[]",
    }


def _rejection(detail: dict[str, Any]) -> NotRecorded:
    """Return the error that the function's reason for a command stands for."""
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
