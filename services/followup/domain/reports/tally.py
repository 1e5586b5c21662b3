"""Counts the figures of a report: what was to be done in a period and what became of it. Pure.

Events are judged by the days on which they took effect, as known now. What is still open is judged on the morning after
the period, or today while the period lasts. docs/reference/reports.md defines each figure.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from services.followup.domain.cases import fold_petition
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.causes import Reason
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.duty import DutyOutcome
from services.followup.domain.facts import Fact
from services.followup.domain.reports.figures import CaseCounts, DeadlineCounts
from services.followup.domain.reports.periods import Period
from services.followup.domain.reports.rounds import HandlingRound, rounds_of
from services.followup.domain.wording.catalogue_words import entry_words, field_entries
from services.followup.domain.wording.names import Bilingual
from shared.calendar import Calendar, CalendarMissing
from shared.cases.catalogues import CatalogueLog
from shared.events import Metadata
from shared.events.deadline import DeadlineBreached, DeadlineBreachRetracted, DeadlineEvent, Subject
from shared.identifiers import local_day
from shared.policy import Note, NoteKind, recorded_note

Grouping = Literal["agency", "field", "place"]
GROUPINGS: tuple[Grouping, ...] = ("agency", "field", "place")
#: How an open round stands at the end.
Standing = Literal["not_yet_due", "overdue", "awaiting_result", "no_clock"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One petition in the list of a report, with how it ended in the period or stands at its end."""

    row: CaseRow
    begun: date
    ended: date | None
    standing: str
    due_on: date | None


class DeadlineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One deadline in the list of a report, or one breach that was raised or retracted, `on` the day of that."""

    subject: Subject
    subject_id: UUID
    debtor: str
    duty: str
    part: str
    due_on: date | None
    on: date | None


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What a report lists: the petitions or deadlines of a figure, in one line of a table or, without one, in all.

    `by` is the table of petitions, `key` its line; of deadlines `key` is the debtor and `rule` the duty, "" for any.
    """

    of: Literal["petitions", "deadlines"] = "petitions"
    figure: str = "total"
    by: Grouping | None = None
    key: str = ""
    rule: str = ""

    def is_petition(self, figures: Collection[str], keys: Mapping[Grouping, str]) -> bool:
        """Whether a petition is listed."""
        is_in_line = self.by is None or keys[self.by] == self.key
        return self.of == "petitions" and self.figure in figures and is_in_line

    def is_deadline(self, figures: Collection[str], debtor: str, duty: str) -> bool:
        """Whether a deadline is listed."""
        is_in_line = self.key in ("", debtor) and self.rule in ("", duty)
        return self.of == "deadlines" and self.figure in figures and is_in_line


ALL_PETITIONS = Chosen()


class RaisedEvent(msgspec.Struct, frozen=True):
    """A deadline event of the period with its metadata."""

    event: DeadlineEvent
    meta: Metadata


