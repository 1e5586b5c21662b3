"""Rebuilding the projection of a source beside the live one: both logs are folded, nothing is appended.

The facts are read from the feed, each case is folded from its first fact, and what comes out is compared with what
followup's own log says was raised. Memory is bounded: the regulation, what authorities owe, and some cases at a time.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from services.followup.application.applying import decoded, links_of, record_of, take
from services.followup.application.ports import (
    CaseRecord,
    Changes,
    Cursor,
    Feed,
    HistoryDiffers,
    ParkedRecord,
    Projection,
)
from services.followup.application.projector import Projector
from services.followup.application.shared_facts import conferences_of, load_shared
from services.followup.domain.cases import Dialogue, dialogue_changes
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.raised_log import Logged, completed, raised_by, same
from services.followup.domain.duties.duty import Outcome
from services.followup.domain.facts import Fact, fact_of, is_regulation
from shared.events import EVENTS, Recorded, Undecodable
from shared.events.regulation import AgencyClosed, AgencyRegistered

FOLDED_AT_ONCE = 500  # petitions
CONFERENCES_AT_ONCE = 100
PAGE = 2000  # events

#: Told how many of how many petitions are folded.
Progress = Callable[[int, int], None]


class LockedCursors(Protocol):
    """The live tables while their writers wait."""

    live: dict[str, Cursor]

    async def swap(self) -> None:
        """Put the new tables in place of the live ones."""
        ...


class RebuildTarget(Protocol):
    """The new tables, empty at first, and the log of what was raised."""

    @property
    def projection(self) -> Projection:
        """The new tables as a writer sees them that appends nothing."""
        ...

    async def clear(self) -> None:
        """Make the tables anew."""
        ...

    async def live(self, source: str) -> Cursor:
        """Where the live projection of a source stands."""
        ...

    async def begin(self, cursor: Cursor) -> None:
        """Set the cursor of the rebuilt source."""
        ...

    def standing_still(self) -> AbstractAsyncContextManager[LockedCursors]:
        """Hold every live cursor: the writers wait, readers go on."""
        ...

    async def drop_old(self) -> None:
        """Let the tables go that were swapped out."""
        ...

    async def write(self, source: str, changes: Changes) -> None:
        """Write some rows."""
        ...

    async def parked(self, source: str) -> dict[UUID, set[int]]:
        """The positions that wait, by petition."""
        ...

    async def count_petitions(self, source: str) -> int:
        """How many petitions have facts."""
        ...

    def groups(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        """The facts of petitions, some at a time; petitions merged with each other come together."""
        ...

    async def logged(self, deadline_ids: Collection[UUID]) -> dict[UUID, list[Logged]]:
        """The recorded events of some deadlines, in order."""
        ...

    async def never_folded(self, source: str) -> dict[UUID, list[Logged]]:
        """The recorded events of deadlines that no fact asks for."""
        ...


class RebuildReport(msgspec.Struct):
    """What a rebuild found."""

    events: int = 0
    cases: int = 0
    deadlines: int = 0
    differences: dict[UUID, str] = {}


async def rebuild(
    site: RebuildTarget, feeds: Sequence[Feed], restored: Collection[str], progress: Progress
) -> dict[str, RebuildReport]:
    """Rebuild every source beside the live tables, then swap; what differs from the log, by source.

    `restored` names sources whose other history the operator has confirmed: they are read to their new end. Raises
    HistoryDiffers where a source is another one than before and nobody has confirmed it, SourceAway.
    """
    await site.clear()
    reports: dict[str, RebuildReport] = {}
    built: dict[str, Feed] = {}
    for feed in feeds:
        source = (await feed.page(0, limit=1)).source
        live = await site.live(source)
        if live.horizon is None and source not in restored:
            continue  # nothing was followed yet
        history = _Whole(feed)
        last = await _read_facts(site, source, history, None if source in restored else live.position)
        if source not in restored and last.event_id != live.event_id:
            raise HistoryDiffers(f"{source}: the event at {last.position} is another one; --confirm-restored if meant")
        horizon = history.complete_to if source in restored else live.horizon
        assert horizon is not None
        reports[source] = await _fold_all(site, source, horizon, progress)
        reports[source].events = last.position
        await site.begin(_cursor(source, last, horizon))
        built[source] = feed
    async with site.standing_still() as still:
        for source, feed in built.items():
            if source not in restored:
                await _catch_up(site, source, feed, still.live[source])
        await still.swap()
    await site.drop_old()
    return reports


class _Whole:
    """A feed from its beginning to its end."""

    def __init__(self, feed: Feed) -> None:
        self.complete_to: datetime | None = None
        self._feed = feed

    async def pages(self) -> AsyncIterator[Sequence[Recorded]]:
        after = 0
        while self.complete_to is None:
            page = await self._feed.page(after, limit=PAGE)
            self.complete_to = page.complete_to
            after = page.events[-1].position if page.events else after
            yield page.events


async def _catch_up(site: RebuildTarget, source: str, feed: Feed, live: Cursor) -> None:
    """Bring the new tables to where the live ones stand still; by the writer's own code."""
    writer = Projector(source, site.projection)
    await writer.open()
    while writer.cursor.position < live.position:
        page = await feed.page(writer.cursor.position, limit=PAGE)
        await writer.apply([e for e in page.events if e.position <= live.position])
    if live.horizon is not None and writer.cursor.horizon is not None and live.horizon > writer.cursor.horizon:
        await writer.advance(live.horizon, live.head)


