"""A source in memory behind a real projection: what a history recorded, served as the feed would."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from services.followup.adapters.store.projection import StoredProjection
from services.followup.application.ports import Cursor, HistoryDiffers, StaleEpoch
from services.followup.application.projector import Projector
from services.followup.application.state_digest import StatePoint, digest, engine_digest
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from shared.envelope import FeedPage
from shared.events import Recorded, encode_state
from shared.postgres.pool import create_pool
from tests.support.history import History

EPOCH = "e1"


def recorded(history: History, epoch: str = EPOCH) -> list[Recorded]:
    """The log of a history, as its source stores it."""
    versions: dict[UUID, int] = {}
    found: list[Recorded] = []
    for fact in history.facts:
        versions[fact.originator_id] = versions.get(fact.originator_id, 0) + 1
        found.append(
            Recorded(
                source=history.source,
                epoch=epoch,
                position=fact.position,
                previous_id=found[-1].event_id if found else None,
                event_id=fact.event_id,
                originator_id=fact.originator_id,
                version=versions[fact.originator_id],
                topic=fact.topic,
                recorded_at=fact.recorded_at,
                state=encode_state(fact.event, fact.meta),
            )
        )
    return found


def chained(events: Iterable[Recorded]) -> list[Recorded]:
    """Events numbered anew, each naming the one before it."""
    found: list[Recorded] = []
    for position, event in enumerate(events, 1):
        previous = found[-1].event_id if found else None
        found.append(msgspec.structs.replace(event, position=position, previous_id=previous))
    return found


class MemoryFeed:
    """A source's feed; `complete_to` is stated at the head, if it is given."""

    def __init__(self, events: list[Recorded], complete_to: datetime | None = None, epoch: str = EPOCH) -> None:
        self.events, self.complete_to, self.epoch = events, complete_to, epoch
        self.source = events[0].source if events else "test"

    async def page(self, after: int, epoch: str = "", limit: int = 1000, wait: float = 0.0) -> FeedPage:
        """The page after a position."""
        if epoch and epoch != self.epoch:
            raise StaleEpoch(self.epoch)
        if after > len(self.events):
            raise HistoryDiffers("shorter")
        if after == len(self.events) and wait:
            await asyncio.sleep(min(wait, 0.05))
        events = self.events[after : after + limit]
        reaches_head = after + len(events) == len(self.events)
        last = self.events[-1].recorded_at if self.events else None
        return FeedPage(
            source=self.source,
            epoch=self.epoch,
            previous_id=self.events[after - 1].event_id if after else None,
            head=len(self.events),
            complete_to=(self.complete_to or last) if reaches_head else None,
            events=[msgspec.structs.replace(e, epoch=self.epoch) for e in events],
        )


@contextlib.asynccontextmanager
async def projection_pool(dsn: str, search_path: str = "followed, public") -> "AsyncIterator[asyncpg.Pool]":
    """A pool as followup makes it."""
    pool = await create_pool(dsn, application="test", search_path=search_path)
    try:
        yield pool
    finally:
        await pool.close()


async def opened(pool: asyncpg.Pool, source: str = "test") -> Projector:
    """A writer that has loaded where its source stands."""
    writer = Projector(source, StoredProjection(pool))
    await writer.open()
    return writer


async def swept(writer: Projector) -> None:
    """Bring the events of the regulation to every case."""
    while writer.is_sweeping:
        await writer.sweep()


async def state(pool: asyncpg.Pool, source: str = "test") -> str:
    """The digest of the stored state."""
    cursor = await StoredProjection(pool).cursor(source)
    rows = await pool.fetch("SELECT row FROM cases WHERE source = $1", source)
    cases = [msgspec.json.decode(r["row"], type=CaseRow) for r in rows]
    rows = await pool.fetch("SELECT raised FROM deadlines WHERE source = $1", source)
    raised = [msgspec.json.decode(r["raised"], type=DeadlineState) for r in rows]
    return digest([point_of(cursor)], cases, raised)


def point_of(cursor: Cursor) -> StatePoint:
    assert cursor.horizon is not None
    return StatePoint(cursor.source, cursor.epoch, cursor.position, cursor.horizon)


def ought(engine: DeadlineEngine, position: int, epoch: str = EPOCH) -> str:
    """The digest of a machine that holds a whole source."""
    assert engine.horizon is not None
    return engine_digest(engine, StatePoint(engine.source, epoch, position, engine.horizon))


async def emitted_ids(pool: asyncpg.Pool) -> list[UUID]:
    """The ids of every deadline event in followup's log, sorted."""
    return sorted(r["event_id"] for r in await pool.fetch("SELECT event_id FROM stored_events"))


def ids_of(engine: DeadlineEngine) -> list[UUID]:
    return sorted(e.event_id for e in engine.emitted)


def later(moment: datetime, **by: float) -> datetime:
    return moment + timedelta(**by)
