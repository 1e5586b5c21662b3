"""When a delivery that failed is tried again, and when no more."""

from datetime import timedelta

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0  # seconds
#: For so long everything to a sink may fail before nothing is sent to it any more.
GIVE_UP_AFTER = timedelta(days=3)


def pause_after(failures: int, asked_for: float | None = None) -> float:
    """The seconds until the next attempt after some failures in a row; a sink may ask for more, up to an hour."""
    own = min(FIRST_PAUSE * (1 << min(failures - 1, 20)), LONGEST_PAUSE)
    return own if asked_for is None else min(max(asked_for, own), LONGEST_PAUSE)
