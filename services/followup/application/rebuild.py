"""Rebuilds the projection of a source beside its live one, then swaps the two. Nothing is appended.

Other sources are followed meanwhile. The facts are read from the feed. Each case is folded from its first fact, and
its deadlines are compared with those that followup's own log says were raised. Memory is bounded: it holds the
regulation, what authorities owe, and some cases at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from services.followup.application.applying import apply_event, decoded, links_of, record_of, uncountable_of
from services.followup.application.ports import (
    CaseRecord,
    Changes,
    Cursor,
    Feed,
    HistoryDiffers,
    ParkedRecord,
    Projection,
    StillSweeping,
    TablesBusy,
)
from services.followup.application.projector import Projector
from services.followup.application.shared_facts import conferences_of, load_shared
from services.followup.domain.cases import Dialogue, dialogue_changes
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.raised_log import Logged, completed, raised_by, same
from services.followup.domain.duties.duty import DutyOutcome
from services.followup.domain.facts import Fact, fact_of, is_of_conference
from shared.events import EVENTS, Recorded, Undecodable
from shared.events.regulation import AgencyClosed, AgencyRegistered

FOLDED_AT_ONCE = 500  # petitions
CONFERENCES_AT_ONCE = 100
PAGE = 2000  # events of a page of the feed
SWEPT_WITHIN = 600.0  # seconds for the projector to bring an event of the regulation to every case
LOOK_EVERY = 0.5  # seconds between two looks whether it has, or two tries to replace the tables
TRIES = 200  # to replace the tables of a source that are being read

#: Is called with the number of petitions that are folded, and of all.
Progress = Callable[[int, int], None]


class LockedCursor(Protocol):
    """The live tables of a source while its cursor is locked, so that its projector waits."""

    live: Cursor  # the locked one
    is_sweeping: bool  # whether an event of the regulation has not reached every case yet

    async def replace(self) -> None:
        """Put the new tables in place of the live ones, when the lock is released."""
        ...


class RebuildTarget(Protocol):
    """The new tables of one source after another, empty at first, and the log of what was raised."""

    @property
    def projection(self) -> Projection:
        """Return the new tables as a projector sees them, which appends nothing to the log."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Keep every other rebuild away. Raises RebuildRuns."""
        ...

    async def clear(self, source: str) -> None:
        """Make the tables of a source, empty; what an interrupted rebuild has left is dropped."""
        ...

    async def live(self, source: str) -> Cursor:
        """Return where the live projection of a source stands."""
        ...

    async def is_sweeping(self, source: str) -> bool:
        """Return whether an event of the regulation has not reached every case of the live projection yet."""
        ...

    async def begin(self, cursor: Cursor) -> None:
        """Set the cursor of the rebuilt source."""
        ...

    def lock_cursor(self, source: str) -> AbstractAsyncContextManager[LockedCursor]:
        """Lock the live cursor of a source: its projector waits, readers go on. Raises TablesBusy."""
        ...

    async def drop_replaced(self) -> None:
        """Drop the tables that were replaced."""
        ...

    async def write(self, source: str, changes: Changes) -> None:
        """Write some rows of a source into the new tables."""
        ...

    async def parked(self, source: str) -> dict[UUID, set[int]]:
        """Return the positions of the parked events, by petition."""
        ...

    async def count_petitions(self, source: str) -> int:
        """Count the petitions that have facts."""
        ...

    def groups(self, source: str, chunk: int) -> AsyncIterator[dict[UUID, list[Recorded]]]:
        """Yield the facts of petitions, about `chunk` petitions at a time, merged ones together."""
        ...

    async def logged(self, deadline_ids: Collection[UUID]) -> dict[UUID, list[Logged]]:
        """Return the recorded events of some deadlines, oldest first."""
        ...

    async def never_folded(self, source: str) -> dict[UUID, list[Logged]]:
        """Return the recorded events of deadlines that no fact asks for, oldest first."""
        ...


