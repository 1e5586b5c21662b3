"""Places in the order in which people look for them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from services.followup.application.access import Coded
from services.followup.domain.wording.collation import vietnamese_order
from shared.identifiers import lineage


def place_tree(places: Mapping[str, str]) -> list[tuple[str, int]]:
    """The places from the topmost down, those of one level in the order of their names, each with its depth."""
    below: dict[str, list[str]] = {}
    for code in sorted(places, key=lambda code: vietnamese_order(places[code])):
        below.setdefault(_above(code, places), []).append(code)
    found: list[tuple[str, int]] = []

    def add(above: str, depth: int) -> None:
        for code in below.get(above, ()):
            found.append((code, depth))
            add(code, depth + 1)

    add("", 0)
    return found


def _above(code: str, places: Mapping[str, str]) -> str:
    return next((each for each in lineage(code)[1:] if each in places), "")


def of_source(places: Mapping[Coded, str], source: str) -> dict[str, str]:
    """The names of one source's places, by code."""
    return {code: name for (of, code), name in places.items() if of == source}


def shared_codes(places: Iterable[Coded]) -> frozenset[str]:
    """The codes that several sources have."""
    counted = Counter(code for _, code in places)
    return frozenset(code for code, times in counted.items() if times > 1)
