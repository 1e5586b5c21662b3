"""An event of the regulation reaches the cases in steps; what is raised is what folding everything at once raises.

The projector works on tables in memory, and is made anew from them between any two steps.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.adapters.store.projection import new_event
from services.followup.application import projector as projecting
from services.followup.application.ports import Sweep
from services.followup.application.projector import Projector
from services.followup.application.state_digest import case_line, deadline_line
from services.followup.domain.deadlines.engine import DeadlineEngine
from shared.events import Recorded
from tests.support.following import chained, recorded
from tests.support.history import History
from tests.support.history_strategies import histories
from tests.support.simulation import MemoryProjection, Process, World
from tests.support.upsets import INSTANT, Upset, upset, upsets


async def followed(world: World, events: list[Recorded], history: History, draws: st.DataObject) -> Projector:
    """Apply events and time in pieces of any size, sweep now and then, and be made anew in between."""
    process = Process(world, "writer")
    writer = await made(process)
    rest = list(events)
    step = st.tuples(st.sampled_from(("events", "events", "sweep", "time", "crash")), st.integers(1, 12))
    while rest:
        what, number = draws.draw(step)
        if what == "events":
            await writer.apply(rest[:number])
            rest = rest[number:]
        elif what == "sweep" and writer.is_sweeping:
            await writer.sweep()
        elif what == "time" and writer.cursor.instant is not None:
            to = writer.cursor.instant + timedelta(days=number)
            await writer.advance(min(to, rest[0].recorded_at - INSTANT), len(events))
        elif what == "crash":
            writer = await made(process)
    horizon = history.engine.horizon
    assert horizon is not None
    await writer.advance(horizon, len(events))
    while writer.is_sweeping:
        await writer.sweep()
        if draws.draw(st.booleans()):
            writer = await made(process)
    return writer


async def made(process: Process) -> Projector:
    writer = Projector("test", MemoryProjection(process))
    await writer.open()
    return writer


def bytes_of(emitted: list[Any]) -> Counter[Any]:
    return Counter((e.event_id, e.version, new_event(e).state) for e in emitted)


def lines_of(engine: DeadlineEngine) -> list[str]:
    subjects = engine.subjects()
    cases = [case_line(row) for s in subjects if (row := engine.case_row(s)) is not None]
    return sorted([*cases, *(deadline_line(r) for s in subjects for r in engine.raised_of(s))])


@settings(max_examples=40, deadline=None)
@given(histories(), upsets(), st.data())
def test_sweeps_in_steps_with_crashes__raise_what_one_undisturbed_replay_raises(
    history: History, changes: list[Upset], data: st.DataObject
) -> None:
    whole = upset(history, changes)
    events = chained(recorded(whole))
    world = World()
    world.slowest = 0
    try:
        for event in events:
            world.log.append(event)
        with mock.patch.multiple(projecting, SETTLED_AT_ONCE=2, WALKED_AT_ONCE=3, monotonic=world.loop.time):
            world.run(followed(world, events, whole, data))
    finally:
        world.close()
    assert not world.broken
    assert not world.rows.listed
    assert bytes_of(world.rows.emitted) == bytes_of(whole.engine.emitted)
    lines = [*(case_line(c.row) for c in world.rows.cases.values()), *map(deadline_line, world.rows.raised.values())]
    assert sorted(lines) == lines_of(whole.engine)


@pytest.mark.parametrize(("each", "settled"), [(0.0001, 200), (0.005, 50), (0.05, 10)])
async def test_step_of_a_sweep__is_as_large_as_fits_its_time(
    monkeypatch: pytest.MonkeyPatch, each: float, settled: int
) -> None:
    clock, sizes = [0.0], list[int]()
    writer = Projector("test", mock.Mock())

    async def settle() -> None:
        sizes.append(writer._paced(projecting.SETTLED_AT_ONCE))
        clock[0] += each * sizes[-1]

    monkeypatch.setattr(projecting, "monotonic", lambda: clock[0])
    monkeypatch.setattr(writer, "_sweep", settle)
    for _ in range(10):
        await writer.sweep()
    assert sizes[0] == 50 and set(sizes[-3:]) == {settled}


@pytest.mark.parametrize(("moves_ended", "walked"), [(True, 20), (False, 40)])
async def test_step_of_a_sweep__asks_for_no_more_than_its_size(
    monkeypatch: pytest.MonkeyPatch, moves_ended: bool, walked: int
) -> None:
    projection = mock.AsyncMock()
    projection.timers_after.return_value = projection.cases_after.return_value = []
    writer = Projector("test", projection)
    monkeypatch.setattr(writer, "_pace", 0.1)
    monkeypatch.setattr(writer, "_settle", mock.AsyncMock())
    monkeypatch.setattr(writer, "_facts_of", lambda _: [mock.Mock(recorded_at=datetime(2026, 1, 1, tzinfo=UTC))])
    monkeypatch.setattr(writer._engine.cases, "moves_ended", lambda _: moves_ended)
    await writer._settle_by_timers(Sweep(position=1))
    await writer._settle_walking(Sweep(position=1))
    assert projection.timers_after.await_args.args[-1] == 20
    assert projection.cases_after.await_args.args[-1] == walked
