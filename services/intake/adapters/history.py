"""What the log and its side tables tell: facts of aggregates, keys, references, the store's day."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.application.ports import EventPlace, StoredKey
from services.intake.domain import AnyFact, Fact
from services.intake.domain.permissions import REGULATION as AGGREGATES
from shared.event_store.errors import KeyRecord
from shared.events import EVENTS, DatedEvent, Undecodable, decode_metadata, decode_state
from shared.events.any_stream import RecordAnnulled
from shared.postgres import store
from shared.postgres.durable import DurableHead

#: The topics of the regulation; an annulment may be of a case.
REGULATION = (
    *(topic for topic, kind in EVENTS.items() if kind.AGGREGATE in AGGREGATES),
    RecordAnnulled.TOPIC,
)

_FACTS = """
SELECT originator_id, originator_version, topic, state, notification_id, event_id, recorded_at
FROM stored_events WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version
"""
_NAMING = """
SELECT DISTINCT originator_id FROM stored_events
WHERE originator_id = ANY($1) AND EXISTS (SELECT 1 FROM unnest($2::bytea[]) AS word WHERE position(word IN state) > 0)
"""
_REGULATION = """
SELECT originator_id, originator_version, topic, state, notification_id, event_id, recorded_at
FROM stored_events WHERE notification_id > $1 AND notification_id <= $2 AND topic = ANY($3) ORDER BY notification_id
"""
_KEY = """
SELECT k.fingerprint, k.originator_id, k.originator_version, k.notification_id, s.recorded_at
FROM idempotency_keys k JOIN stored_events s USING (notification_id) WHERE k.caller = $1 AND k.key = $2
"""
_IS_KNOWN = "SELECT known_reference FROM idempotency_keys WHERE caller = $1 AND key = $2"
_KEEP = "SELECT keep_known_reference($1, $2, $3, $4, $5)"
_REFERENCE = """
SELECT s.originator_id, s.originator_version, s.notification_id, s.recorded_at, s.topic, s.state
FROM external_references r JOIN stored_events s USING (notification_id)
WHERE r.source = $1 AND r.external_id = $2
"""
_PLACE = """
SELECT originator_id, originator_version, notification_id, recorded_at, topic, state
FROM stored_events WHERE originator_id = $1 AND originator_version = $2
"""
_FROM = """
SELECT originator_id, originator_version, notification_id, recorded_at, topic, state
FROM stored_events WHERE notification_id >= $1 ORDER BY notification_id LIMIT $2
"""
_PETITIONS_AT = """
SELECT DISTINCT originator_id FROM stored_events
WHERE topic IN ('PetitionScheduled', 'PetitionRaised') AND intake_conference_of(state) = $1
"""
_MERGED_INTO = """
SELECT DISTINCT originator_id FROM stored_events
WHERE topic = 'PetitionMerged' AND intake_survivor_of(state) = ANY($1)
"""


class StoredHistory:
    """The history in PostgreSQL."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", durable: DurableHead) -> None:
        self._pool, self._durable = pool, durable

    @property
    def epoch(self) -> str:
        """Which history is read now; another one after a fail-over or a restore."""
        return self._durable.epoch

    async def confirm(self, position: int | None, epoch: str) -> None:
        """Return once what was read is beyond loss by a fail-over. Raises NotConfirmed."""
        await self._durable.confirm(position, epoch)

    async def facts(self, originators: Iterable[UUID]) -> Mapping[UUID, Sequence[AnyFact]]:
        """The facts of each aggregate, in order."""
        wanted = list(originators)
        found: dict[UUID, list[AnyFact]] = {i: [] for i in wanted}
        if wanted:
            for row in await self._pool.fetch(_FACTS, wanted):
                found[row["originator_id"]].append(fact_of(row))
        return found

    async def naming(self, originators: Iterable[UUID], words: Iterable[str]) -> Collection[UUID]:
        """Those of some aggregates of which an event has one of these words as a value; codes, of plain characters."""
        values = [f'"{word}"'.encode() for word in words]
        return {row["originator_id"] for row in await self._pool.fetch(_NAMING, list(originators), values)}

    async def regulation_after(self, position: int) -> tuple[Sequence[AnyFact], int]:
        """The facts of the regulation after a position, and the head read."""
        head = await store.head(self._pool)
        if head <= position:
            return (), head
        rows = await self._pool.fetch(_REGULATION, position, head, REGULATION)
        return [fact_of(row) for row in rows if _is_regulation(row)], head

    async def event_id_at(self, position: int) -> UUID | None:
        """The id of the event at a position; None where there is none."""
        return await store.event_id_at(self._pool, position)

    async def today(self) -> date:
        """The store's day."""
        return await store.store_today(self._pool)

    async def key_record(self, caller: str, key: str) -> KeyRecord | None:
        """What a caller's idempotency key was used for."""
        row = await self._pool.fetchrow(_KEY, caller, key)
        return None if row is None else KeyRecord(*row.values())

    async def is_known_reference(self, caller: str, key: str) -> bool:
        """Whether a caller's idempotency key was answered with what its reference led to already."""
        return bool(await self._pool.fetchval(_IS_KNOWN, caller, key))

    async def keep_known_reference(self, caller: str, key: str, fingerprint: bytes, place: EventPlace) -> None:
        """Keep a key that was answered so; what it was used for before stays."""
        await self._pool.execute(_KEEP, caller, key, fingerprint, place.originator_id, place.version)

    async def reference(self, source: str, external_id: str) -> EventPlace | None:
        """The event that an external reference belongs to."""
        row = await self._pool.fetchrow(_REFERENCE, source, external_id)
        return None if row is None else _place(row)

    async def place(self, originator_id: UUID, version: int) -> EventPlace:
        """Where one event stands."""
        row = await self._pool.fetchrow(_PLACE, originator_id, version)
        if row is None:
            raise LookupError(f"{originator_id} has no version {version}")
        return _place(row)

    async def places_from(self, position: int, commands: int) -> Sequence[EventPlace]:
        """Where the first events of some commands stand that were recorded together, from a position on.

        An event that a command brought with it names its cause, and the first one of a command has none.
        """
        found: list[EventPlace] = []
        while len(found) < commands:
            rows = await self._pool.fetch(_FROM, position, commands)
            if not rows:
                raise LookupError(f"{commands} commands were not recorded together")
            found += [_place(row) for row in rows if decode_metadata(row["state"]).causation_id is None]
            position = rows[-1]["notification_id"] + 1
        return found[:commands]

    async def petitions_at(self, conference_id: UUID) -> Sequence[UUID]:
        """The petitions ever scheduled for or raised at a conference."""
        rows = await self._pool.fetch(_PETITIONS_AT, str(conference_id))
        return [row["originator_id"] for row in rows]

    async def merged_into(self, petition_ids: Iterable[UUID]) -> Sequence[UUID]:
        """The petitions ever merged into these, also where the merger was taken back."""
        rows = await self._pool.fetch(_MERGED_INTO, [str(each) for each in petition_ids])
        return [row["originator_id"] for row in rows]

    async def keys_of(self, originators: Iterable[UUID]) -> Sequence[StoredKey]:
        """The sealing keys of some aggregates."""
        rows = await self._pool.fetch(
            "SELECT key_id, owner_id, originator_id, wrapped FROM sealing_keys WHERE originator_id = ANY($1)",
            list(originators),
        )
        return [StoredKey(*row.values()) for row in rows]

    async def keys_owned_by(self, owner_id: str) -> Sequence[StoredKey]:
        """Every sealing key of a petitioner."""
        rows = await self._pool.fetch(
            "SELECT key_id, owner_id, originator_id, wrapped FROM sealing_keys WHERE owner_id = $1", owner_id
        )
        return [StoredKey(*row.values()) for row in rows]


def fact_of(row: Any) -> AnyFact:
    """A stored row as the domain's fact. Raises UnknownTopic, Undecodable."""
    event, meta = decode_state(row["topic"], row["state"])
    if not isinstance(event, DatedEvent):
        raise Undecodable(f"{row['topic']} is no event of intake")
    return Fact(
        event=event,
        event_id=row["event_id"],
        version=row["originator_version"],
        position=row["notification_id"],
        recorded_at=row["recorded_at"],
        reference=meta.received_as,
        source_version=meta.source_version,
    )


def _is_regulation(row: Any) -> bool:
    return row["topic"] != RecordAnnulled.TOPIC or decode_metadata(row["state"]).aggregate in AGGREGATES


def _place(row: Any) -> EventPlace:
    meta = decode_metadata(row["state"])
    return EventPlace(
        row["originator_id"],
        row["originator_version"],
        row["notification_id"],
        row["recorded_at"],
        row["topic"],
        meta.aggregate,
        meta.jurisdiction,
        meta.actor,
        meta.source,
    )
