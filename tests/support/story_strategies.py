"""Random stories of one petition under a random rule: what was done on which day, and when each deed was recorded."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from shared.calendar import CalendarYear, DayOff
from shared.events import DatedEvent
from shared.events.petition import (
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionAssigned,
    PetitionMarkedComplex,
    PetitionReassigned,
    WrittenReplyIssued,
)
from shared.events.regulation import AgencyClosed
from shared.identifiers import LOCAL_ZONE, derived_id
from shared.policy import Rule, Step
from tests.support.history import History
from tests.support.policy_strategies import STARTS, clock_steps, free_days, policy_of, rules, years_of
from tests.support.reference_counting import Days

HORIZON = timedelta(days=500)  # after the conference: every clock has run out
MORNING = time(9)


class Story(NamedTuple):
    """A conference on `start`, then these deeds, each recorded so many days after it was done."""

    rule: Rule
    days: Days
    start: date
    steps: list[Step]
    replied: date | None
    lags: list[int]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Any rule, any calendar, any life; the reply comes or does not."""
    start = draw(STARTS)
    steps = draw(clock_steps(start))
    replied = draw(st.none() | st.integers(0, 90).map(lambda n: start + timedelta(days=n)))
    lags = draw(st.lists(st.integers(0, 120), min_size=len(steps) + 1, max_size=len(steps) + 1))
    return Story(draw(rules()), draw(free_days()), start, steps, replied, lags)


def events_of(story: Story) -> list[DatedEvent]:
    """The deeds, in the order in which they were done."""
    found: list[DatedEvent] = []
    assigned = False
    for number, step in enumerate(story.steps):
        found.append(_event(step, number, assigned))
        assigned = assigned or step.kind == "cap"
    if story.replied is not None:
        reply = WrittenReplyIssued(effective_on=story.replied, number="1/TL", signatory="CT", digest="00")
        found.append(reply)
    return found


def _event(step: Step, number: int, assigned: bool) -> DatedEvent:
    on = step.on
    match step.kind:
        case "trait":
            return PetitionMarkedComplex(effective_on=on, decided_by="chair", criteria=("x",), variant=step.trait)
        case "extension":
            assert step.day is not None
            return ExtensionGranted(effective_on=on, petitioner_told_on=step.told["petitioner"], expected_on=step.day)
        case "cap":
            kind = PetitionReassigned if assigned else PetitionAssigned
            return kind(effective_on=on, agency=f"H35.10.{number + 2}", due_on=step.day)
        case "suspended":
            return ClockSuspended(effective_on=on, number="1", petitioner_told_on=on)
        case _:
            return ClockResumed(effective_on=on, number="2")


def played_out(story: Story, lags: Iterable[int]) -> tuple[History, UUID]:
    """The story as recorded with these lags, up to a day on which every clock has run out."""
    history, petition = recorded(story, lags)
    history.engine.advance(_moment(story.start + HORIZON))
    return history, petition


def recorded(story: Story, lags: Iterable[int]) -> tuple[History, UUID]:
    """The story as recorded with these lags, up to its last record."""
    history = History(calendars=[])
    begins = _moment(date(story.start.year - 1, 12, 1))
    for year in years_of(story.days):
        history.publish(year, begins)
    history.adopt(policy_of(story.rule), f"{story.start.year - 1}-12-02 08:00")
    first = story.start.isoformat()
    conference = history.plan("c", first, planned=f"{story.start.year - 1}-12-03")
    petition = history.receive("p", f"{story.start.year - 1}-12-04")
    history.hold(conference, petition, first=first)
    closed = _moment(story.start) + timedelta(hours=12)
    timed = [
        (max(_moment(event.effective_on + timedelta(days=lag)), closed), n, event)
        for n, (event, lag) in enumerate(zip(events_of(story), lags, strict=False))
    ]
    for moment, n, event in sorted(timed, key=lambda each: each[:2]):
        history.record(petition, event, moment + timedelta(seconds=n))
    return history, petition


def _moment(day: date) -> datetime:
    return datetime.combine(day, MORNING, LOCAL_ZONE)


class Upheaval(NamedTuple):
    """Something of the regulation that changes while clocks run, on a day after the conference."""

    after: int
    kind: str
    number: int


@st.composite
def upheavals(draw: st.DrawFn) -> list[Upheaval]:
    """New calendars, policies that move running clocks, agencies that end; in the order of their days."""
    kinds = st.sampled_from(["calendar", "policy", "moving", "agency"])
    found = draw(st.lists(st.tuples(st.integers(1, 60), kinds, st.integers(0, 40)), max_size=4))
    return sorted(Upheaval(*each) for each in found)


def record_upheavals(history: History, story: Story, changes: list[Upheaval]) -> None:
    """Record the changes after whatever was recorded before."""
    for each in changes:
        on = story.start + timedelta(days=each.after)
        moment = max(history.facts[-1].recorded_at + timedelta(seconds=1), _moment(on))
        match each.kind:
            case "calendar":
                history.publish(_with_off(story, on + timedelta(days=each.number)), moment)
            case "agency":
                closed = AgencyClosed(effective_on=on, code=f"H35.10.{each.number % 5 + 2}", successor="H35.10.99")
                history.record(derived_id("agency", each.number), closed, moment, "agency")
            case kind:
                rule = msgspec.structs.replace(story.rule, length=each.number)
                moves = "move" if kind == "moving" else "keep"
                other = policy_of(rule, policy_id=f"p{each.number}", valid_from=on, running_clocks=moves)
                history.adopt(other, moment.astimezone(LOCAL_ZONE).isoformat(" ", "seconds")[:19])


def _with_off(story: Story, day: date) -> CalendarYear:
    year = next(y for y in years_of(story.days) if y.year == day.year)
    known = {h.date for h in year.holidays} | {m.date for m in year.makeup_days}
    more = () if day in known else (DayOff(date=day, name="Nghỉ đột xuất"),)
    return msgspec.structs.replace(year, holidays=(*year.holidays, *more))
