"""The figures that a report counts, what must add up among them, and percentiles of days. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec


class CaseCounts(msgspec.Struct):
    """Petitions to be handled in the period; a reopened one counts again for its new round."""

    total: int = 0
    carried_over: int = 0
    received: int = 0
    handled: int = 0
    replied: int = 0
    answered: int = 0
    otherwise: int = 0
    carried_forward: int = 0
    not_yet_due: int = 0
    overdue: int = 0
    awaiting_result: int = 0
    no_clock: int = 0
    reopened: int = 0
    complex: int = 0
    extended: int = 0
    escalated: int = 0


class DeadlineCounts(msgspec.Struct):
    """Deadlines to be kept in the period, and what was raised on them in it; `days` are the working days of replies."""

    total: int = 0
    carried_over: int = 0
    begun: int = 0
    met: int = 0
    met_late: int = 0
    done_undated: int = 0
    waived: int = 0
    waived_late: int = 0
    on_track: int = 0
    due_soon: int = 0
    overdue: int = 0
    breaches: int = 0
    backfilled_breaches: int = 0
    retracted_backdated: int = 0
    retracted_otherwise: int = 0
    days: dict[int, int] = {}

    @property
    def on_time_rate(self) -> float | None:
        """The percentage done in time of all that should be done by now. What is overdue counts as not done."""
        due = sum(getattr(self, figure) for figure in DUE)
        return round(100 * self.met / due, 1) if due else None


C = TypeVar("C", CaseCounts, DeadlineCounts)

#: What should have been done by now: the on-time rate is the first of all these.
DUE = ("met", "met_late", "waived_late", "overdue")
#: What must add up in every line: a figure and those that it is the sum of.
CASE_SUMS = (
    ("total", ("carried_over", "received")),
    ("total", ("handled", "carried_forward")),
    ("handled", ("replied", "answered", "otherwise")),
    ("carried_forward", ("not_yet_due", "overdue", "awaiting_result", "no_clock")),
)
DEADLINE_SUMS = (
    ("total", ("carried_over", "begun")),
    ("total", ("met", "met_late", "done_undated", "waived", "waived_late", "on_track", "due_soon", "overdue")),
)


def total(lines: Iterable[C], kind: type[C]) -> C:
    """The sum of some lines."""
    found = kind()
    for line in lines:
        for name in kind.__struct_fields__:
            value = getattr(line, name)
            if isinstance(value, dict):
                merged = Counter(getattr(found, name))
                merged.update(value)
                setattr(found, name, dict(merged))
            else:
                setattr(found, name, getattr(found, name) + value)
    return found


def percentile(days: Mapping[int, int], percent: int) -> int | None:
    """The smallest number that at least `percent` of all do not exceed (nearest rank), or None without numbers."""
    rank = -(-sum(days.values()) * percent // 100)
    for number in sorted(days):
        rank -= days[number]
        if rank <= 0:
            return number
    return None