async def _read_facts(site: RebuildTarget, source: str, history: _Whole, to: int | None) -> Recorded:
    """Copy the facts of a source up to a position, with their links; the last one. Raises HistoryDiffers if none."""
    last: Recorded | None = None
    async for page in history.pages():
        kept = [e for e in page if to is None or e.position <= to]
        changes = Changes()
        for event in kept:
            _add_fact(changes, event)
        await site.write(source, changes)
        last = kept[-1] if kept else last
        if len(kept) < len(page) or (last is not None and last.position == to):
            break
    if last is None:
        raise HistoryDiffers(f"{source} has no events any more")
    return last


def _add_fact(changes: Changes, event: Recorded) -> None:
    changes.facts.append(event)
    fact = decoded(event)
    kind = fact.meta.aggregate if isinstance(fact, Fact) else EVENTS[event.topic].AGGREGATE
    if kind == "petition":
        changes.petition_facts.add(event.position)
        changes.links += links_of(event.originator_id, fact)
    elif isinstance(fact, Fact) and isinstance(fact.event, AgencyRegistered | AgencyClosed):
        changes.agencies.append(fact.event)


async def _fold_all(site: RebuildTarget, source: str, horizon: datetime, progress: Progress) -> RebuildReport:
    """Fold every case from the copied facts up to a horizon and write its rows."""
    report = RebuildReport()
    regulation, _ = await load_shared(site.projection, source)
    dialogues = await _fold_conferences(site, source, regulation, horizon, report)
    await _fold_jurisdictions(site, source, regulation, dialogues, horizon, report)
    waiting = await site.parked(source)
    total, done = await site.count_petitions(source), 0
    async for group in site.groups(source, FOLDED_AT_ONCE):
        around = regulation + await conferences_of(site.projection, group)
        engine, parked = _folded(source, around, group, waiting, horizon)
        await _keep(site, source, engine, group, report, parked)
        done += len(group)
        progress(done, total)
    await _keep_orphans(site, source, report)
    return report


async def _fold_conferences(
    site: RebuildTarget, source: str, regulation: Sequence[Fact], horizon: datetime, report: RebuildReport
) -> list[tuple[Fact, Dialogue | None]]:
    """Fold the conferences, some at a time; what they changed for their authorities."""
    changed: list[tuple[Fact, Dialogue | None]] = []
    async for streams in site.projection.shared_streams(source, CONFERENCES_AT_ONCE):
        read = {subject_id: [fact_of(each) for each in recorded] for subject_id, recorded in streams.items()}
        conferences = {subject_id: facts for subject_id, facts in read.items() if not is_regulation(facts[0])}
        if not conferences:
            continue
        engine = DeadlineEngine(source)
        for fact in _in_order([*regulation, *(f for facts in conferences.values() for f in facts)]):
            engine.apply(fact)
        engine.advance(horizon)
        await _keep(site, source, engine, conferences, report)
        for conference_id, facts in conferences.items():
            changed += dialogue_changes(conference_id, facts)
    return changed


