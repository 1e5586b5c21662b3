"""The JSON answers of the HTTP API about cases, deadlines and sources, each made from a row."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from services.followup.adapters.read.case_listings import Bounded, CaseTotals
from services.followup.adapters.read.models import (
    Agency,
    Case,
    CaseFile,
    Deadline,
    Difference,
    ParkedEvent,
    Retraction,
    StoredEvent,
    Uncountable,
)
from services.followup.adapters.read.work import OwedWork, Work
from services.followup.domain.deadlines.case_rows import CaseRow, Span
from services.followup.domain.wording.day_counts import DayUnit
from services.followup.domain.wording.explanation import counted_days, letter, short_line
from services.followup.domain.wording.names import Bilingual, decision_words, duty_words, event_words
from shared.calendar import day_text
from shared.events.deadline import Explanation, Subject
from shared.identifiers import local_iso

#: The values of `Status`, as the OpenAPI document names them.
StatusName = Literal["on_track", "due_soon", "breached", "met", "met_late", "waived"]


class Day(msgspec.Struct, frozen=True):
    """A day of a count, and why it counted or did not."""

    date: date
    counted: bool
    reason: str
    words: Bilingual


class ExplanationView(msgspec.Struct, frozen=True, kw_only=True):
    """Why a due date is that day. `exceptions` are the days that were not plain working days, `each_day` all of them
    in the direction of the count (of a single deadline only); `text` is for a letter. Where `adopted` is false nobody
    adopted that document: the limit is the product's own, and no law to be cited."""

    rule: str
    policy_id: str
    document: str
    section: str
    counted_from: date | None
    days: int | None
    calendar_versions: tuple[str, ...]
    exceptions: list[Day]
    each_day: list[Day]
    due_on: date | None
    notes: tuple[str, ...]
    short: Bilingual
    text: Bilingual
    adopted: bool = True


