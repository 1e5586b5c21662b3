"""What of a log concerns a place, and which petitions are a caller's own: one rule for feeds and webhooks. Pure."""

from collections.abc import Callable, Collection, Iterable

from shared.cases.pushing import is_own_source
from shared.events import Metadata
from shared.events.petition import PetitionReceived
from shared.identifiers import is_within

#: What holds for everybody below the place that it is of; people and their posts do not.
HOLDS_BELOW = frozenset({"jurisdiction", "agency", "policy", "calendar", "plan", "catalogue"})


def concerns(meta: Metadata, places: Iterable[str], successor: Callable[[str], str]) -> bool:
    """Whether an event is of each of some subtrees, or of the regulation that holds there.

    What an ended place left is its successor's too; `successor` gives for a place the one that has taken over.
    """
    return all(_is_of(meta, place, successor) for place in places)


def is_own(topic: str, meta: Metadata, name: str, sources: Collection[str]) -> bool:
    """Whether an event is on a petition that a caller pushed under a reference."""
    pushed_as = meta.received_as if topic == PetitionReceived.TOPIC else meta.petition_reference
    return pushed_as is not None and is_own_source(pushed_as.source, name, sources)


def _is_of(meta: Metadata, place: str, successor: Callable[[str], str]) -> bool:
    if is_within(meta.jurisdiction, place):
        return True
    if meta.aggregate in HOLDS_BELOW:
        return is_within(place, meta.jurisdiction)
    return is_within(successor(meta.jurisdiction), place)
