"""The counting written a second time, as naively as can be: day by day over sets of dates, no code of the product.

It is slow and has no explanations; it says only which day. What the rules mean is written here as the documents say it.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

ONE = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """The days off beside weekends, and the weekend days that are worked."""

    off: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        if day in self.worked:
            return True
        return day.weekday() < 5 and day not in self.off


@dataclass(frozen=True)
class Limit:
    """One rule as plain values; `variants` are (traits, length, is a total)."""

    length: int
    unit: str = "working_days"
    backward: bool = False
    included: bool = False
    roll: str = "stay"
    variants: tuple[tuple[frozenset[str], int, bool], ...] = ()
    extension: dict[str, object] | None = None
    pausable: bool = False

    def chosen(self, traits: set[str]) -> tuple[int, bool]:
        """The length for a case with these traits, and whether it is a total that nothing lifts."""
        best: tuple[int, int, bool] | None = None
        for when, length, is_total in self.variants:
            if when <= traits and (best is None or len(when) > best[0]):
                best = (len(when), length, is_total)
        return (best[1], best[2]) if best else (self.length, False)


def whole_days(unit: str, length: int) -> int:
    """Hours become days by filling them up."""
    if unit != "hours":
        return length
    days = 0
    while days * 24 < length:
        days += 1
    return days


def countable(unit: str, day: date, days: Days) -> bool:
    return unit != "working_days" or days.is_working(day)


def unrolled(limit: Limit, start: date, length: int, days: Days, paused: frozenset[date] = frozenset()) -> date:
    """Walk from the start, one day after another, until enough days have counted."""
    left = whole_days(limit.unit, length)
    step = -ONE if limit.backward else ONE
    day = start
    if limit.included and left > 0:
        day = start - step
    while left > 0:
        day = day + step
        if day in paused:
            continue
        if countable(limit.unit, day, days):
            left = left - 1
    return day


def rolled(limit: Limit, day: date, days: Days) -> date:
    while limit.roll != "stay" and not days.is_working(day):
        day = day + ONE if limit.roll == "next_working_day" else day - ONE
    return day


def due(limit: Limit, start: date, length: int, days: Days, paused: frozenset[date] = frozenset()) -> date:
    """The last day of a limit."""
    return rolled(limit, unrolled(limit, start, length, days, paused), days)


@dataclass
class ReferenceClock:
    """A clock that is told what happened to it, day after day."""

    limit: Limit
    start: date
    days: Days
    traits: set[str] = field(default_factory=set)
    paused: frozenset[date] = frozenset()
    suspended: date | None = None
    extended: date | None = None
    extensions: int = 0
    chair: list[date] = field(default_factory=list)
    expected: date | None = None

    def __post_init__(self) -> None:
        self.stands = self.own()

    def own(self) -> date:
        """What the rule alone gives."""
        return due(self.limit, self.start, self.limit.chosen(self.traits)[0], self.days, self.paused)

    @property
    def due(self) -> date | None:
        return None if self.suspended else self.stands

    def open_on(self, day: date) -> bool:
        return self.suspended is not None or day <= self.stands

    def mark(self, on: date, trait: str) -> None:
        if not self.open_on(on):
            return
        before = self.limit.chosen(self.traits)
        known = {when for when, _, _ in self.limit.variants if when <= self.traits}
        self.traits = self.traits | {trait}
        now = {when for when, _, _ in self.limit.variants if when <= self.traits}
        if known == now and before == self.limit.chosen(self.traits):
            return
        earliest = min([self.own(), *self.chair])
        self.stands = earliest if self.extended is None or self.extended < earliest else self.extended

    def extend(self, told: date, to: date) -> None:
        words = self.limit.extension
        if words is None or not self.open_on(told) or self.extensions == words.get("times"):
            self.expected = to
            return
        self.extensions += 1
        longest = [to]
        if words.get("each") is not None:
            end = self.stands
            if words["counted_from"] == "unrolled" and self.stands == self.own():
                length = self.limit.chosen(self.traits)[0]
                end = unrolled(self.limit, self.start, length, self.days, self.paused)
            excluded = Limit(self.limit.length, self.limit.unit, roll=self.limit.roll)
            longest.append(due(excluded, end, int(str(words["each"])), self.days))
        length, is_total = self.limit.chosen(self.traits)
        for total in (words.get("in_total"), length if is_total else None):
            if total is not None:
                longest.append(due(self.limit, self.start, int(str(total)), self.days, self.paused))
        self.stands = self.extended = max(self.stands, min(longest))

    def cap(self, day: date) -> None:
        self.chair.append(day)
        self.stands = min(self.stands, day)

    def suspend(self, on: date) -> None:
        if self.limit.pausable and self.suspended is None and self.open_on(on):
            self.suspended = on

    def resume(self, on: date) -> None:
        if self.suspended is None:
            return
        own = self.stands == self.own()
        since, day = self.suspended, self.suspended
        left_out = []
        while day < on:
            left_out.append(day)
            day = day + ONE
        self.suspended = None
        lost = sum(countable(self.limit.unit, each, self.days) for each in left_out)
        self.paused = self.paused | frozenset(left_out)
        self.chair = [self.shifted(each, since, lost) for each in self.chair]
        self.extended = self.shifted(self.extended, since, lost) if self.extended else None
        self.stands = self.own() if own else self.shifted(self.stands, since, lost)

    def shifted(self, day: date, since: date, lost: int) -> date:
        """A date that somebody set moves on by the days that were left out, if it had not passed before."""
        if day < since:
            return day
        while lost > 0:
            day = day + ONE
            if countable(self.limit.unit, day, self.days):
                lost = lost - 1
        return day
