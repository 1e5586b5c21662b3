"""A day as people type it: `5/9/2026`, `5.9.26`, `05-09-2026`, `hôm nay`, and as machines do: `2026-09-05`. Pure."""

import re
from datetime import date, timedelta

from shared.identifiers import composed

_PARTS = re.compile(r"(\d{1,2})\s*[/.\-\s]\s*(\d{1,2})\s*[/.\-\s]\s*(\d{4}|\d{2})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_NAMED = {"hôm nay": 0, "nay": 0, "today": 0, "hôm qua": -1, "yesterday": -1, "ngày mai": 1, "tomorrow": 1}
CENTURY = 2000  # of a year of two digits


def typed_day(text: str, today: date) -> date | None:
    """The day that was typed; None where it is none. A year of two digits is of this century."""
    said = " ".join(composed(text).casefold().split())
    if said in _NAMED:
        return today + timedelta(days=_NAMED[said])
    if found := _ISO.fullmatch(said):
        year, month, day = map(int, found.groups())
    elif found := _PARTS.fullmatch(said):
        day, month, year = map(int, found.groups())
        year += CENTURY if len(found[3]) == 2 else 0
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
