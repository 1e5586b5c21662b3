"""How deadlines are counted, day by day, written from the words alone: the product is held against it.

The words: docs/reference/policies.md ("the page", with its heading), docs/reference/events.md ("events"), and the law:
Civil Code 2015 (BLDS), Law 02/2011 on complaints (LKN), Law 25/2018 on denunciations (LTC). No code of the product is
used, and nothing is clever: a day is looked at after the day before it.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

DAY = timedelta(days=1)
NONE: frozenset[date] = frozenset()


class Days(NamedTuple):
    """Days off, and days of a weekend on which work is done in exchange."""

    off: frozenset[date]
    worked: frozenset[date]

    def is_working(self, day: date) -> bool:
        """Monday to Friday less public holidays, plus make-up days (glossary, *working day*)."""
        return day in self.worked or (day.weekday() < 5 and day not in self.off)


class Limit(NamedTuple):
    """What a document says of one duty (the page, *A rule*). A variant: when, its number, whether that is in total."""

    length: int
    unit: str = "working_days"
    backward: bool = False
    included: bool = False
    roll: str = "stay"
    variants: tuple[tuple[frozenset[str], int, bool], ...] = ()
    extension: dict[str, Any] | None = None
    pausable: bool = False

    def chosen(self, traits: set[str]) -> tuple[int, int | None]:
        """The number for a case with these traits, and the total that no extension lifts, if it is one.

        The page, *variants*: every trait in `when`; the one that asks for most, and of those one for `very_complex`.
        """
        best: tuple[frozenset[str], int, bool] | None = None
        for each in self.variants:
            if not each[0] <= traits:
                continue
            if best is None or (len(each[0]), "very_complex" in each[0]) > (len(best[0]), "very_complex" in best[0]):
                best = each
        if best is None:
            return self.length, None
        return best[1], best[1] if best[2] else None


def whole_days(limit: Limit, length: int) -> int:
    """Hours are counted to the end of the day in which they end (the page, *deadline*)."""
    days = 0
    if limit.unit != "hours":
        return length
    while days * 24 < length:
        days += 1
    return days


def counts(limit: Limit, day: date, days: Days, left_out: frozenset[date] = NONE) -> bool:
    """Whether a day is one of those that are counted: the time of a suspension is not (the page, *pause*)."""
    return day not in left_out and (limit.unit != "working_days" or days.is_working(day))


def walked(
    limit: Limit, start: date, length: int, days: Days, left_out: frozenset[date] = NONE, included: bool = False
) -> date:
    """The day on which the last of so many days is counted; the first is that after `start`, or `start` itself.

    BLDS art. 147 (2): the day of the event is not counted. A count of nothing ends on the day on which it starts, or
    where that day is left out, on the first that is not.
    """
    step = -DAY if limit.backward else DAY
    wanted = whole_days(limit, length)
    day = start
    if wanted == 0:
        while day in left_out:
            day += step
        return day
    if not included:
        day += step
    found = 0
    while True:
        if counts(limit, day, days, left_out):
            found += 1
        if found == wanted:
            return day
        day += step


def unrolled(limit: Limit, start: date, length: int, days: Days, left_out: frozenset[date] = NONE) -> date:
    """Where the limit ends before it rolls; `first_day` says whether the day of the event counts."""
    return walked(limit, start, length, days, left_out, limit.included)


def rolled(limit: Limit, end: date, days: Days, left_out: frozenset[date] = NONE) -> date:
    """Where an end on a rest day goes (the page, *roll*; BLDS art. 148 (5)); never to a day that is left out."""
    if limit.roll == "stay":
        return end
    step = DAY if limit.roll == "next_working_day" else -DAY
    while not days.is_working(end) or end in left_out:
        end += step
    return end


def due(limit: Limit, start: date, length: int, days: Days) -> date:
    """The last day of a limit of so much from `start`."""
    return rolled(limit, unrolled(limit, start, length, days), days)


@dataclass
class _Fact:
    """A day that somebody set: more time, an earlier date, the date of a case that was merged into this one."""

    kind: str
    on: date
    day: date


@dataclass
class ReferenceClock:
    """A clock and what people do to it. What counted is kept, and the due date is counted anew from all of that."""

    limit: Limit
    start: date
    days: Days
    traits: set[str] = field(default_factory=set)
    expected: date | None = None
    facts: list[_Fact] = field(default_factory=list)
    left_out: frozenset[date] = NONE
    suspended_on: date | None = None

    @property
    def due(self) -> date | None:
        """The last day; none while the clock stands still.

        The limit by its traits (*variants*), then each extension (*extension*). A date of the chair's own wins where it
        is earlier, until more time is given; it is a date and not a count, and does not roll.
        """
        if self.suspended_on is not None:
            return None
        length, most = self.limit.chosen(self.traits)
        end = unrolled(self.limit, self.start, length, self.days, self.left_out)
        earlier: date | None = None
        given = 0
        for fact in self.facts:
            if fact.kind == "earlier":
                earlier = fact.day if earlier is None else min(earlier, fact.day)
                continue
            terms = self.limit.extension or {}
            if terms.get("times") is not None and given >= terms["times"]:
                continue  # "how often"
            later = self._allowed(end, fact.day, most)
            if self._rolled(later) > self._rolled(end):
                end = later
                given += 1
            if earlier is not None:
                earlier = max(earlier, self._rolled(fact.day))
        last = self._rolled(end)
        return last if earlier is None else min(last, earlier)

    def _allowed(self, end: date, wanted: date, most: int | None) -> date:
        """The date that was given, or the last that the document allows.

        "How much `each` time or `in_total` from the start, in the rule's unit; counted on from the end `rolled` or
        `unrolled`" (*extension*); "a cap `in_total` that no extension lifts" (*variants*; LKN art. 28, 37).
        """
        terms = self.limit.extension or {}
        ends = [wanted]
        if terms.get("each") is not None:
            base = end if terms.get("counted_from") == "unrolled" else self._rolled(end)
            ends.append(walked(self.limit, base, terms["each"], self.days, self.left_out))
        for total in (terms.get("in_total"), most):
            if total is not None:
                ends.append(unrolled(self.limit, self.start, total, self.days, self.left_out))
        return min(ends)

    def _rolled(self, end: date) -> date:
        return rolled(self.limit, end, self.days, self.left_out)

    def _in_time(self, day: date) -> bool:
        """What is done on or before the due date counts; a clock that stands still has not run out."""
        last = self.due
        return last is None or day <= last

    def mark(self, on: date, trait: str) -> None:
        """*Complex*, or another trait, counts if it is decided on or before the due date of that moment."""
        if self._in_time(on):
            self.traits.add(trait)

    def extend(self, on: date, told: date, day: date) -> None:
        """More time, for those who are told in time; told late, the new date is only expected.

        "Without this word nothing is extended" (*extension*).
        """
        if self.limit.extension is None:
            return
        if self._in_time(told):
            self.facts.append(_Fact("more", on, day))
            self.expected = None
        else:
            self.expected = day

    def cap(self, on: date, day: date) -> None:
        """The chair's own date, which wins where it is earlier."""
        self.facts.append(_Fact("earlier", on, day))

    def inherit(self, on: date, day: date) -> None:
        """The due date of a case that was merged into this one: the earliest of them holds, passed or not."""
        self.facts.append(_Fact("earlier", on, day))

    def suspend(self, on: date) -> None:
        """The clock stands still from this day on (events, *ClockSuspended*), if it had not run out before."""
        if self.limit.pausable and self.suspended_on is None and self._in_time(on):
            self.suspended_on = on

    def resume(self, on: date) -> None:
        """The clock runs again from this day on; the time between does not count (events, *ClockResumed*)."""
        if self.suspended_on is None:
            return
        for fact in self.facts:
            fact.day = self._after_the_break(fact, on)
        day = self.suspended_on
        while day < on:
            self.left_out |= {day}
            day += DAY
        self.suspended_on = None

    def _after_the_break(self, fact: _Fact, resumed: date) -> date:
        """As many days as were left when the clock stopped (or the date was set) are left when it runs again."""
        assert self.suspended_on is not None
        day = max(self.suspended_on, fact.on)
        if fact.day < day:
            return fact.day
        left = 0
        while day <= fact.day:
            left += counts(self.limit, day, self.days)
            day += DAY
        day = resumed - DAY
        while left > 0:
            day += DAY
            left -= counts(self.limit, day, self.days)
        return max(day, resumed)
