"""Applies the events of one source and fires its timers; nothing else writes its live projection.

One transaction moves the cursor by compare and set, writes rows in the order of their keys, and appends the deadline
events under the ordering lock. While it commits, the next events are applied in memory, and whatever needs rows
waits for it. What is in memory can be loaded again at any time, and after any failure it is.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from services.followup.application.applying import apply_event, links_of, petition_of, record_of, refold, uncountable_of
from services.followup.application.ports import (
    Changes,
    Cursor,
    HistoryDiffers,
    LoadedCase,
    Projection,
    Request,
    SourceStopped,
    UnreadablePush,
    Writing,
)
from services.followup.application.shared_facts import conferences_of, load_shared
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.timers import fire_until
from services.followup.domain.facts import Fact, fact_of
from shared.events import Recorded, Undecodable, UnknownTopic
from shared.events.regulation import AgencyClosed, AgencyRegistered
from shared.identifiers import sorted_ids

NOTHING = LoadedCase([], [])
INSTANT = timedelta(microseconds=1)  # the smallest step of a stamp
APPLIED_AT_ONCE = 250  # events in one transaction
FIRED_AT_ONCE = 100  # timers in one transaction: at a midnight thousands fall together
LOADED_AT_ONCE = 500  # petitions or conferences, when a fact concerns all of them
KEPT = 5_000  # petitions and conferences kept in memory between two batches; the collector's pauses grow with them

log = structlog.get_logger("writer")

#: An event with its fact, or with the reason why it cannot be read: then it is parked if it is a petition's.
Read = tuple[Recorded, Fact | Undecodable]


class Projector:
    """Applies events and fires timers of one source.

    Whoever makes one calls `open` first. After any exception it is thrown away, since memory and rows may differ.
    """

    def __init__(self, source: str, projection: Projection) -> None:
        self.source = source
        self.cursor = Cursor(source=source)  # as of the last transaction, also while that one is still committing
        self._projection = projection
        self._engine = DeadlineEngine(source)
        self._stored: dict[UUID, DeadlineState] = {}  # the deadlines of what is loaded, as their rows have them
        self._listed: dict[UUID, str] = {}  # the differences as their rows have them
        self._next_fire_at: datetime | None = None  # not later than the earliest timer in the rows
        # The transaction that is being committed, and the cursor before it.
        self._committing: tuple[asyncio.Task[datetime | None], Cursor] | None = None

    async def open(self) -> None:
        """Load the cursor, the regulation, what the authorities owe, and the petitions with parked events."""
        self.cursor = await self._projection.cursor(self.source)
        regulation, dialogues = await load_shared(self._projection, self.source)
        self._engine = DeadlineEngine(self.source)
        self._listed = await self._projection.differences(self.source)
        self._engine.differences.update(self._listed)
        for duty in await self._projection.uncountable(self.source):
            self._engine.cases.uncountable.setdefault(duty.subject_id, {})[duty.deadline_id] = duty
        self._engine.load_shared(regulation, dialogues, self.cursor.horizon)
        raised = await self._projection.raised_on(self._engine.cases.jurisdictions)
        self._engine.load_jurisdictions(raised)
        self._stored = {r.deadline_id: r for r in raised}
        parked = await self._projection.parked(self.source)
        await self._load(parked)
        for petition_id in parked:
            self._engine.park(petition_id)
        self._next_fire_at = await self._projection.next_fire_at(self.source)

    @property
    def next_fire_at(self) -> datetime | None:
        """When the next timer falls, in the source's time; None when no timer is set."""
        found = [at for at in (self._next_fire_at, self._engine.next_fire_at) if at is not None]
        return min(found, default=None)

    # --- events ----------------------------------------------------------------------------------------------------

    async def apply(self, events: Sequence[Recorded], pushed: bool = False) -> None:
        """Apply the next events; before each, fire the timers that fall before its stamp.

        Raises SourceStopped, FencedOut, and UnreadablePush when `pushed` says that the broker brought the events.
        """
        rest = list(events)
        try:
            while rest:
                first = self._next_fire_at
                ready = [e for e in rest[:APPLIED_AT_ONCE] if first is None or e.recorded_at <= first]
                if ready:
                    rest = rest[await self._apply(ready, pushed) :]
                else:
                    await self._fire(rest[0].recorded_at - INSTANT)
        finally:
            await self._committed()

    async def _apply(self, events: Sequence[Recorded], pushed: bool) -> int:
        """Apply events before which no stored timer falls, and return how many were applied.

        An event that concerns every petition is applied alone: it touches every row, so those before it are committed
        first. Those before an event that stops the source are kept.
        """
        facts, stopped = self._read(events, pushed)
        await self._load_for(facts)
        changes, last, done = Changes(), None, 0
        for event, fact in facts:
            if isinstance(fact, Fact) and self._engine.cases.needs([fact]).everything:
                if last is None:
                    await self._apply_to_all(event, fact)
                    return 1
                stopped = None  # that event comes later, and is read again
                break
            try:
                self._apply_one(event, fact, changes)
            except SourceStopped as error:
                stopped = error
                break
            last, done = event, done + 1
        if last is not None:
            await self._commit(self._after(last), changes)
        if stopped is not None:
            raise stopped
        if self._engine.cases.loaded_count > KEPT:
            self._forget()
        return done

    def _read(
        self, events: Sequence[Recorded], pushed: bool
    ) -> tuple[list[Read], SourceStopped | UnreadablePush | None]:
        """Decode events up to the first that does not follow or cannot be read; and why that one stops the source."""
        position, event_id = self.cursor.position, self.cursor.event_id
        facts: list[Read] = []
        for event in events:
            if event.position != position + 1 or event.previous_id != event_id:
                why = f"position {event.position} does not follow event {event_id} at {position}"
                return facts, HistoryDiffers(why)
            if self.cursor.complete_to is not None and event.recorded_at <= self.cursor.complete_to:
                return facts, SourceStopped(f"position {event.position} is stamped before a complete_to that was used")
            try:
                facts.append((event, fact_of(event)))
            except (UnknownTopic, Undecodable) as error:
                if pushed:
                    return facts, UnreadablePush(f"position {event.position}: {error}")
                if isinstance(error, UnknownTopic):
                    return facts, SourceStopped(f"position {event.position}: unknown topic {error}")
                facts.append((event, error))
            position, event_id = event.position, event.event_id
        return facts, None

    def _apply_one(self, event: Recorded, fact: Fact | Undecodable, changes: Changes) -> None:
        """Apply one event, or park it. Raises SourceStopped."""
        petition_id = petition_of(self._engine, event, fact)
        parked = apply_event(self._engine, event, fact)
        changes.facts.append(event)
        if petition_id is not None:
            changes.petition_facts.add(event.position)
            changes.links += links_of(petition_id, fact)
        if parked is not None:
            log.error("event_parked", source=self.source, position=event.position, topic=event.topic)
            changes.parked.append(parked)
        elif isinstance(fact, Fact) and isinstance(fact.event, AgencyRegistered | AgencyClosed):
            changes.agencies.append(fact.event)

    # --- what concerns every case ----------------------------------------------------------------------------------

    async def _apply_to_all(self, event: Recorded, fact: Fact) -> None:
        """Apply a calendar or a policy to every case, some at a time, in one transaction."""
        await self._committed()
        self._forget()
        changes = Changes()
        self._apply_one(event, fact, changes)
        after = self._after(event)
        async with self._projection.writing(self.cursor, after) as writing:
            await writing.write(self._drained(changes))
            async for chunk in self._projection.subjects(self.source, "conference", LOADED_AT_ONCE):
                await self._load((), chunk)
                await self._settle_loaded(fact, chunk, writing)
            async for chunk in self._projection.subjects(self.source, "petition", LOADED_AT_ONCE):
                await self._load(chunk)
                await self._settle_loaded(fact, chunk, writing)
        await self._moved(after)

    async def _settle_loaded(self, fact: Fact, subject_ids: Sequence[UUID], writing: Writing) -> None:
        """Apply the event to what is loaded, write it and forget it, so that memory stays bounded.

        What is loaded next comes from rows that this transaction has not changed yet.
        """
        loaded = [s for s in subject_ids if self._engine.cases.is_loaded(s) and s not in self._engine.parked]
        self._engine.apply_regulation_to(fact, loaded)
        await writing.write(self._drained(Changes()))
        self._forget()

    # --- time ------------------------------------------------------------------------------------------------------

    async def advance(self, to: datetime, head: int) -> None:
        """Fire every timer up to an instant to which the source says that it is complete. Raises FencedOut."""
        await self._fire(to)
        self._engine.advance(to)
        after = msgspec.structs.replace(
            self.cursor,
            horizon=self._engine.horizon,
            complete_to=max(to, self.cursor.complete_to or to),
            head=head,
            revision=self.cursor.revision + 1,
        )
        self._next_fire_at = await self._projection.commit(self.cursor, after, self._drained(Changes()))
        self.cursor = after

    async def _fire(self, to: datetime) -> None:
        """Fire stored timers up to an instant, from their rows alone and a bounded number in each transaction."""
        await self._committed()
        while self._next_fire_at is not None and self._next_fire_at <= to:
            due = await self._projection.due(self.source, to, FIRED_AT_ONCE)
            changes = Changes()
            for raised in due:
                emitted, after = fire_until(raised, to)
                changes.emitted += emitted
                changes.deadlines.append(after)
                self._engine.update_fired(after)
            changes.emitted.sort(key=lambda e: (e.event.at, e.event_id))
            changes.overdue = {r.subject_id for r in changes.deadlines if r.breached}
            after_cursor = msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1)
            self._next_fire_at = await self._projection.commit(self.cursor, after_cursor, changes)
            self.cursor = after_cursor
            self._stored.update((r.deadline_id, r) for r in changes.deadlines if r.deadline_id in self._stored)

    # --- requests --------------------------------------------------------------------------------------------------

    async def answer_requests(self) -> None:
        """Do what operators asked: apply parked events, or emit what separates raised from expected deadlines."""
        for request in await self._projection.requests(self.source):
            if request.kind == "unpark":
                await self._unpark(request)
            else:
                await self._reconcile(request)

    async def _unpark(self, request: Request) -> None:
        assert request.subject_id is not None
        history = await self._projection.history(self.source, request.subject_id)
        regulation, _ = await load_shared(self._projection, self.source)
        context = regulation + await conferences_of(self._projection, history)
        result = refold(self.source, context, history, self.cursor.horizon)
        after = msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1)
        changes = Changes()
        if not result.failure:
            known = await self._projection.raised_ids({r.deadline_id for r in result.raised})
            changes.emitted = [e for e in result.emitted if e.event_id not in known]
            changes.deadlines, changes.cases = result.raised, result.cases
            changes.released = set(history)
            changes.uncountable = result.uncountable
            changes.waiting = {duty.deadline_id for duties in result.uncountable.values() for duty in duties}
        async with self._projection.writing(self.cursor, after) as writing:
            await writing.write(changes)
            await writing.answer(request, result.failure or f"released; {len(changes.emitted)} deadline events raised")
        if not result.failure:
            self._engine.release(history)
            for petition_id, duties in result.uncountable.items():
                self._engine.cases.list_uncountable(petition_id, {duty.deadline_id: duty for duty in duties})
        await self._moved(after)

    async def _reconcile(self, request: Request) -> None:
        subjects = [request.subject_id] if request.subject_id is not None else list(self._listed)
        await self._load_listed(s for s in subjects if s in self._listed)
        at = self.cursor.horizon
        done = [s for s in subjects if s in self._engine.differences and at is not None]
        for subject_id in done:
            assert at is not None
            self._engine.reconcile(subject_id, request.reason, at)
        after = msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1)
        changes = self._drained(Changes())
        async with self._projection.writing(self.cursor, after) as writing:
            await writing.write(changes)
            answer = f"{len(done)} cases reconciled; {len(changes.emitted)} deadline events raised"
            await writing.answer(request, answer if done else "no such difference is listed")
        await self._moved(after)

    # --- memory and rows -------------------------------------------------------------------------------------------

    async def _load_for(self, facts: Sequence[Read]) -> None:
        known = [fact for _, fact in facts if isinstance(fact, Fact)]
        needs = self._engine.cases.needs(known)
        begun = {event.originator_id for event, _ in facts if event.version == 1}
        petitions = needs.petitions | {event.originator_id for event, fact in facts if isinstance(fact, Undecodable)}
        if needs.moving:
            await self._committed()
            petitions |= set(await self._projection.petitions_at(needs.moving))
        await self._load(petitions - begun, needs.conferences - begun)

    async def _load(self, petition_ids: Iterable[UUID], conference_ids: Collection[UUID] = ()) -> None:
        """Load petitions with those merged with them, their conferences, and the conferences named."""
        wanted = set(conference_ids)
        missing = [p for p in petition_ids if not self._engine.cases.is_loaded(p)]
        if missing:
            await self._committed()
            for petition_id, loaded in (await self._projection.petitions(missing)).items():
                if not self._engine.cases.is_loaded(petition_id):
                    self._engine.load_petition(petition_id, [fact_of(f) for f in loaded.facts], loaded.raised)
                    self._stored.update((r.deadline_id, r) for r in loaded.raised)
                    wanted.update(self._engine.cases.conferences_of(petition_id))
        absent = [c for c in wanted if not self._engine.cases.is_loaded(c)]
        if absent:
            await self._committed()
            found = await self._projection.conferences(absent)
            for conference_id in absent:
                loaded = found.get(conference_id, NOTHING)
                self._engine.load_conference(conference_id, [fact_of(f) for f in loaded.facts], loaded.raised)
                self._stored.update((r.deadline_id, r) for r in loaded.raised)

    async def _load_listed(self, subject_ids: Iterable[UUID]) -> None:
        cases = set(subject_ids).difference(self._engine.cases.jurisdictions)
        await self._load(cases)
        await self._load((), [s for s in cases if not self._engine.cases.is_petition(s)])

    def _forget(self) -> None:
        for subject_id in self._engine.cases.loaded():
            for raised in self._engine.raised_of(subject_id):
                self._stored.pop(raised.deadline_id, None)
            self._engine.forget(subject_id)

    def _after(self, event: Recorded) -> Cursor:
        return msgspec.structs.replace(
            self.cursor,
            epoch=event.epoch,
            position=event.position,
            event_id=event.event_id,
            instant=event.recorded_at,
            horizon=self._engine.horizon,
            head=max(self.cursor.head, event.position),
            revision=self.cursor.revision + 1,
        )

    async def _commit(self, after: Cursor, changes: Changes) -> None:
        """Start a transaction once the one before it has committed."""
        changes = self._drained(changes)
        await self._committed()
        before, self.cursor = self.cursor, after
        self._committing = asyncio.create_task(self._projection.commit(before, after, changes)), before
        falls = (self._next_fire_at, *(raised.next_fire_at for raised in changes.deadlines))
        self._next_fire_at = min((at for at in falls if at is not None), default=None)
        await asyncio.sleep(0)  # its statement is sent before the next events are applied

    async def _committed(self) -> None:
        """Wait for the transaction that is being committed, and learn from it when the next timer falls."""
        if self._committing is None:
            return
        (committing, before), self._committing = self._committing, None
        try:
            self._next_fire_at = await committing
        except BaseException:
            self.cursor = before  # with the revision of a commit that failed it could pass for another projector
            raise

    async def _moved(self, after: Cursor) -> None:
        self.cursor = after
        self._next_fire_at = await self._projection.next_fire_at(self.source)

    def _drained(self, changes: Changes) -> Changes:
        """Add to the changes what the engine has changed since the last time."""
        engine = self._engine
        changes.emitted += engine.emitted
        engine.emitted = []
        relisted, engine.cases.relisted = engine.cases.relisted, set()
        changes.uncountable = uncountable_of(engine, relisted)
        dirty = engine.dirty | relisted
        uncountable = {i for s in dirty for i in engine.cases.uncountable.get(s, ())}
        # Subjects whose timers may have begun or ceased to wait.
        rewritten = engine.parked | engine.differences.keys() | self._listed.keys() | relisted
        changes.waiting = engine.parked | engine.differences.keys() | uncountable
        for subject_id in sorted_ids(dirty):
            for raised in engine.raised_of(subject_id):
                if subject_id in rewritten or self._stored.get(raised.deadline_id) != raised:
                    self._stored[raised.deadline_id] = raised
                    changes.deadlines.append(raised)
            if (record := record_of(engine, subject_id)) is not None:
                changes.cases.append(record)
        engine.dirty = set()
        changes.differences = {s: why for s, why in engine.differences.items() if self._listed.get(s) != why}
        changes.settled = self._listed.keys() - engine.differences.keys()
        self._listed = dict(engine.differences)
        return changes