class Tally:
    """Counts one source after another, with its calendar and its day. `agency` narrows; "" counts every body."""

    def __init__(self, period: Period, agency: str = "", *, listed: int = 0, chosen: Chosen = ALL_PETITIONS) -> None:
        """`listed` is how many of what is chosen are kept for the list."""
        self.period, self.agency = period, agency
        self.cases: dict[Grouping, dict[str, CaseCounts]] = {grouping: {} for grouping in GROUPINGS}
        self.deadlines: dict[tuple[str, str], DeadlineCounts] = {}
        self.lags: dict[str, Counter[int]] = {}
        self.backfilled = 0
        self.entries: list[Entry] = []
        self.deadline_entries: list[DeadlineEntry] = []
        self.unlisted = 0
        self._listed, self._chosen = listed, chosen
        self._calendar = Calendar()
        self._shared: Mapping[UUID, date] = {}
        self._field_of = field_entries(CatalogueLog({}))
        #: What the fields are called of which a catalogue has the code.
        self.field_titles: dict[str, Bilingual] = {}
        self._seen_on = period.last

    def begin(self, today: date, calendar: Calendar, shared: Sequence[Fact], catalogues: CatalogueLog) -> None:
        """Begin a source with its day, its calendar, its regulation and conference events, and its catalogues."""
        self._field_of = field_entries(catalogues)
        self._seen_on = seen_on(self.period, today)
        self._calendar = calendar
        self._shared = {f.event_id: f.on for f in shared}

    def add_petition(self, row: CaseRow, facts: Sequence[Fact], raised: Sequence[DeadlineState]) -> None:
        """Count a petition, its deadlines, and how late its events were recorded."""
        row = self._coded(row)
        case = fold_petition(row.subject_id, facts)
        days = {f.event_id: f.on for f in facts}
        if self.agency in ("", row.agency):
            for round_ in rounds_of(case, raised) if case is not None else ():
                if round_.begun <= self.period.last and (round_.ended is None or round_.ended >= self.period.first):
                    self._add_round(row, round_, days)
            self.add_recording(facts)
        self.add_deadlines(raised, days)

    def add_deadlines(self, raised: Iterable[DeadlineState], own: Mapping[UUID, date] = {}) -> None:
        """Count deadlines. `own` has the days of the events that may have started them, besides the shared ones."""
        for each in raised:
            if self.agency in ("", each.debtor):
                self._add_deadline(each, own)

    def add_recording(self, facts: Iterable[Fact]) -> None:
        """Count the days from an event to its recording, for what was recorded in the period."""
        for fact in facts:
            recorded_on = local_day(fact.recorded_at)
            if not self.period.holds(recorded_on):
                continue
            if fact.meta.backfilled:
                self.backfilled += 1
            else:
                self.lags.setdefault(fact.topic, Counter())[(recorded_on - fact.on).days] += 1

    def add_events(self, events: Iterable[RaisedEvent]) -> None:
        """Count the breaches and retractions raised in the period."""
        for each in events:
            event = each.event
            figure = _raised_figure(each)
            if figure and self.agency in ("", event.debtor) and self.period.holds(local_day(event.at)):
                counts = self._deadline_counts(event.debtor, event.duty)
                setattr(counts, figure, getattr(counts, figure) + 1)
                self._list_deadline([figure], event, local_day(event.at))

    def _coded(self, row: CaseRow) -> CaseRow:
        """The row with the code that its field means as known now: old texts are counted with their code."""
        entry = self._field_of(row.jurisdiction, row.field)
        if entry is None:
            return row
        self.field_titles[entry.code] = entry_words(entry)
        return msgspec.structs.replace(row, field=entry.code)

    # --- one round -----------------------------------------------------------------------------------------------

    def _add_round(self, row: CaseRow, round_: HandlingRound, own: Mapping[UUID, date]) -> None:
        period, clocks = self.period, [c for c in round_.clocks if self._begun(c, own) <= self.period.last]
        ended = round_.ended if round_.ended is not None and round_.ended <= period.last else None
        standing = "" if ended else self._standing(round_, clocks)
        extended = {recorded_note(Note(NoteKind.EXTENDED, to)) for on, to in round_.extensions if on <= period.last}
        figures = [
            "total",
            "carried_over" if round_.begun < period.first else "received",
            "handled" if ended else "carried_forward",
            standing or {"replied": "replied", "answered": "answered"}.get(round_.how, "otherwise"),
            "reopened" if round_.reopened and period.holds(round_.begun) else "",
            "complex" if round_.complex_on is not None and round_.complex_on <= period.last else "",
            "extended" if any(extended.intersection(c.explanation.notes) for c in clocks if c.explanation) else "",
            "escalated" if round_.escalated_on is not None and round_.escalated_on <= period.last else "",
        ]
        keys: dict[Grouping, str] = {"agency": row.agency, "field": row.field, "place": row.jurisdiction}
        for grouping, key in keys.items():
            counts = self.cases[grouping].setdefault(key, CaseCounts())
            for figure in filter(None, figures):
                setattr(counts, figure, getattr(counts, figure) + 1)
        if not self._chosen.is_petition(figures, keys):
            return
        if len(self.entries) < self._listed:
            due_on = max((c.due_on for c in clocks if c.due_on is not None), default=None)
            self.entries.append(
                Entry(row=row, begun=round_.begun, ended=ended, standing=standing or round_.how, due_on=due_on)
            )
        else:
            self.unlisted += 1

    def _standing(self, round_: HandlingRound, clocks: Sequence[DeadlineState]) -> Standing:
        still_open = [c for c in clocks if not self._is_done(c)]
        if any(c.due_on is not None and c.due_on < self._seen_on for c in still_open):
            return "overdue"
        if still_open:
            return "not_yet_due"
        replied = round_.replied_on is not None and round_.replied_on <= self.period.last
        return "awaiting_result" if replied else "no_clock"

    # --- one deadline --------------------------------------------------------------------------------------------

    def _add_deadline(self, raised: DeadlineState, own: Mapping[UUID, date]) -> None:
        if not raised.is_open and raised.done_on is None:
            return  # the record that started it was annulled: it was never owed
        begun, period = self._begun(raised, own), self.period
        if begun > period.last or (raised.done_on is not None and raised.done_on < period.first):
            return
        counts = self._deadline_counts(raised.debtor, raised.duty)
        counts.total += 1
        begun_figure, figure = "carried_over" if begun < period.first else "begun", self._figure(raised)
        for each in (begun_figure, figure):
            setattr(counts, each, getattr(counts, each) + 1)
        self._list_deadline(["total", begun_figure, figure], raised, raised.done_on if self._is_done(raised) else None)
        if raised.duty == "reply" and figure in ("met", "met_late", "done_undated"):
            self._add_days(counts, raised)

    def _list_deadline(self, figures: Collection[str], one: DeadlineState | DeadlineEvent, on: date | None) -> None:
        if not self._chosen.is_deadline(figures, one.debtor, one.duty):
            return
        if len(self.deadline_entries) == self._listed:
            self.unlisted += 1
            return
        self.deadline_entries.append(
            DeadlineEntry(
                subject=one.subject,
                subject_id=one.subject_id,
                debtor=one.debtor,
                duty=one.duty,
                part=one.part,
                due_on=one.due_on,
                on=on,
            )
        )

    def _begun(self, raised: DeadlineState, own: Mapping[UUID, date]) -> date:
        start, raised_on = raised.starting_event, _recorded_on(raised.deadline_id)
        # A deadline that was inherited may find a start of its own later: it was owed before that.
        begun = min(own.get(start) or self._shared.get(start) or raised_on, raised_on)
        if raised.subject == "jurisdiction" and raised.explanation and raised.explanation.counted_from:
            begun = raised.explanation.counted_from  # one adoption opens every period
        return min(begun, raised.done_on or begun)

    def _is_done(self, raised: DeadlineState) -> bool:
        return not raised.is_open and raised.done_on is not None and raised.done_on <= self.period.last

    def _figure(self, raised: DeadlineState) -> str:
        if self._is_done(raised):
            if raised.due_on is None and raised.outcome != DutyOutcome.WAIVED:
                return "done_undated"  # what has no date is neither in time nor late
            late = raised.due_on is not None and raised.done_on is not None and raised.done_on > raised.due_on
            return "waived_late" if raised.outcome == DutyOutcome.WAIVED and late else raised.outcome
        if raised.due_on is not None and raised.due_on < self._seen_on:
            return "overdue"
        return "due_soon" if raised.stages and min(raised.stages) <= self._seen_on else "on_track"

    def _add_days(self, counts: DeadlineCounts, raised: DeadlineState) -> None:
        start = raised.explanation.counted_from if raised.explanation else None
        if start is None or raised.done_on is None:
            return
        try:
            days = self._calendar.working_days_between(start, raised.done_on)
        except CalendarMissing:
            return
        counts.days[days] = counts.days.get(days, 0) + 1

    def _deadline_counts(self, debtor: str, duty: str) -> DeadlineCounts:
        return self.deadlines.setdefault((debtor, duty), DeadlineCounts())


def _raised_figure(each: RaisedEvent) -> str:
    match each.event:
        case DeadlineBreached():
            return "backfilled_breaches" if each.meta.backfilled else "breaches"
        case DeadlineBreachRetracted(reason=reason):
            return "retracted_backdated" if reason == Reason.BACKDATED_RECORD else "retracted_otherwise"
        case _:
            return ""


def _recorded_on(deadline_id: UUID) -> date:
    """The day on which the event that started a deadline was recorded, taken from the milliseconds in its id."""
    return local_day(datetime.fromtimestamp((deadline_id.int >> 80) / 1000, UTC))


def seen_on(period: Period, today: date) -> date:
    """The day on whose morning open cases are judged: the day after the period, or today while it lasts."""
    return min(period.last + timedelta(days=1), today)