class RebuildReport(msgspec.Struct):
    """What a rebuild found of one source."""

    events: int = 0  # facts read
    cases: int = 0  # rows written
    deadlines: int = 0  # rows written
    differences: dict[UUID, str] = {}  # subjects whose raised deadlines are not the expected ones, and why


class Earlier(Protocol):
    """What a release before this one has followed, in tables of its own."""

    @property
    def target(self) -> RebuildTarget:
        """Return the tables that are filled in the place of its own."""
        ...

    async def sources(self) -> list[str]:
        """Return the sources that are not taken over yet."""
        ...

    def feed(self, source: str) -> Feed:
        """Return what was read of a source, up to where it was read."""
        ...


async def rebuild(
    target: RebuildTarget, feeds: Sequence[Feed], restored: Collection[str], progress: Progress
) -> dict[str, RebuildReport]:
    """Rebuild the sources of some feeds, one after another, and report by source. Others stay as they are.

    `restored` names sources whose other history the operator has confirmed: they are read to their new end. Raises
    SourceUnavailable, and HistoryDiffers when a source has another history than before and nobody has confirmed it.

    What the projector has not yet raised on some cases would be found to be missing: the rebuild waits for it to bring
    the events of the regulation to every case. Raises StillSweeping, TablesBusy, RebuildRuns.
    """
    reports: dict[str, RebuildReport] = {}
    async with target.alone():
        for feed in feeds:
            source = (await feed.page(0, limit=1)).source
            is_restored = source in restored
            if (await target.live(source)).horizon is None and not is_restored:
                continue  # nothing was followed yet
            reports[source] = await _rebuild(target, source, feed, progress, is_restored=is_restored)
    return reports


async def take_over(earlier: Earlier, progress: Progress) -> dict[str, RebuildReport]:
    """Fold what an earlier release has read into tables of this one, a source after another, and report by source.

    That release may follow them meanwhile; it applies nothing more of a source that was taken over. Where nothing is
    left of it no rebuild is waited for. Raises what `rebuild` does.
    """
    reports: dict[str, RebuildReport] = {}
    if not await earlier.sources():
        return reports
    target = earlier.target
    async with target.alone():
        for source in await earlier.sources():
            reports[source] = await _rebuild(target, source, earlier.feed(source), progress, is_restored=False)
    return reports


async def _rebuild(
    target: RebuildTarget, source: str, feed: Feed, progress: Progress, *, is_restored: bool
) -> RebuildReport:
    await target.clear(source)
    if not is_restored:
        await _until_swept(target, source)
    live, history = await target.live(source), _WholeFeed(feed)
    last = await _read_facts(target, source, history, None if is_restored else live.position)
    if not is_restored and last.event_id != live.event_id:
        raise HistoryDiffers(f"{source}: the event at {last.position} is another one; --confirm-restored if meant")
    horizon = history.complete_to if is_restored else live.horizon or last.recorded_at
    assert horizon is not None
    report = await _fold_all(target, source, horizon, progress)
    report.events = last.position
    await target.begin(_cursor(source, last, horizon))
    tries = 0
    while not await _replaced(target, source, feed, is_restored=is_restored, is_last_try=tries >= TRIES):
        tries += 1
        await asyncio.sleep(LOOK_EVERY)
        if not is_restored:
            await _until_swept(target, source)
    await target.drop_replaced()
    return report


async def _replaced(target: RebuildTarget, source: str, feed: Feed, *, is_restored: bool, is_last_try: bool) -> bool:
    """Catch up and replace while the projector waits; False when it has not reached every case or tables are read."""
    try:
        async with target.lock_cursor(source) as locked:
            if not is_restored:
                if locked.is_sweeping:
                    return False
                await _catch_up(target, source, feed, locked.live)
            await locked.replace()
            return True
    except TablesBusy:
        if is_last_try:
            raise
        return False


async def _until_swept(target: RebuildTarget, source: str) -> None:
    waited = 0.0
    while await target.is_sweeping(source):
        if waited >= SWEPT_WITHIN:
            raise StillSweeping(f"{source}: a calendar or a document has not reached every case; is followup running?")
        await asyncio.sleep(LOOK_EVERY)
        waited += LOOK_EVERY