async def _fold_jurisdictions(
    site: RebuildTarget,
    source: str,
    regulation: Sequence[Fact],
    dialogues: Sequence[tuple[Fact, Dialogue | None]],
    horizon: datetime,
    report: RebuildReport,
) -> None:
    engine, heard = DeadlineEngine(source), {fact.position: dialogue for fact, dialogue in dialogues}
    for fact in _in_order([*regulation, *(fact for fact, _ in dialogues)]):
        if fact.position in heard:
            engine.apply_dialogue(fact, heard[fact.position])
        else:
            engine.apply(fact)
    engine.advance(horizon)
    await _keep(site, source, engine, engine.cases.jurisdictions, report)


def _in_order(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: fact.position)


def _folded(
    source: str,
    around: Sequence[Fact],
    group: Mapping[UUID, list[Recorded]],
    waiting: Mapping[UUID, set[int]],
    horizon: datetime,
) -> tuple[DeadlineEngine, list[ParkedRecord]]:
    """A machine that has met the facts around these petitions and theirs, in the order recorded; what it parked."""
    engine, parked = DeadlineEngine(source), list[ParkedRecord]()
    held = {position for petition_id in group for position in waiting.get(petition_id, ())}
    steps: list[tuple[int, Recorded | None, Fact | Undecodable]] = [(f.position, None, f) for f in around]
    steps += [(event.position, event, decoded(event)) for events in group.values() for event in events]
    for position, event, fact in sorted(steps, key=lambda step: step[0]):
        if event is None:
            assert isinstance(fact, Fact)
            engine.apply(fact)
        elif position in held:
            engine.park(event.originator_id)
        elif (failed := take(engine, event, fact)) is not None:
            parked.append(failed)
    engine.advance(horizon)
    return engine, parked


async def _keep(
    site: RebuildTarget,
    source: str,
    engine: DeadlineEngine,
    subjects: Collection[UUID],
    report: RebuildReport,
    parked: Sequence[ParkedRecord] = (),
) -> None:
    """Compare what was folded with what was raised, and write the rows."""
    folded = {r.deadline_id: r for s in subjects for r in engine.raised_of(s)}
    logged = await site.logged(folded.keys())
    changes = Changes(parked=list(parked))
    kept: dict[UUID, list[DeadlineState]] = {}
    for deadline_id, ought in folded.items():
        told = raised_by(logged.get(deadline_id, ()))
        if told is None or not same(told, ought):
            changes.differences[ought.subject_id] = _difference(told, ought)
        if told is not None:
            # Of equal ones the folded: the log does not carry all that a row shows.
            row = ought if told.version == ought.version else completed(told, ought)
            kept.setdefault(row.subject_id, []).append(row)
    for subject_id in subjects:
        record = record_of(engine, subject_id)
        if record is not None:
            changes.cases.append(CaseRecord(record.row, tuple(kept.get(subject_id, ()))))
    changes.deadlines = [r for rows in kept.values() for r in rows]
    changes.waiting = set(engine.parked) | changes.differences.keys()
    await site.write(source, changes)
    report.cases += len(changes.cases)
    report.deadlines += len(changes.deadlines)
    report.differences |= changes.differences


def _difference(told: DeadlineState | None, ought: DeadlineState) -> str:
    if told is None:
        return f"{ought.duty}: due {ought.due_on}, never raised"
    return (
        f"{ought.duty}: raised as due {told.due_on}, {_state(told)}; "
        f"by its facts it is due {ought.due_on}, {_state(ought)}"
    )


def _state(raised: DeadlineState) -> str:
    if not raised.is_open:
        return raised.outcome
    return "breached" if raised.breached else "open"


async def _keep_orphans(site: RebuildTarget, source: str, report: RebuildReport) -> None:
    """What was raised though no fact asks for it: its rows are kept, and listed unless it was taken back already."""
    logs = (await site.never_folded(source)).values()
    changes = Changes(deadlines=[told for log in logs if (told := raised_by(log)) is not None])
    for told in changes.deadlines:
        if told.outcome != Outcome.WAIVED:
            changes.differences[told.subject_id] = f"{told.duty}: raised as due {told.due_on}, but no fact asks for it"
    changes.waiting = changes.differences.keys()
    await site.write(source, changes)
    report.differences |= changes.differences


def _cursor(source: str, last: Recorded, horizon: datetime) -> Cursor:
    return Cursor(
        source=source,
        epoch=last.epoch,
        position=last.position,
        event_id=last.event_id,
        instant=last.recorded_at,
        horizon=horizon,
        complete_to=horizon,
        head=last.position,
        revision=1,
    )
