"""What was just recorded, for the notice above the page that a form leads to."""

from datetime import date
from typing import NamedTuple

from shared.events.titles import EVENT_TITLES

MAX_ADDRESS = 400  # characters of what an address says was recorded


class JustRecorded(NamedTuple):
    """The topics of the events, each once, and the day that they are dated where the form said so."""

    topics: tuple[str, ...]
    on: date | None


def recorded_address(topics: list[str]) -> str:
    """What an address says was recorded."""
    return ",".join(dict.fromkeys(topics))


def recorded_now(said: str, on: date | None) -> JustRecorded | None:
    """What an address says was recorded; None for what is no event."""
    topics = tuple(said.split(","))
    return JustRecorded(topics, on) if EVENT_TITLES.keys() >= set(topics) else None