class _WholeFeed:
    """Reads a feed from its beginning to its end."""

    def __init__(self, feed: Feed) -> None:
        self.complete_to: datetime | None = None  # known once the last page was read
        self._feed = feed

    async def pages(self) -> AsyncIterator[Sequence[Recorded]]:
        after = 0
        while self.complete_to is None:
            page = await self._feed.page(after, limit=PAGE)
            self.complete_to = page.complete_to
            after = page.events[-1].position if page.events else after
            yield page.events


async def _catch_up(target: RebuildTarget, source: str, feed: Feed, live: Cursor) -> None:
    """Bring the new tables to where the live ones are locked, by the projector that writes the live ones."""
    projector = Projector(source, target.projection)
    await projector.open()
    while projector.cursor.position < live.position:
        page = await feed.page(projector.cursor.position, limit=PAGE)
        await projector.apply([e for e in page.events if e.position <= live.position])
    while projector.is_sweeping:
        await projector.sweep()
    if live.horizon is not None and projector.cursor.horizon is not None and live.horizon > projector.cursor.horizon:
        await projector.advance(live.horizon, live.head)


async def _read_facts(target: RebuildTarget, source: str, history: _WholeFeed, to: int | None) -> Recorded:
    """Copy the facts of a source up to a position, with their links, and return the last one.

    Raises HistoryDiffers when there is none.
    """
    last: Recorded | None = None
    async for page in history.pages():
        kept = [e for e in page if to is None or e.position <= to]
        changes = Changes()
        for event in kept:
            _add_fact(changes, event)
        await target.write(source, changes)
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


async def _fold_all(target: RebuildTarget, source: str, horizon: datetime, progress: Progress) -> RebuildReport:
    """Fold every case from the copied facts up to a horizon and write its rows."""
    report = RebuildReport()
    regulation, _ = await load_shared(target.projection, source)
    dialogues = await _fold_conferences(target, source, regulation, horizon, report)
    await _fold_jurisdictions(target, source, regulation, dialogues, horizon, report)
    waiting = await target.parked(source)
    total, done = await target.count_petitions(source), 0
    async for group in target.groups(source, FOLDED_AT_ONCE):
        context = regulation + await conferences_of(target.projection, source, group)
        engine, parked = _folded(source, context, group, waiting, horizon)
        await _keep(target, source, engine, group, report, parked)
        done += len(group)
        progress(done, total)
    await _keep_orphans(target, source, report)
    return report


async def _fold_conferences(
    target: RebuildTarget, source: str, regulation: Sequence[Fact], horizon: datetime, report: RebuildReport
) -> list[tuple[Fact, Dialogue | None]]:
    """Fold the conferences, some at a time, and return what they changed for their authorities."""
    changed: list[tuple[Fact, Dialogue | None]] = []
    async for streams in target.projection.shared_streams(source, CONFERENCES_AT_ONCE):
        read = {subject_id: [fact_of(each) for each in recorded] for subject_id, recorded in streams.items()}
        conferences = {subject_id: facts for subject_id, facts in read.items() if is_of_conference(facts[0])}
        if not conferences:
            continue
        engine = DeadlineEngine(source)
        for fact in _in_order([*regulation, *(f for facts in conferences.values() for f in facts)]):
            engine.apply(fact)
        engine.advance(horizon)
        await _keep(target, source, engine, conferences, report)
        for conference_id, facts in conferences.items():
            changed += dialogue_changes(conference_id, facts)
    return changed


async def _fold_jurisdictions(
    target: RebuildTarget,
    source: str,
    regulation: Sequence[Fact],
    dialogues: Sequence[tuple[Fact, Dialogue | None]],
    horizon: datetime,
    report: RebuildReport,
) -> None:
    engine, changed = DeadlineEngine(source), {fact.position: dialogue for fact, dialogue in dialogues}
    for fact in _in_order([*regulation, *(fact for fact, _ in dialogues)]):
        if fact.position in changed:
            engine.apply_dialogue(fact, changed[fact.position])
        else:
            engine.apply(fact)
    engine.advance(horizon)
    await _keep(target, source, engine, engine.cases.jurisdictions, report)


