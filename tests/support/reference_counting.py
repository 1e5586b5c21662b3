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
    """Where an end on a rest day goes (the page, *roll*; BLDS art. 148 (5)).

    Time that is left out is neither a day to end on nor to be gone back over: then the end is the day on which the
    clock runs again (*pause*).
    """
    if limit.roll == "next_working_day":
        while not days.is_working(end) or end in left_out:
            end += DAY
    if limit.roll == "previous_working_day":
        while not days.is_working(end) and end - DAY not in left_out:
            end -= DAY
    return end


def due(limit: Limit, start: date, length: int, days: Days) -> date:
    """The last day of a limit of so much from `start`."""
    return rolled(limit, unrolled(limit, start, length, days), days)


@dataclass
class ReferenceClock:
    """A clock, and what people do to it in the order of its days."""

    limit: Limit
    start: date
    days: Days
    traits: set[str] = field(default_factory=set)
    #: An extension without effect leaves its date as one on which the duty is only expected.
    expected: date | None = None
    #: Where the time that was given ends, before it rolls.
    given: date | None = None
    times_given: int = 0
    #: The earliest date of the chair's, or of a case that was merged into this one.
    earlier: date | None = None
    left_out: frozenset[date] = NONE
    suspended_on: date | None = None

    @property
    def due(self) -> date | None:
        """The last day; none while the clock stands still."""
        return self._last() if self.suspended_on is None else None

    def _last(self) -> date:
        """The end of the limit or of the time that was given, whichever is later; or an earlier date that was set.

        Such a date is a date and not a count, and does not roll.
        """
        last = self._rolled(self._own_end())
        if self.given is not None:
            last = max(last, self._rolled(self.given))
        return last if self.earlier is None else min(last, self.earlier)

    def _own_end(self) -> date:
        length, _ = self.limit.chosen(self.traits)
        return self._from_start(length)

    def _from_start(self, length: int) -> date:
        return unrolled(self.limit, self.start, length, self.days, self.left_out)

    def _rolled(self, end: date) -> date:
        return rolled(self.limit, end, self.days, self.left_out)

    def _end_that_stands(self) -> date:
        """The end from which further time is counted on: `rolled` or `unrolled` (the page, *extension*)."""
        last = self._last()
        if self.limit.extension is None or self.limit.extension["counted_from"] == "rolled":
            return last
        if last == self._rolled(self._own_end()):
            return self._own_end()
        if self.given is not None and last == self._rolled(self.given):
            return self.given
        return last

    def _in_time(self, day: date) -> bool:
        """What is done on or before the due date counts; a clock that stands still has not run out."""
        return self.suspended_on is not None or day <= self._last()

    def mark(self, on: date, trait: str) -> None:
        """*Complex*, or another trait, counts if it is decided on or before the due date of that moment.

        Time that was given before stands, up to a cap `in_total` "that no extension lifts" (*variants*; LKN art. 28).
        """
        if not self._in_time(on):
            return
        self.traits.add(trait)
        _, most = self.limit.chosen(self.traits)
        if most is not None and self.given is not None:
            self.given = min(self.given, self._from_start(most))

    def extend(self, told: date, day: date) -> None:
        """More time, for those who are told in time (*extension*). Every one that counts is one of the `times`.

        A date beyond what is allowed is cut down to that. It takes the place of an earlier date that was set before.
        """
        terms = self.limit.extension
        if terms is None or not self._in_time(told) or self.times_given == terms["times"]:
            self.expected = day
            return
        allowed = [day]
        if terms["each"] is not None:
            allowed.append(walked(self.limit, self._end_that_stands(), terms["each"], self.days, self.left_out))
        _, most = self.limit.chosen(self.traits)
        allowed += [self._from_start(total) for total in (terms["in_total"], most) if total is not None]
        end = min(allowed)
        self.times_given += 1
        self.expected = None
        self.given = end if self.given is None else max(end, self.given)
        if self.earlier is not None:
            self.earlier = max(self.earlier, self._rolled(end))

    def cap(self, day: date) -> None:
        """The chair's own date, which wins where it is earlier."""
        self.earlier = day if self.earlier is None else min(day, self.earlier)

    def inherit(self, day: date) -> None:
        """The due date of a case that was merged into this one: the earliest of them holds, passed or not."""
        self.cap(day)

    def suspend(self, on: date) -> None:
        """The clock stands still from this day on (events, *ClockSuspended*), if it had not run out before."""
        if self.limit.pausable and self.suspended_on is None and self._in_time(on):
            self.suspended_on = on

    def resume(self, on: date) -> None:
        """The clock runs again from this day on; the time between does not count (events, *ClockResumed*)."""
        if self.suspended_on is None:
            return
        self.given = self._after_the_break(self.given, on)
        self.earlier = self._after_the_break(self.earlier, on)
        day = self.suspended_on
        while day < on:
            self.left_out |= {day}
            day += DAY
        self.suspended_on = None

    def _after_the_break(self, end: date | None, resumed: date) -> date | None:
        """As many days as were left when the clock stopped are left when it runs again."""
        assert self.suspended_on is not None
        day = self.suspended_on
        if end is None or end < day:
            return end
        left = 0
        while day <= end:
            left += counts(self.limit, day, self.days)
            day += DAY
        day = resumed - DAY
        while left > 0:
            day += DAY
            left -= counts(self.limit, day, self.days)
        return max(day, resumed)