class DeadlineView(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline: one duty, one due date, one outcome. `status` is how it stands on its source's day. `warned_on` lists
    the warnings that were given, in order, those for an earlier due date too; `warnings_planned` those of this one;
    `retracted` the breaches that were none, and why."""

    deadline_id: UUID
    source: str
    subject: Subject
    subject_id: UUID
    duty: str
    name: Bilingual
    part: str
    debtor: str
    jurisdiction: str
    status: StatusName
    due_on: date | None
    breached_at: Annotated[
        str | None,
        msgspec.Meta(
            description="The instant at which the deadline is breached if it is not met until then: the local midnight "
            "after `due_on`. It says nothing of whether it was breached; `breached` and `outcome` do."
        ),
    ]
    warned_on: tuple[date, ...]
    warnings_planned: tuple[date, ...]
    breached: bool
    outcome: str
    done_on: date | None
    ground: str
    expected_on: date | None
    provisional: bool
    backfilled: bool
    urged_on: date | None
    starting_event: UUID
    version: int
    explanation: ExplanationView | None
    retracted: list[Retraction] = []


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was recorded; `waits` says why it is not applied yet."""

    position: int
    event_id: UUID
    topic: str
    name: Bilingual
    recorded_at: datetime
    actor: str
    data: dict[str, Any]
    waits: str


class DeadlineFileView(DeadlineView, frozen=True, kw_only=True):
    """A deadline with the events that it raised."""

    events: list[EventView]


class Reference(msgspec.Struct, frozen=True):
    """What a pushing system calls the case."""

    source: str
    external_id: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case. `due_on` is the earliest open due date of all its duties, `reply_due_on` that of its reply."""

    subject_id: UUID
    subject: Subject
    source: str
    jurisdiction: str
    state: str
    unresolved: bool
    overdue: bool
    agency: str
    title: str
    field: str
    field_title: Bilingual
    urgency: str
    due_on: date | None
    reply_due_on: date | None
    received_on: date | None
    receipt_code: str
    conference_id: UUID | None
    merged_into: UUID | None
    reference: Reference | None
    spans: tuple[Span, ...]
    last_position: int


class CountView(msgspec.Struct, frozen=True, kw_only=True):
    """A count; with `more` there are more than `count`. `words` are for a page."""

    count: int
    more: bool
    words: Bilingual


class CaseTotalsView(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases the filters find, and how many each state would have if it were the one asked for."""

    total: CountView
    by_state: dict[str, CountView]


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """The case in a line of work."""

    subject: Subject
    subject_id: UUID
    title: str
    receipt_code: str
    jurisdiction: str
    agency: str


class OwedView(LineView, frozen=True, kw_only=True):
    """An open duty. `days` is how late it is where it is overdue, else how long it still has, in its own unit."""

    deadline_id: UUID
    duty: str
    name: Bilingual
    part: str
    debtor: str
    due_on: date | None
    days: int
    unit: DayUnit
    words: Bilingual


class UndecidedView(LineView, frozen=True, kw_only=True):
    """A petition that waits for a decision, or a dialogue that was asked for; this has no title."""

    received_on: date | None
    decision: Literal["classify", "schedule", "assign", "decide", "plan"]
    words: Bilingual


class OwedList(msgspec.Struct, frozen=True, kw_only=True):
    """The first of some duties, and how many there are."""

    items: list[OwedView]
    total: CountView


class UndecidedList(msgspec.Struct, frozen=True, kw_only=True):
    """The first of some petitions, and how many there are."""

    items: list[UndecidedView]
    total: CountView


class WorkView(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for somebody.

    `held_without` was to be prepared for a conference that was held without it: late, and nothing is left to prepare.
    `later` is what an agency owes beside; for others it is empty.
    """

    overdue: OwedList
    due_soon: OwedList
    later: list[OwedView] = []
    held_without: list[OwedView] = []
    undecided: UndecidedList


class CaseFileView(CaseView, frozen=True, kw_only=True):
    """Everything about one case."""

    waits: bool
    difference: str
    deadlines: list[DeadlineView]
    events: list[EventView]


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source is read, and whether it is followed. Its timers have fired up to `horizon`."""

    source: str
    epoch: str
    position: int
    event_id: UUID | None
    instant: datetime | None
    horizon: datetime | None
    complete_to: datetime | None
    head: int
    lag_events: int
    state: str
    reason: str


class Cases(msgspec.Struct, frozen=True):
    """A page of cases."""

    items: list[CaseView]


class Deadlines(msgspec.Struct, frozen=True):
    """A page of deadlines."""

    items: list[DeadlineView]


class Sources(msgspec.Struct, frozen=True):
    """Every source."""

    items: list[SourceView]


class Agencies(msgspec.Struct, frozen=True):
    """A page of agencies."""

    items: list[Agency]


class Parked(msgspec.Struct, frozen=True):
    """A page of events that wait."""

    items: list[ParkedEvent]


class UncountableDuties(msgspec.Struct, frozen=True):
    """Duties whose days cannot be counted until a calendar is published, or a document annulled or replaced."""

    items: list[Uncountable]


class Differences(msgspec.Struct, frozen=True):
    """A page of cases that raise nothing until they are reconciled."""

    items: list[Difference]


class Digest(msgspec.Struct, frozen=True):
    """The digest of the state, at `source epoch POSITION@INSTANT` each.

    `sweeping` names the calendars, policies and the like that have not reached every case yet, as `source POSITION`.
    """

    digest: str
    points: list[str]
    sweeping: list[str] = []


def case_fields(case: Case) -> dict[str, Any]:
    """The fields that every view of a case has."""
    row = case.row
    named = {name: getattr(row, name) for name in CaseView.__struct_fields__ if name in type(row).__struct_fields__}
    return {
        **named,
        "source": case.source,
        "due_on": case.due_on,
        "reply_due_on": row.due_on,
        "overdue": case.overdue,
        "field_title": case.field_title,
        "reference": Reference(row.source, row.external_id) if row.external_id else None,
    }


def case_view(case: Case) -> CaseView:
    """The view of a case in a list."""
    return CaseView(**case_fields(case))


def count_view(counted: Bounded) -> CountView:
    """The view of a count: `10.000+` in Vietnamese, `10,000+` in English."""
    written = f"{counted.count:,}{'+' if counted.more else ''}"
    return CountView(count=counted.count, more=counted.more, words=Bilingual(written.replace(",", "."), written))


def case_totals_view(totals: CaseTotals) -> CaseTotalsView:
    """The view of the counts of a list."""
    return CaseTotalsView(
        total=count_view(totals.total),
        by_state={state: count_view(counted) for state, counted in totals.by_state.items()},
    )


def work_view(work: Work) -> WorkView:
    """The view of what waits."""
    return WorkView(
        overdue=OwedList(items=[_owed_view(each) for each in work.overdue], total=count_view(work.overdue_total)),
        due_soon=OwedList(items=[_owed_view(each) for each in work.due_soon], total=count_view(work.due_soon_total)),
        later=[_owed_view(each) for each in work.later],
        held_without=[_owed_view(each) for each in work.held_without],
        undecided=UndecidedList(
            items=[
                UndecidedView(
                    **_line_fields(each.row),
                    received_on=each.row.received_on,
                    decision=each.decision.value,
                    words=decision_words(each.decision),
                )
                for each in work.undecided
            ],
            total=count_view(work.undecided_total),
        ),
    )


def _owed_view(owed: OwedWork) -> OwedView:
    raised, row = owed.raised, owed.row
    unknown = {"title": "", "receipt_code": "", "agency": raised.debtor}
    named = {name: getattr(raised, name) for name in ("subject", "subject_id", "jurisdiction")}
    return OwedView(
        **(_line_fields(row) if row is not None else {**named, **unknown}),
        deadline_id=raised.deadline_id,
        duty=raised.duty,
        name=duty_words(raised.explanation.rule if raised.explanation else raised.duty),
        part=raised.part,
        debtor=raised.debtor,
        due_on=raised.due_on,
        days=owed.days.days,
        unit=owed.days.unit,
        words=owed.days.words,
    )


def _line_fields(row: CaseRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in LineView.__struct_fields__}


def case_file_view(file: CaseFile) -> CaseFileView:
    """The view of a case with everything about it."""
    return CaseFileView(
        **case_fields(file.case),
        waits=any(event.waits for event in file.events),
        difference=file.difference,
        deadlines=[deadline_view(d, whole=True) for d in file.deadlines],
        events=[event_view(event) for event in file.events],
    )


def deadline_fields(deadline: Deadline, *, whole: bool) -> dict[str, Any]:
    """The fields that every view of a deadline has. `whole` lists each day of its count."""
    raised = deadline.raised
    own = {"name", "status", "breached_at", "warned_on", "warnings_planned", "urged_on", "explanation", "retracted"}
    named = {name: getattr(raised, name) for name in DeadlineView.__struct_fields__ if name not in own}
    rule = raised.explanation.rule if raised.explanation else raised.duty
    return {
        **named,
        "name": duty_words(rule),
        "status": deadline.status,
        "breached_at": local_iso(raised.breached_at) if raised.breached_at else None,
        "warned_on": deadline.warned_on,
        "warnings_planned": raised.stages,
        "urged_on": deadline.urged_on,
        "retracted": list(deadline.retracted),
        "explanation": explanation_view(raised.explanation, whole=whole) if raised.explanation else None,
    }


def deadline_view(deadline: Deadline, *, whole: bool = False) -> DeadlineView:
    """The view of a deadline in a list."""
    return DeadlineView(**deadline_fields(deadline, whole=whole))


def deadline_file_view(deadline: Deadline, events: list[StoredEvent]) -> DeadlineFileView:
    """The view of a deadline with its events."""
    return DeadlineFileView(**deadline_fields(deadline, whole=True), events=[event_view(event) for event in events])


def explanation_view(explanation: Explanation, *, whole: bool) -> ExplanationView:
    """The view of an explanation, as data and in words."""
    named = {
        name: getattr(explanation, name)
        for name in ExplanationView.__struct_fields__
        if name not in ("exceptions", "each_day", "short", "text")
    }
    return ExplanationView(
        **named,
        exceptions=[_day(d.date, d.counted, d.reason) for d in explanation.exceptions],
        each_day=[
            Day(d.date, d.number is not None, d.code, d.reason) for d in (counted_days(explanation) if whole else ())
        ],
        short=short_line(explanation),
        text=letter(explanation),
    )


def _day(day: date, counted: bool, reason: str) -> Day:
    return Day(day, counted, reason, Bilingual(day_text(reason, "vi"), day_text(reason, "en")))


class _Stored(msgspec.Struct):
    data: dict[str, Any] = {}
    meta: dict[str, Any] = {}


def event_view(event: StoredEvent) -> EventView:
    """The view of a recorded event. One whose bytes cannot be read is shown without its fields."""
    try:
        stored = msgspec.json.decode(event.state, type=_Stored)
    except msgspec.DecodeError:
        stored = _Stored()
    return EventView(
        position=event.position,
        event_id=event.event_id,
        topic=event.topic,
        name=event_words(event.topic),
        recorded_at=event.recorded_at,
        actor=str(stored.meta.get("actor", "")),
        data=stored.data,
        waits=event.waits,
    )
