"""Where a piece of work came from: the id of the request or message, and the trace of W3C that it brought.

It goes with the task, so that an event, an answer and a line of the log name it without each step handing it on.
"""

import itertools
import os
import re
from contextvars import ContextVar
from typing import NamedTuple

#: W3C Trace Context, level 1: version, id of the trace, id of the caller's span, flags. Later versions may go on.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LONGEST_TRACEPARENT = 512  # characters that are looked at

_process = os.urandom(8).hex()
_numbers = itertools.count(1)


class Origin(NamedTuple):
    """What a request or message says of itself. `traceparent` is empty where it is part of no trace."""

    request_id: str = ""
    traceparent: str = ""

    @property
    def trace_id(self) -> str:
        """The id of its trace, by which its lines are found in another system's log."""
        return self.traceparent[3:35]


NOWHERE = Origin()
#: The origin of the task that runs.
ORIGIN: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def traceparent_of(given: str) -> str:
    """A `traceparent` as version 00 writes it; empty where it is none, which W3C asks to ignore."""
    if not 55 <= len(given) <= LONGEST_TRACEPARENT or (found := _TRACEPARENT.fullmatch(given)) is None:
        return ""
    if given.startswith("00") and found[4] is not None:
        return ""
    # Of the flags version 00 knows the first alone: whether the caller records the trace.
    return f"00-{found[1]}-{found[2]}-0{int(found[3], 16) & 1}"


def request_id_of(given: str) -> str:
    """The id that a caller gave a request, or one of our own where it gave none that can stand in a line of a log."""
    return given if given and _REQUEST_ID.fullmatch(given) else f"{_process}-{next(_numbers):x}"
