"""One oracle for every fault: what was accepted is what was recorded, applied and raised, once and everywhere."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg

from services.followup.adapters.source_log import StoreHistory
from services.followup.adapters.store.projection import new_event
from services.followup.application.replay import Until, replay
from services.followup.application.state_digest import StatePoint, digest
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from shared.events import decode_state

CALLER = "local"  # who the office is without a token
#: What stands in sealed fields only, in what the office sends.
SEALED_WORDS = ("Người thứ", "Kiến nghị số", "đã xong", "đúng thẩm quyền", "Đã xong")

_EVENTS = (
    "SELECT notification_id, event_id, originator_id, originator_version, topic, recorded_at, state "
    "FROM stored_events ORDER BY notification_id"
)
_FACTS = (
    "SELECT position, event_id, originator_id, version, topic, recorded_at, state "
    "FROM followed.facts WHERE source = %s ORDER BY position"
)
_RAISED = (
    "SELECT event_id, originator_id, originator_version, topic, state FROM stored_events "
    "WHERE convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'source' = %s"
)


def rows(dsn: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a database says."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        done = connection.execute(query, values or None)  # type: ignore[call-overload]
        return done.fetchall() if done.description else []


def stored_events(dsn: str) -> list[tuple[Any, ...]]:
    """Every event of a store, as (position, id, stream, version, topic, stamp, bytes)."""
    return [(*row[:6], bytes(row[6])) for row in rows(dsn, _EVENTS)]


def facts(dsn: str, source: str = "local") -> list[tuple[Any, ...]]:
    """Every event of a source that a followup has applied, in the same form."""
    return [(*row[:6], bytes(row[6])) for row in rows(dsn, _FACTS, source)]


def raised(dsn: str, source: str = "local") -> dict[Any, tuple[Any, ...]]:
    """Every deadline event that a followup raised on a source by its id: stream, version, topic, bytes."""
    return {row[0]: (row[1], row[2], row[3], bytes(row[4])) for row in rows(dsn, _RAISED, source)}


def check_store(
    dsn: str, accepted: Mapping[str, Mapping[str, Any]], references: int | None = None, caller: str = CALLER
) -> None:
    """Every accepted command of a caller is in the store exactly once, nothing else is, and the log is in order."""
    events = stored_events(dsn)
    assert [e[0] for e in events] == list(range(1, len(events) + 1)), "positions have a gap"
    stamps = [e[5] for e in events]
    assert stamps == sorted(stamps), "recorded_at went back"
    versions: Counter[Any] = Counter()
    for event in events:
        versions[event[2]] += 1
        assert event[3] == versions[event[2]], f"stream {event[2]}: version {event[3]}, not {versions[event[2]]}"
    answered = sorted((a["id"], a["version"], a["position"]) for a in accepted.values())
    recorded = sorted((str(e[2]), e[3], e[0]) for e in events if _is_first_of_command(e, caller))
    assert answered == recorded, f"accepted {len(answered)}, recorded {len(recorded)}: {_apart(answered, recorded)}"
    ((keys,),) = rows(dsn, "SELECT count(*) FROM idempotency_keys WHERE caller = %s", caller)
    assert keys == len(accepted), f"{keys} keys for {len(accepted)} commands"
    if references is not None:
        ((count,),) = rows(dsn, "SELECT count(*) FROM external_references")
        assert count == references, f"{count} external references for {references}"
    for event in events:
        check_sealed(event[6].decode(), f"the bytes at {event[0]}")


def _is_first_of_command(event: tuple[Any, ...], caller: str) -> bool:
    _, meta = decode_state(event[4], event[6])
    return meta.actor == caller and meta.causation_id is None


def check_projection(intake: str, followup: str, source: str = "local") -> None:
    """Every event of the store is applied exactly once, byte for byte."""
    ought, found = stored_events(intake), facts(followup, source)
    assert found == ought, f"{len(ought)} events, {len(found)} applied: {_apart(ought, found)}"


def check_raised(intake: str, *followups: str, source: str = "local") -> int:
    """The deadline events of each followup and of a replay in memory are the same; how many."""
    first = followups[0]
    position, horizon = point_of(first, source)
    engine = asyncio.run(replay(StoreHistory(intake), Until(position, horizon))).engine
    return check_emitted(engine, *followups, source=source)


def check_emitted(engine: DeadlineEngine, *followups: str, source: str = "local") -> int:
    """The deadline events of each followup are those that an undisturbed engine has emitted; how many."""
    emitted = [new_event(e) for e in engine.emitted]
    ought = {e.event_id: (e.originator_id, e.version, e.topic, e.state) for e in emitted}
    assert len(ought) == len(emitted), "one id was given twice"
    for dsn in followups:
        found = raised(dsn, source)
        assert found == ought, f"deadline events differ: {_apart(ought.items(), found.items())}"
    breaches = Counter(event[0] for event in ought.values() if event[2] == "DeadlineBreached")
    retracted = Counter(event[0] for event in ought.values() if event[2] == "DeadlineBreachRetracted")
    assert all(count - retracted[i] <= 1 for i, count in breaches.items()), "two breaches stand on one deadline"
    return len(ought)


def check_digest(intake: str, *followups: str, source: str = "local") -> None:
    """The state of each followup is the fold of the log up to where it stands."""
    for dsn in followups:
        position, horizon = point_of(dsn, source)
        ought = asyncio.run(replay(StoreHistory(intake), Until(position, horizon)))
        found = state(dsn, ought.point)
        assert found == ought.digest, f"the state at {position}@{horizon} is not the fold of the log"
    if len(followups) > 1:
        point = StatePoint(source, "", 0, datetime(2000, 1, 1, tzinfo=UTC))
        assert len({state(dsn, point) for dsn in followups}) == 1, "the states differ"


def state(dsn: str, point: StatePoint) -> str:
    """The digest of a followup's rows of the source of a point."""
    cases = rows(dsn, "SELECT row FROM followed.cases WHERE source = %s", point.source)
    deadlines = rows(dsn, "SELECT raised FROM followed.deadlines WHERE source = %s", point.source)
    return digest(
        [point],
        [msgspec.json.decode(bytes(row[0]), type=CaseRow) for row in cases],
        [msgspec.json.decode(bytes(row[0]), type=DeadlineState) for row in deadlines],
    )


def point_of(dsn: str, source: str = "local") -> tuple[int, datetime]:
    """Where a followup stands in a source: position and horizon."""
    ((position, horizon),) = rows(dsn, "SELECT position, horizon FROM followed.sources WHERE source = %s", source)
    return position, horizon


def check_messages(messages: Iterable[tuple[str, bytes]], ought: list[str], what: str) -> int:
    """Every event was published at least once, in order at first sight, with nothing sealed; how many came again."""
    seen: dict[str, None] = {}
    total = 0
    for event_id, body in messages:
        check_sealed(body.decode(), "a message")
        seen.setdefault(event_id)
        total += 1
    assert list(seen) == ought, f"{what}: {len(ought)} events, {len(seen)} published: {_apart(ought, seen)}"
    return total - len(seen)


def check_sealed(text: str, where: str) -> None:
    """Nothing that stands in sealed fields is written there."""
    for word in SEALED_WORDS:
        written = (word, json.dumps(word)[1:-1])
        assert not any(w in text for w in written), f"{where} tells {word!r}"


def _apart(ought: Iterable[Any], found: Iterable[Any]) -> str:
    ought, found = list(ought), list(found)
    missing = [o for o in ought if o not in found][:3]
    more = [f for f in found if f not in ought][:3]
    return f"missing {missing}, too many {more}"[:2000]
