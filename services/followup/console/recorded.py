"""What was just recorded, for the notice above the page that a form leads to."""

from datetime import date
from typing import NamedTuple

from shared.events.titles import EVENT_TITLES


class JustRecorded(NamedTuple):
    """The topic of the event, and the day that it is dated where the form said so."""

    topic: str
    on: date | None


def recorded_now(topic: str, on: date | None) -> JustRecorded | None:
    """What an address says was recorded; None for what is no event."""
    return JustRecorded(topic, on) if topic in EVENT_TITLES else None