def _in_order(facts: Iterable[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: fact.position)


def _folded(
    source: str,
    context: Sequence[Fact],
    group: Mapping[UUID, list[Recorded]],
    waiting: Mapping[UUID, set[int]],
    horizon: datetime,
) -> tuple[DeadlineEngine, list[ParkedRecord]]:
    """Fold some petitions with their context, in the order recorded; return the engine and what it parked.

    `waiting` holds the positions that are parked already, by petition.
    """
    engine, parked = DeadlineEngine(source), list[ParkedRecord]()
    held = {position for petition_id in group for position in waiting.get(petition_id, ())}
    steps: list[tuple[int, Recorded | None, Fact | Undecodable]] = [(f.position, None, f) for f in context]
    steps += [(event.position, event, decoded(event)) for events in group.values() for event in events]
    for position, event, fact in sorted(steps, key=lambda step: step[0]):
        if event is None:
            assert isinstance(fact, Fact)
            engine.apply(fact)
        elif position in held:
            engine.park(event.originator_id)
        elif (failed := apply_event(engine, event, fact)) is not None:
            parked.append(failed)
    engine.advance(horizon)
    return engine, parked


async def _keep(
    target: RebuildTarget,
    source: str,
    engine: DeadlineEngine,
    subjects: Collection[UUID],
    report: RebuildReport,
    parked: Sequence[ParkedRecord] = (),
) -> None:
    """Compare the deadlines that were folded with those that were raised, and write the rows of both."""
    folded = {r.deadline_id: r for s in subjects for r in engine.raised_of(s)}
    logged = await target.logged(folded.keys())
    changes = Changes(parked=list(parked))
    kept: dict[UUID, list[DeadlineState]] = {}
    for deadline_id, expected in folded.items():
        raised = raised_by(logged.get(deadline_id, ()))
        if raised is None or not same(raised, expected):
            changes.differences[expected.subject_id] = _difference(raised, expected)
        if raised is not None:
            # Of two equal ones the folded is written: the log does not carry all that a row shows.
            row = expected if raised.version == expected.version else completed(raised, expected)
            kept.setdefault(row.subject_id, []).append(row)
    for subject_id in subjects:
        record = record_of(engine, subject_id)
        if record is not None:
            changes.cases.append(CaseRecord(record.row, tuple(kept.get(subject_id, ()))))
    changes.deadlines = [r for rows in kept.values() for r in rows]
    changes.uncountable = {s: duties for s, duties in uncountable_of(engine, subjects).items() if duties}
    changes.waiting = set(engine.parked) | changes.differences.keys()
    changes.waiting |= {duty.deadline_id for duties in changes.uncountable.values() for duty in duties}
    await target.write(source, changes)
    report.cases += len(changes.cases)
    report.deadlines += len(changes.deadlines)
    report.differences |= changes.differences


def _difference(raised: DeadlineState | None, expected: DeadlineState) -> str:
    if raised is None:
        return f"{expected.duty}: due {expected.due_on}, never raised"
    return (
        f"{expected.duty}: raised as due {raised.due_on}, {_state(raised)}; "
        f"by its facts it is due {expected.due_on}, {_state(expected)}"
    )


def _state(raised: DeadlineState) -> str:
    if not raised.is_open:
        return raised.outcome
    return "breached" if raised.breached else "open"


async def _keep_orphans(target: RebuildTarget, source: str, report: RebuildReport) -> None:
    """Write the deadlines that were raised though no fact asks for them, and list those not waived as differences."""
    logs = (await target.never_folded(source)).values()
    changes = Changes(deadlines=[raised for log in logs if (raised := raised_by(log)) is not None])
    for raised in changes.deadlines:
        if raised.outcome != DutyOutcome.WAIVED:
            why = f"{raised.duty}: raised as due {raised.due_on}, but no fact asks for it"
            changes.differences[raised.subject_id] = why
    changes.waiting = changes.differences.keys()
    await target.write(source, changes)
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
