"""Applies the events of one source and fires its timers; nothing else writes its live projection.

One transaction moves the cursor by compare and set, writes rows in the order of their keys, and appends the deadline
events under the ordering lock. While it commits, the next events are applied in memory, and whatever needs rows
waits for it. What is in memory can be loaded again at any time, and after any failure it is.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import msgspec
import structlog

from services.followup.application.applying import apply_event, links_of, petition_of, record_of, refold, uncountable_of
from services.followup.application.ports import (
    CaseRecord,
    Changes,
    Cursor,
    HistoryDiffers,
    LoadedCase,
    Projection,
    Request,
    SourceStopped,
    Sweep,
    UnreadablePush,
)
from services.followup.application.shared_facts import conferences_of, load_shared
from services.followup.domain.deadlines.case_rows import recounted as recounted_row
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.deadlines.timers import fire_until
from services.followup.domain.facts import Fact, fact_of
from shared import telemetry
from shared.events import Recorded, Undecodable, UnknownTopic
from shared.events.deadline import Subject
from shared.events.regulation import AgencyClosed, AgencyRegistered
from shared.identifiers import local_day, sorted_ids

NOTHING = LoadedCase([], [])
INSTANT = timedelta(microseconds=1)  # the smallest step of a stamp
APPLIED_AT_ONCE = 250  # events in one transaction
FIRED_AT_ONCE = 100  # timers in one transaction: at a midnight thousands fall together
SETTLED_AT_ONCE = 200  # deadlines or cases in one transaction at most, when an event concerns all of them
WALKED_AT_ONCE = 400  # cases at most that are gone through for those that can change, which may be all of them
STEP = 0.25  # seconds that one of these transactions should take: what arrives meanwhile waits for it
FIRST_PACE, LEAST_PACE = 0.25, 0.05  # shares of those numbers; below the least most of a step is what each step costs
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
        self._sweeps: list[Sweep] = []  # by position
        self._pace = FIRST_PACE
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
        raised = await self._projection.raised_on(self.source, self._engine.cases.jurisdictions)
        self._engine.load_jurisdictions(raised)
        self._stored = {r.deadline_id: r for r in raised}
        parked = await self._projection.parked(self.source)
        await self._load(parked)
        for petition_id in parked:
            self._engine.park(petition_id)
        self._forget()  # what is loaded from now on is settled first
        self._sweeps = await self._projection.sweeps(self.source)
        self._next_fire_at = await self._projection.next_fire_at(self.source)

    @property
    def next_fire_at(self) -> datetime | None:
        """When the next timer falls, in the source's time; None when no timer is set."""
        found = [at for at in (self._next_fire_at, self._engine.next_fire_at) if at is not None]
        return min(found, default=None)

    @property
    def is_sweeping(self) -> bool:
        """Whether an event of the regulation has not reached every case yet."""
        return bool(self._sweeps)

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

        An event that can change every case is applied alone, and begins a sweep. Those before an event that stops the
        source are kept.
        """
        facts, stopped = self._read(events, pushed)
        alone = next((n for n, (_, fact) in enumerate(facts) if self._engine.cases.may_move_everything(fact)), None)
        if alone is not None:
            facts, stopped = facts[: max(alone, 1)], None  # what comes later is read again
        if alone == 0 and isinstance(fact := facts[0][1], Fact) and self._sweeps_for(fact):
            await self._begin_sweep(facts[0][0], fact)
            return 1
        await self._load_for(facts)
        changes, last, done = Changes(), None, 0
        for event, fact in facts:
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
        if telemetry.is_on() and isinstance(fact, Fact) and fact.meta.traceparent:
            with telemetry.span("apply", "consumer", fact.meta.traceparent):
                parked = apply_event(self._engine, event, fact)
        else:
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

    def _sweeps_for(self, fact: Fact) -> bool:
        # While there are sweeps it is not known yet whether there are cases that wait for just this calendar.
        return self.is_sweeping or self._engine.cases.needs([fact]).everything

    async def _begin_sweep(self, event: Recorded, fact: Fact) -> None:
        """Apply a calendar or a policy to the authorities; cases follow, some at a time or when they are touched."""
        await self._committed()
        self._forget()
        changes = Changes(sweeps=[Sweep(position=event.position)])
        self._apply_one(event, fact, changes)
        self._sweeps = [*self._sweeps, *changes.sweeps]
        await self._commit(self._after(event), changes)

    async def sweep(self) -> None:
        """Settle some more cases on the events of the regulation that they have missed. Raises FencedOut.

        How many depends on how long the last ones took, since a machine may be slow or busy.
        """
        began = monotonic()
        await self._sweep()
        faster = STEP / max(monotonic() - began, STEP / 2)
        self._pace = min(max(self._pace * faster, LEAST_PACE), 1.0)

    async def _sweep(self) -> None:
        sweep = self._sweeps[0]
        await self._committed()
        after = None if sweep.is_walking else await self._settle_by_timers(sweep)
        records: list[CaseRecord] = []
        if after is None:
            after, records = await self._settle_walking(sweep)
        changes = Changes(cases=records)
        if after is not None:
            changes.sweeps, self._sweeps[0] = [after], after
        else:
            changes.swept = (sweep.position,)
        # What was settled in this step was settled while the sweep went on, its last step too.
        changes = self._drained(changes, self.cursor.position)
        if after is None:
            del self._sweeps[0]
            self._engine.cases.forget_earlier()
        moved = msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1)
        self._next_fire_at = await self._projection.commit(self.cursor, moved, changes)
        self.cursor = moved
        if self._engine.cases.loaded_count > KEPT:
            self._forget()

    async def _settle_by_timers(self, sweep: Sweep) -> Sweep | None:
        """Settle the cases whose timers come next; None once all timers were reached."""
        places = await self._projection.timers_after(self.source, sweep, self._paced(SETTLED_AT_ONCE))
        if not places:
            return None
        await self._settle({place.subject_id: place.subject for place in places})
        return msgspec.structs.replace(sweep, fire_at=places[-1].fire_at, after_id=places[-1].deadline_id)

    async def _settle_walking(self, sweep: Sweep) -> tuple[Sweep | None, list[CaseRecord]]:
        """Settle those of the next cases that can change; what is only shown of the others is counted again."""
        if not sweep.is_walking:
            sweep = Sweep(position=sweep.position, is_walking=True)
        (fact,) = self._facts_of([sweep])
        moves_ended = self._engine.cases.moves_ended(fact)
        limit = self._paced(SETTLED_AT_ONCE if moves_ended else WALKED_AT_ONCE)
        # An act is judged by the calendar known at the end of its day: one published later that day still moves it.
        visited = await self._projection.cases_after(self.source, sweep, local_day(fact.recorded_at), limit)
        missed = [v for v in visited if not v.is_settled and v.row.subject != "jurisdiction"]
        waiting = self._engine.cases.uncountable.keys()
        changing = {
            v.row.subject_id: v.row.subject for v in missed if moves_ended or v.can_move or v.row.subject_id in waiting
        }
        await self._settle(changing)
        recounted = {
            v.row.subject_id: row
            for v in missed
            # What is loaded, as one merged into a changing case is, was settled with it and is written as that.
            if v.row.subject_id not in changing and not self._engine.cases.is_loaded(v.row.subject_id)
            if (row := recounted_row(v.row, self._engine.cases.regulation)) != v.row
        }
        raised = await self._projection.raised_on(self.source, recounted.keys()) if recounted else []
        records = [CaseRecord(row, tuple(r for r in raised if r.subject_id == i)) for i, row in recounted.items()]
        if len(visited) < limit:
            return None, records
        return msgspec.structs.replace(sweep, after_id=visited[-1].row.subject_id), records

    async def _settle(self, subjects: Mapping[UUID, Subject]) -> bool:
        """Settle those of some petitions and conferences that have missed something; whether there was any."""
        settled_to = await self._projection.settled_to(self.source, subjects.keys())
        missed = {s for s, position in settled_to.items() if position < self._sweeps[-1].position}
        missed = {s for s in missed if not self._engine.cases.is_loaded(s)}  # what is loaded was settled
        await self._load(
            [s for s in missed if subjects[s] == "petition"], [s for s in missed if subjects[s] == "conference"]
        )
        return bool(missed)

    def _paced(self, most: int) -> int:
        return max(round(most * self._pace), 1)

    def _facts_of(self, sweeps: Sequence[Sweep]) -> list[Fact]:
        positions = {sweep.position for sweep in sweeps}
        return [fact for fact in self._engine.cases.regulation.facts if fact.position in positions]

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
        changes = self._drained(Changes(), after.position)
        self._next_fire_at = await self._projection.commit(self.cursor, after, changes)
        self.cursor = after

    async def _fire(self, to: datetime) -> None:
        """Fire stored timers up to an instant, from their rows alone and a bounded number in each transaction."""
        await self._committed()
        while self._next_fire_at is not None and self._next_fire_at <= to:
            due = await self._projection.due(self.source, to, FIRED_AT_ONCE)
            if self._sweeps and await self._settle({raised.subject_id: raised.subject for raised in due}):
                # What they have missed comes first, and may have moved these timers.
                await self._commit(msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1), Changes())
                await self._committed()
                continue
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
        if history.keys().isdisjoint(await self._projection.parked(self.source)):
            after = msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1)
            async with self._projection.writing(self.cursor, after) as writing:
                await writing.answer(request, f"no event of {request.subject_id} waits", failed=True)
            await self._moved(after)
            return
        regulation, _ = await load_shared(self._projection, self.source)
        context = regulation + await conferences_of(self._projection, self.source, history)
        result = refold(self.source, context, history, self.cursor.horizon)
        after = msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1)
        changes = Changes()
        if not result.failure:
            known = await self._projection.raised_ids({r.deadline_id for r in result.raised})
            changes.emitted = [e for e in result.emitted if e.event_id not in known]
            changes.deadlines, changes.cases = result.raised, result.cases
            changes.gone = history.keys() - {record.row.subject_id for record in result.cases}
            changes.released = set(history)
            changes.uncountable = result.uncountable
            changes.waiting = {duty.deadline_id for duties in result.uncountable.values() for duty in duties}
            changes.settled_to = self._settled_to(after.position)
        async with self._projection.writing(self.cursor, after) as writing:
            await writing.write(changes)
            done = f"released; {len(changes.emitted)} deadline events raised"
            await writing.answer(request, result.failure or done, failed=bool(result.failure))
        if not result.failure:
            self._engine.release(history)
            for petition_id, duties in result.uncountable.items():
                self._engine.cases.list_uncountable(petition_id, {duty.deadline_id: duty for duty in duties})
        await self._moved(after)

    async def _reconcile(self, request: Request) -> None:
        subjects = [request.subject_id] if request.subject_id is not None else list(self._listed)
        await self._load_listed(s for s in subjects if s in self._listed)
        at, asked = self.cursor.horizon, [s for s in subjects if s in self._engine.differences]
        agreeing = 0 if at is None else sum(self._engine.reconcile(s, request.reason, at) for s in asked)
        after = msgspec.structs.replace(self.cursor, revision=self.cursor.revision + 1)
        changes = self._drained(Changes(), after.position)
        async with self._projection.writing(self.cursor, after) as writing:
            await writing.write(changes)
            answer = f"{agreeing} cases reconciled; {len(changes.emitted)} deadline events raised"
            if agreeing < len(asked):
                answer += f"; {len(asked) - agreeing} still differ and stay listed"
            # Nothing listed is no failure where all of it was asked for.
            undone = agreeing < len(asked) or (request.subject_id is not None and not asked)
            await writing.answer(request, answer if asked else "no such difference is listed", failed=undone)
        await self._moved(after)

    # --- memory and rows -------------------------------------------------------------------------------------------

    async def _load_for(self, facts: Sequence[Read]) -> None:
        known = [fact for _, fact in facts if isinstance(fact, Fact)]
        needs = self._engine.cases.needs(known)
        begun = {event.originator_id for event, _ in facts if event.version == 1}
        petitions = needs.petitions | {event.originator_id for event, fact in facts if isinstance(fact, Undecodable)}
        if needs.moving:
            await self._committed()
            petitions |= set(await self._projection.petitions_at(self.source, needs.moving))
        await self._load(petitions - begun, needs.conferences - begun)

    async def _load(self, petition_ids: Iterable[UUID], conference_ids: Collection[UUID] = ()) -> None:
        """Load petitions with those merged with them, their conferences, and the conferences named.

        While there are sweeps, what was loaded is settled on the events that it has missed.
        """
        wanted, fresh = set(conference_ids), list[UUID]()
        missing = [p for p in petition_ids if not self._engine.cases.is_loaded(p)]
        if missing:
            await self._committed()
            for petition_id, loaded in (await self._projection.petitions(self.source, missing)).items():
                if not self._engine.cases.is_loaded(petition_id):
                    self._engine.load_petition(petition_id, [fact_of(f) for f in loaded.facts], loaded.raised)
                    self._stored.update((r.deadline_id, r) for r in loaded.raised)
                    wanted.update(self._engine.cases.conferences_of(petition_id))
                    fresh.append(petition_id)
        absent = [c for c in wanted if not self._engine.cases.is_loaded(c)]
        if absent:
            await self._committed()
            found = await self._projection.conferences(self.source, absent)
            for conference_id in absent:
                loaded = found.get(conference_id, NOTHING)
                self._engine.load_conference(conference_id, [fact_of(f) for f in loaded.facts], loaded.raised)
                self._stored.update((r.deadline_id, r) for r in loaded.raised)
                fresh.append(conference_id)
        if self._sweeps and fresh:
            settled_to = await self._projection.settled_to(self.source, fresh)
            self._engine.settle(self._facts_of(self._sweeps), settled_to)

    async def _load_listed(self, subject_ids: Iterable[UUID]) -> None:
        """Load subjects that are listed as differences, those too of which the source knows nothing any more."""
        cases = set(subject_ids).difference(self._engine.cases.jurisdictions)
        await self._load(cases)
        await self._load((), [s for s in cases if not self._engine.cases.is_petition(s)])
        ghosts = [s for s in cases if not self._engine.cases.has_facts(s)]
        raised = await self._projection.raised_on(self.source, ghosts) if ghosts else []
        for subject_id in ghosts:
            self._engine.load_conference(subject_id, [], [r for r in raised if r.subject_id == subject_id])
        self._stored.update((r.deadline_id, r) for r in raised)

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
        changes = self._drained(changes, after.position)
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

    def _settled_to(self, position: int) -> int | None:
        return position if self._sweeps else None

    def _drained(self, changes: Changes, position: int) -> Changes:
        """Add to the changes what the engine has changed since the last time, by the events up to a position."""
        engine = self._engine
        changes.settled_to = self._settled_to(position)
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
            elif engine.cases.has_facts(subject_id):  # what made it a case was annulled
                changes.gone = {*changes.gone, subject_id}
        engine.dirty = set()
        changes.differences = {s: why for s, why in engine.differences.items() if self._listed.get(s) != why}
        changes.settled = self._listed.keys() - engine.differences.keys()
        self._listed = dict(engine.differences)
        return changes
