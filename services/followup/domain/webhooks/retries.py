"""When a delivery that failed is tried again, and when no more."""

from datetime import timedelta
from itertools import count

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0  # seconds
#: For so long an event may be tried before nothing is sent to its sink any more.
GIVE_UP_AFTER = timedelta(days=3)


def pause_after(failures: int, asked_for: float | None = None) -> float:
    """The seconds until the next attempt after some failures in a row; a sink may ask for more, up to an hour."""
    own = min(FIRST_PAUSE * (1 << min(failures - 1, 20)), LONGEST_PAUSE)
    return own if asked_for is None else min(max(asked_for, own), LONGEST_PAUSE)


def _failures_within(span: timedelta) -> int:
    """How many attempts have failed once the pauses between them have taken so long."""
    past = 0.0
    for failures in count(1):
        past += pause_after(failures)
        if past >= span.total_seconds():
            return failures + 1
    raise AssertionError("pauses grow")


#: So many failures in a row take that long. They are counted and not the days, in which nothing may have been tried.
GIVE_UP_AT = _failures_within(GIVE_UP_AFTER)
