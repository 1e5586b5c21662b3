"""Relay, reader and scheduler as a state machine: the production code in simulated time, whatever happens around it.

Hypothesis chooses what is recorded, who crashes, freezes and starts, how broker and network behave, how long things
take; in the end everything heals, and the state must be the fold of what was recorded. `SABOTAGES` breaks the
code in several ways, each of which must be found.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.followup.adapters.prefetch import SourcePrefetch
from services.followup.application import source_reader
from services.followup.application.projector import Projector
from services.followup.application.source_reader import SourceReader
from services.followup.application.state_digest import StatePoint, digest, engine_digest
from services.followup.domain.deadlines.engine import DeadlineEngine
from shared.calendar.years import DayOff
from shared.events import Event, Recorded, encode_state
from shared.events.petition import (
    ExtensionGranted,
    PetitionAssigned,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReopened,
    PetitionWithdrawn,
    WrittenReplyIssued,
)
from shared.events.regulation import CalendarPublished
from shared.identifiers import derived_id, local_day
from shared.rabbit.publish_frames import Batch
from tests.support import simulation
from tests.support.history import DISTRICT, History, seed_years
from tests.support.simulation import EPOCH, SOURCE, Process, World, simulated

PETITIONS = 3
HEALED_WITHIN = 240.0  # simulated seconds
NAMES = ("a", "b")

YEARS = [year for year in seed_years() if year.year == 2019]
numbers = st.integers(0, PETITIONS - 1)


def _calendar(day: date, told: date, number: int, petitions: list[UUID]) -> Event:
    free = DayOff(date=date(2019, 9, (3, 4, 5, 10, 11, 12)[number % 6]), name=YEARS[0].holidays[0].name)
    return CalendarPublished(
        effective_on=day, year=2019, holidays=(*YEARS[0].holidays, free), makeup_days=YEARS[0].makeup_days
    )


#: What may be recorded: from today, the day of the deed, the number of the record, the petitions.
DEEDS: dict[str, Callable[[date, date, int, list[UUID]], Event]] = {
    "assign": lambda day, told, n, _: PetitionAssigned(effective_on=day, agency=f"{DISTRICT}.{n % 3 + 1}"),
    "reply": lambda day, told, n, _: WrittenReplyIssued(
        effective_on=told, number=f"{n}/TL", signatory="Chủ tịch", digest="00"
    ),
    "extend": lambda day, told, n, _: ExtensionGranted(
        effective_on=day, petitioner_told_on=told, committee_told_on=told, expected_on=day + timedelta(days=9)
    ),
    "complex": lambda day, told, n, _: PetitionMarkedComplex(effective_on=told, decided_by="chair", criteria=("x",)),
    "withdraw": lambda day, told, n, _: PetitionWithdrawn(effective_on=day),
    "reopen": lambda day, told, n, _: PetitionReopened(effective_on=day),
    "merge": lambda day, told, n, petitions: PetitionMerged(effective_on=day, into=petitions[1]),
    "calendar": _calendar,
}


class PairMachine(RuleBasedStateMachine):
    """Two processes that relay, two that read, one store, one broker."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        self.context: World = self._stack.enter_context(simulated())
        self.history = History(SOURCE, YEARS)
        conference = self.history.plan("c", "2019-08-23")
        self.petitions = [self.history.receive(f"p{n}", "2019-08-01", (f"p{n}",)) for n in range(PETITIONS)]
        self.history.hold(conference, *self.petitions, first="2019-08-23")
        self.versions: dict[UUID, int] = {}
        for fact in self.history.facts:
            self._store(fact)
        self.relays: dict[str, Process] = {}
        self.readers: dict[str, Process] = {}

    # --- what is recorded --------------------------------------------------------------------------------------------

    def _store(self, fact: Any) -> None:
        events = self.context.log.events
        self.versions[fact.originator_id] = self.versions.get(fact.originator_id, 0) + 1
        self.context.log.append(
            Recorded(
                source=SOURCE,
                epoch=EPOCH,
                position=fact.position,
                previous_id=events[-1].event_id if events else None,
                event_id=fact.event_id,
                originator_id=fact.originator_id,
                version=self.versions[fact.originator_id],
                topic=fact.topic,
                recorded_at=fact.recorded_at,
                state=encode_state(fact.event, fact.meta),
            )
        )

    def _record(self, originator: UUID, make: Callable[[Any], Event], aggregate: str = "") -> None:
        stamp = self.context.log.stamp()
        self._store(self.history.record(originator, make(local_day(stamp)), stamp, aggregate))

    @rule(event=st.sampled_from(sorted(DEEDS)), petition=numbers, days_ago=st.integers(0, 5))
    def record(self, event: str, petition: int, days_ago: int) -> None:
        """A deed on a petition, perhaps recorded late; a calendar, which concerns every clock."""
        if event == "merge" and any(isinstance(fact.event, PetitionMerged) for fact in self.history.facts):
            return
        number = len(self.history.facts)

        def make(day: date) -> Event:
            return DEEDS[event](day, day - timedelta(days=days_ago), number, self.petitions)

        if event == "calendar":
            self._record(derived_id("calendar", 2019), make, "calendar")
        else:
            self._record(self.petitions[0 if event == "merge" else petition], make)

    # --- what happens ------------------------------------------------------------------------------------------------

    @initialize()
    def start(self) -> None:
        """One of each."""
        self.start_relay("a")
        self.start_reader("a")

    @rule(name=st.sampled_from(NAMES))
    def start_relay(self, name: str) -> None:
        """A process that relays, unless it runs."""
        if name not in self.relays:
            self.relays[name] = self.context.start_relay(name)

    @rule(name=st.sampled_from(NAMES))
    def start_reader(self, name: str) -> None:
        """A process that reads, unless it runs."""
        if name not in self.readers:
            self.readers[name] = self.context.start_reader(f"{name}{len(self.context.processes)}")

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.2, 0.7]), seed=st.integers(0, 999))
    def pass_a_moment(self, seconds: float, seed: int) -> None:
        """Things happen, in a random order."""
        self.context.rng.seed(seed)
        self.context.pass_time(seconds)

    @rule(seconds=st.sampled_from([1.5, 3.0, 8.0]), seed=st.integers(0, 999))
    def pass_time(self, seconds: float, seed: int) -> None:
        """More of it."""
        self.pass_a_moment(seconds, seed)

    @rule(days=st.integers(1, 9))
    def midnights(self, days: int) -> None:
        """The store's days pass."""
        self.context.offset += timedelta(days=days)

    @rule(failing=st.sampled_from([0.0, 0.05, 0.3]), slowest=st.sampled_from([0.0, 0.05, 1.5]))
    def calls(self, failing: float, slowest: float) -> None:
        """Calls fail, or their answers are lost; they are slow."""
        self.context.failing, self.context.slowest = failing, slowest

    @rule(who=st.sampled_from(("relays", "readers")), name=st.sampled_from(NAMES))
    def kill(self, who: str, name: str) -> None:
        """SIGKILL."""
        process = getattr(self, who).pop(name, None)
        if process is not None:
            process.crash()

    @rule(who=st.sampled_from(("relays", "readers")), name=st.sampled_from(NAMES))
    def freeze_or_thaw(self, who: str, name: str) -> None:
        """SIGSTOP, SIGCONT."""
        process = getattr(self, who).get(name)
        if process is not None:
            process.going.clear() if process.going.is_set() else process.going.set()

    @rule(becomes=st.sampled_from(("gone", "back", "holding back", "delivering")))
    def broker(self, becomes: str) -> None:
        """The broker goes and comes, or delivers nothing for a while."""
        if becomes == "gone":
            self.context.broker.stop()
        elif becomes == "back":
            self.context.broker.is_up = True
        else:
            self.context.broker.delivers = becomes == "delivering"

    @precondition(lambda self: self.context.broker.queue)
    @rule(seed=st.integers(0, 99))
    def shuffle_and_repeat(self, seed: int) -> None:
        """What waits in the queue comes twice and in any order."""
        queue = self.context.broker.queue
        twice = [*queue, *queue]
        queue.clear()
        self.context.rng.seed(seed)
        self.context.rng.shuffle(twice)
        queue.extend(twice)

    @rule()
    def purge(self) -> None:
        """The queue is emptied."""
        self.context.broker.queue.clear()

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        """Neither a skip nor a repetition, nor a position without its confirm."""
        assert not self.context.broken, self.context.broken
        for emitted in self.context.rows.emitted:
            assert emitted.event.at <= self.context.now() + timedelta(seconds=1), "raised before its time"

    def teardown(self) -> None:
        """Everything heals: then all is relayed, applied and raised, and the state is the fold."""
        try:
            if not self.context.broken:
                self._heal()
                self._settle()
        finally:
            self._stack.close()

    def _heal(self) -> None:
        context = self.context
        context.failing, context.slowest = 0.0, 0.05
        context.broker.is_up = context.broker.delivers = True
        for process in context.processes:
            process.going.set()
        if not self.relays:
            self.start_relay("a")
        if not self.readers:
            self.start_reader("a")

    def _settle(self) -> None:
        context, rows = self.context, self.context.rows
        context.run(self._settled())
        self.nothing_is_broken()
        head = len(context.log.events)
        assert (rows.cursor.position, context.outbox.position, rows.state) == (head, head, "following"), "not caught up"
        assert rows.cursor.horizon is not None
        self.history.engine.advance(rows.cursor.horizon)
        engine = self.history.engine
        ought = sorted((e.event.at, e.event_id, e.version) for e in engine.emitted)
        assert sorted((e.event.at, e.event_id, e.version) for e in rows.emitted) == ought, "other deadline events"
        point = StatePoint(SOURCE, EPOCH, head, rows.cursor.horizon)
        found = digest([point], [c.row for c in rows.cases.values()], rows.raised.values())
        assert found == engine_digest(engine, point), "another state than the fold of the log"
        assert [fact for fact, _ in rows.facts] == [msgspec.structs.replace(e) for e in context.log.events]

    async def _settled(self) -> None:
        """Until everything is relayed and read, and time is known up to now; or until it ought to have been."""
        context = self.context
        until, now = context.loop.now + HEALED_WITHIN, context.now()
        while context.loop.now < until and not context.broken:
            await asyncio.sleep(0.5)
            head, cursor = len(context.log.events), context.rows.cursor
            is_read = cursor.position == context.outbox.position == head and not context.rows.sweeps
            if is_read and (cursor.horizon or context.base) >= now:
                return


