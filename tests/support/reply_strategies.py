"""Random histories around written replies: conferences for several audiences, mergers, rules of every kind."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from shared.calendar import DayOff
from shared.events.conference import ConclusionAssignment
from shared.events.regulation import CalendarPublished, PolicyAdopted
from shared.identifiers import LOCAL_ZONE, derived_id
from shared.policy import Policy, read_policy
from tests.support.both_services import AGENCIES, DISTRICT, BothServices
from tests.support.history import seed_years

AUDIENCES = ("youth", "women", "")
ANCHORS = ("conference_end", "conference_end", "conclusion", "receipt", "acceptance", "assignment")
PETITIONS = tuple(derived_id("petition", n) for n in range(4))
CONFERENCES = tuple(derived_id("conference", n) for n in range(3))
HELD = (date(2019, 8, 23), date(2019, 8, 23), date(2019, 8, 27))

ACTS = (
    "assign", "reassign", "complex", "several_fields", "extend", "extend", "suspend", "resume", "reply", "merge",
    "merge", "merge", "reopen", "withdraw", "close", "accept", "conclude", "annul", "annul", "calendar", "policy", "correct",
)  # fmt: skip


class PlotStep(NamedTuple):
    """Something done to a petition: so many days after the act before, recorded so many days late."""

    kind: str
    gap: int
    late: int
    number: int
    days: int


ACT = st.builds(
    PlotStep,
    st.sampled_from(ACTS),
    st.integers(0, 5),
    st.sampled_from((0, 0, 0, 1, 4)),
    st.integers(0, 11),
    st.integers(-3, 25),
)


@st.composite
def policies(draw: st.DrawFn, valid_from: date, number: int) -> Policy:
    """A document with any rule on the reply, for everyone or for one audience; it may move running clocks."""
    anchor, length = draw(st.sampled_from(ANCHORS)), draw(st.integers(1, 30))
    parts = [f"duty: reply, form: deadline, length: {length}, counted_from: {anchor}"]
    if draw(st.booleans()):
        both = "{when: [complex, online], length: 20}"
        parts.append(f"variants: [{{when: [complex], length: 40}}, {{when: [online], length: 7}}, {both}]")
    if draw(st.booleans()):
        parts.append("extension: {times: 2, each: 10, told: [petitioner]}")
    if draw(st.booleans()):
        parts.append("pause: {told: [petitioner]}")
    audience = draw(st.sampled_from(AUDIENCES))
    return read_policy(
        f"policy_id: p{number}\ndocument: {{number: {number}/QĐ, issued_on: 2019-01-01}}\nvalid_from: {valid_from}\n"
        f"running_clocks: {draw(st.sampled_from(('keep', 'move')))}\n"
        + (f"audience: {audience}\n" if audience else "")
        + f"rules:\n  - {{{', '.join(parts)}}}\n"
    )


class Plot(NamedTuple):
    """What is to happen; intake says what of it does."""

    policies: list[Policy]
    later: list[Policy]
    audiences: list[str]
    online: list[bool]
    raised: list[list[bool]]
    closing: list[int]
    before: list[PlotStep]
    after: list[PlotStep]


@st.composite
def plots(draw: st.DrawFn) -> Plot:
    """Three conferences, two of them on one day, four petitions, and what is done before and after them."""
    flags = st.lists(st.booleans(), min_size=len(PETITIONS), max_size=len(PETITIONS))
    first = [draw(policies(date(2019, 1, 1), n)) for n in range(draw(st.integers(0, 3)))]
    return Plot(
        policies=first,
        later=[draw(policies(date(2019, 9, 2 + n), 10 + n)) for n in range(2)],
        audiences=[draw(st.sampled_from(AUDIENCES)) for _ in CONFERENCES],
        online=draw(flags),
        raised=[draw(flags) for _ in CONFERENCES],
        closing=draw(st.permutations(range(2))),
        before=draw(st.lists(ACT, max_size=6)),
        after=draw(st.lists(ACT, min_size=4, max_size=24)),
    )


def play(plot: Plot, both: BothServices, check: Callable[[], None]) -> None:
    """Let it happen in both services; `check` is called after whatever was recorded."""
    for policy in plot.policies:
        both.rule(PolicyAdopted(effective_on=both.today, jurisdiction=DISTRICT, policy=policy))
    for petition, online in zip(PETITIONS, plot.online, strict=True):
        both.do(
            petition,
            "PetitionReceived",
            jurisdiction=DISTRICT,
            petitioner_ids=(str(petition),),
            channel="online" if online else "",
        )
    for conference, day, audience in zip(CONFERENCES, HELD, plot.audiences, strict=True):
        plan = {"jurisdiction": DISTRICT, "kind": "periodic", "place": "x", "first_day": day, "last_day": day}
        both.do(conference, "ConferencePlanned", audience=audience, **plan)
    later = iter(plot.later)
    for act in plot.before:
        _act(both, act, later, check)
    for numbers in (plot.closing, [2]):
        _hold(both, numbers, plot, check)
    for act in plot.after:
        _act(both, act, later, check)


def _hold(both: BothServices, numbers: list[int], plot: Plot, check: Callable[[], None]) -> None:
    both.now = max(both.now, datetime.combine(HELD[numbers[0]], time(9), LOCAL_ZONE).astimezone(UTC))
    on = HELD[numbers[0]]
    for number in sorted(numbers):
        both.tried(CONFERENCES[number], "ConferenceOpened", on)
        for petition, is_raised in zip(PETITIONS, plot.raised[number], strict=True):
            if is_raised:
                both.tried(petition, "PetitionRaised", on, conference_id=CONFERENCES[number])
    for number in numbers:
        both.tried(CONFERENCES[number], "ConferenceClosed", on)
        check()


def _act(both: BothServices, act: PlotStep, later: Iterator[Policy], check: Callable[[], None]) -> None:
    both.now += timedelta(days=act.gap)
    petition, other = PETITIONS[act.number % 4], PETITIONS[act.number * 7 % 11 % 4]
    on = both.today - timedelta(days=act.late)
    if act.kind == "calendar":
        _publish(both, on + timedelta(days=act.days))
    elif act.kind == "policy":
        if (policy := next(later, None)) is not None:
            both.rule(PolicyAdopted(effective_on=both.today, jurisdiction=DISTRICT, policy=policy))
    elif act.kind == "conclude":
        _conclude(both, act, on)
    elif act.kind == "annul":
        target = petition if act.days % 3 else CONFERENCES[act.number % 3]
        recorded = both.facts[target]
        both.tried(target, "RecordAnnulled", event_id=recorded[-1 - act.number % min(4, len(recorded))].event_id)
    else:
        topic, fields = _command(both, act, on, other)
        both.tried(petition, topic, on, **fields)
    check()


def _command(both: BothServices, act: PlotStep, on: date, other: UUID) -> tuple[str, dict[str, Any]]:
    day, number = on + timedelta(days=act.days), f"{len(both.log)}/QĐ"
    match act.kind:
        case "assign" | "reassign":
            topic = "PetitionAssigned" if act.kind == "assign" else "PetitionReassigned"
            return topic, {"agency": AGENCIES[act.number % 3], "due_on": day if act.number % 2 else None}
        case "complex" | "several_fields":
            return "PetitionMarkedComplex", {"variant": act.kind, "decided_by": "chair", "criteria": ("x",)}
        case "extend":
            told = {"petitioner_told_on": on, "committee_told_on": on}
            return "ExtensionGranted", {"expected_on": day, **told}
        case "suspend":
            return "ClockSuspended", {"number": number, "petitioner_told_on": on}
        case "resume":
            return "ClockResumed", {"number": number}
        case "reply":
            answers = (str(other),) if act.number % 3 else ()
            return "WrittenReplyIssued", {"number": number, "signatory": "x", "digest": "d" * 64, "answers": answers}
        case "merge":
            return "PetitionMerged", {"into": other}
        case "reopen":
            return "PetitionReopened", {}
        case "correct":
            return "PetitionCorrected", {"received_on": min(HELD) - timedelta(days=60 + act.days)}
        case "withdraw":
            return "PetitionWithdrawn", {}
        case "close":
            return "PetitionClosed", {"ground": "x"}
        case _:
            return "AcceptanceNoticeSent", {"number": number}


def _conclude(both: BothServices, act: PlotStep, on: date) -> None:
    due_on = on + timedelta(days=act.days) if act.number % 2 else None
    chosen = [petition for n, petition in enumerate(PETITIONS) if act.number >> n & 1]
    lines = tuple(ConclusionAssignment(petition_id=each, agency=AGENCIES[0], due_on=due_on) for each in chosen)
    fields = {"number": "1/TB", "signatory": "x", "digest": "d" * 64}
    conference = CONFERENCES[act.number % 3]
    if not both.tried(conference, "ConclusionNoticeIssued", on, assignments=lines, **fields):
        both.tried(conference, "ConclusionNoticeIssued", on, **fields)


def _publish(both: BothServices, free: date) -> None:
    year = next(each for each in seed_years() if each.year == free.year)
    known = {each.date for each in (*year.holidays, *year.makeup_days)}
    holidays = year.holidays if free in known else (*year.holidays, DayOff(date=free, name="Nghỉ đột xuất"))
    both.rule(
        CalendarPublished(effective_on=both.today, year=free.year, holidays=holidays, makeup_days=year.makeup_days)
    )
