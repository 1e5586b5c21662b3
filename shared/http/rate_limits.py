"""How often one caller may call one process: a bucket a caller, which fills evenly and holds ten seconds' worth.

It keeps a caller that has gone wrong, such as a loop without a pause, from taking the time of all others. It is no
quota: each process counts for itself, and what came over the queue is not counted.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

WINDOW = 10  # seconds' worth that a caller may ask at once
MAX_CALLERS = 4096  # remembered at once; those beyond share one bucket
#: No caller is called so, nor as an address is: names are printable.
OTHERS = "\tothers"
#: Where a request's scope keeps what is left to its caller.
RATE = "rate"


class Left(NamedTuple):
    """What is left to a caller: requests, and the seconds until its bucket is full again."""

    requests: int
    full_in: int


class TooOften(Exception):
    """The bucket is empty; `left.full_in` says when it is full, `wait` in how many seconds there is one more."""

    def __init__(self, left: Left, wait: int) -> None:
        super().__init__(wait)
        self.left, self.wait = left, wait


class RateLimits:
    """The buckets of one process."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._each, self._clock = 1 / per_second, clock
        self.most = per_second * WINDOW
        #: The header that says the rule (draft-ietf-httpapi-ratelimit-headers).
        self.policy = b'"caller";q=%d;w=%d' % (self.most, WINDOW)
        #: When the bucket of each caller will be full.
        self._full_at: dict[str, float] = {}
        self._prunes_at = 0.0

    def take(self, who: str) -> Left:
        """Count one request of a caller. Raises TooOften."""
        now = self._clock()
        at = self._full_at.get(who)
        if at is None:
            who = self._admitted(who, now)
            at = self._full_at.get(who, now)
        at = (at if at > now else now) + self._each
        ahead = at - now
        if ahead > WINDOW + 1e-6:  # what was added up is not exact
            raise TooOften(Left(0, WINDOW), max(1, round(ahead - WINDOW)))
        self._full_at[who] = at
        return Left(int((WINDOW - ahead) / self._each), int(ahead) + 1)

    def left(self, who: str) -> Left:
        """What is left to a caller, without counting anything."""
        ahead = max(self._full_at.get(who, 0.0) - self._clock(), 0.0)
        return Left(int((WINDOW - ahead) / self._each), int(ahead) + 1)

    def headers(self, left: Left) -> list[tuple[bytes, bytes]]:
        """What an answer says of it."""
        return [(b"ratelimit-policy", self.policy), (b"ratelimit", b'"caller";r=%d;t=%d' % left)]

    def _admitted(self, who: str, now: float) -> str:
        """Whose bucket a new caller has: its own, while there is room. Full buckets need none."""
        if len(self._full_at) >= MAX_CALLERS:
            if now >= self._prunes_at:  # a flood of names walks them once a second, not once a call
                self._prunes_at = now + 1.0
                self._full_at = {name: at for name, at in self._full_at.items() if at > now}
            if len(self._full_at) >= MAX_CALLERS:
                return OTHERS
        return who