def run(examples: int, steps: int = 25) -> None:
    """Explore so many runs; the seed of a failure is printed with its shortest trace."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        database=None,
        print_blob=True,
        report_multiple_bugs=False,  # one, and its trace in the notes of the error itself
    )
    run_state_machine_as_test(PairMachine, settings=chosen)


@pytest.mark.timeout(60)
def test_model__some_interleavings() -> None:
    run(150)


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_model__thousands_of_interleavings(record_property: Callable[[str, object], None]) -> None:
    run(3000)


# --- the code broken on purpose --------------------------------------------------------------------------------------


@contextlib.contextmanager
def broken(holder: Any, name: str, wrong: Any) -> Iterator[None]:
    """Put something wrong in the place of a piece of the code."""
    right = getattr(holder, name)
    setattr(holder, name, wrong)
    try:
        yield
    finally:
        setattr(holder, name, right)


async def _advances_unconfirmed(self: Batch, timeout: float) -> None:
    """The relay goes on without the confirms."""


def _forgets_what_fired(self: DeadlineEngine, raised: Any) -> None:
    """The machine is not told of timers that were fired from their rows alone."""


def _takes_whatever_comes(self: SourcePrefetch, cursor: Any, limit: int) -> Any:
    """The reader trusts the order of the broker: it numbers what comes, and reads no feed for what is missing."""
    taken = [e for e in self._waiting if e.position > cursor.position][:limit]
    self._waiting.clear()
    self._more.clear()
    position, event_id, found = cursor.position, cursor.event_id, []
    for event in taken:
        position += 1
        found.append(msgspec.structs.replace(event, position=position, previous_id=event_id))
        event_id = event.event_id
    return found, False


def _keeps_its_memory() -> Any:
    """After a failure the reader goes on with what it had in memory."""
    right = SourceReader._follow
    kept = WeakKeyDictionary[SourceReader, Projector]()  # an id may be another reader's later

    async def follow(self: SourceReader) -> None:
        def same(source: str, projection: Any) -> Projector:
            return kept.setdefault(self, Projector(source, projection))

        async def opened(this: Projector) -> None:
            if not this.cursor.revision:
                await right_open(this)

        right_open = Projector.open
        with broken(source_reader, "Projector", same), broken(Projector, "open", opened):
            await right(self)

    return follow


def _believes_any_page(right: Any) -> Any:
    """The feed states completeness also where an event came in between."""

    async def page(self: Any, *arguments: Any, **options: Any) -> Any:
        found = await right(self, *arguments, **options)
        stated = self._process.context.log.complete_to
        return msgspec.structs.replace(found, complete_to=found.complete_to or stated)

    return page


SABOTAGES: dict[str, Callable[[], Any]] = {
    "the relay moves its position without the confirms": lambda: broken(Batch, "wait", _advances_unconfirmed),
    "the machine forgets which timers fired": lambda: broken(DeadlineEngine, "update_fired", _forgets_what_fired),
    "the reader trusts the broker's order": lambda: broken(SourcePrefetch, "pop", _takes_whatever_comes),
    "memory is kept after a failure": lambda: broken(SourceReader, "_follow", _keeps_its_memory()),
    "completeness is believed short of the head": lambda: broken(
        simulation.SimulatedFeed, "page", _believes_any_page(simulation.SimulatedFeed.page)
    ),
}


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SABOTAGES)
def test_model__finds(name: str, capsys: pytest.CaptureFixture[str], record_property: Callable[..., None]) -> None:
    with SABOTAGES[name](), pytest.raises(Exception) as found:
        run(6000)
    trace = "\n".join(getattr(found.value, "__notes__", [])) or str(found.value)
    steps = [line.strip() for line in trace.splitlines() if line.strip().startswith("state.")]
    record_property("trace", "\n".join(steps))
    record_property("found", f"{type(found.value).__name__}: {str(found.value).splitlines()[0][:200]}")
    assert steps, trace
