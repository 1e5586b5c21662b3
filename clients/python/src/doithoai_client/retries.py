"""When to ask again, and how long to wait before that. No I/O."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import httpx

#: The caller is to wait (429); nothing answered behind the proxy, or the command may be recorded all the same.
AGAIN = frozenset({429, 502, 503, 504})


def is_untouched(outcome: httpx.Response | httpx.TransportError) -> bool:
    """Whether nothing of a call can have been done: it was refused at the door, or there was no door."""
    if isinstance(outcome, httpx.TransportError):
        return isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)
    return outcome.status_code == httpx.codes.TOO_MANY_REQUESTS


@dataclass(frozen=True)
class Retries:
    """How often one call is made at most, and the longest wait between two of them in seconds.

    The waits grow from half a second, with chance in them, so that many callers do not come back at once. A service
    that asks for a longer wait than `longest` is told to the caller instead of waited for.
    """

    attempts: int = 6
    longest: float = 30.0
    chance: Callable[[], float] = random.random

    def wait(self, attempt: int, outcome: httpx.Response | httpx.TransportError) -> float | None:
        """Seconds until the next attempt; None: this outcome is the last. `attempt` counts from 1."""
        if attempt >= self.attempts:
            return None
        if isinstance(outcome, httpx.UnsupportedProtocol):  # an address that is none
            return None
        own: float = min(self.longest, 0.5 * 2 ** (attempt - 1)) * (0.5 + self.chance() / 2)
        if isinstance(outcome, httpx.TransportError):
            return own
        if outcome.status_code not in AGAIN:
            return None
        asked = outcome.headers.get("retry-after", "")
        if not asked.isdecimal():
            return own
        return max(own, float(asked)) if float(asked) <= self.longest else None
