"""The walk from a closed body to whoever took over from it."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol

OFFICE, CHAIR = "office", "chair"
OFFICES = (OFFICE, CHAIR)
NOBODY: Mapping[str, str] = {}


class Closable(Protocol):
    """A body that may have closed: `closed_on` is the first day without it, `successor` is "" where none was named."""

    @property
    def closed_on(self) -> date | None: ...

    @property
    def successor(self) -> str: ...


def successor(code: str, day: date | None, bodies: Mapping[str, Closable], named: Mapping[str, str] = NOBODY) -> str:
    """Who has by a day (None: ever) taken over what a body was charged with: itself while it exists.

    The record of the closing names the successor; where it does not, the document in force may (`named`).
    """
    seen = {code}
    while (body := bodies.get(code)) is not None and body.closed_on is not None:
        if day is not None and body.closed_on > day:
            break
        following = body.successor or named.get(code, "")
        if not following or following in seen:
            break
        seen.add(following)
        code = following
    # An office has no register of its own: only the document says who acts in its place.
    return named.get(code, code) if code in OFFICES else code
