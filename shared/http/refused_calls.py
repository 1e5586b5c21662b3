"""Calls that were refused: counted, told once a minute an address and caller, made slow where wrong tokens repeat.

Only the answer to a wrong token waits: a right one from the same address is never held up by others' wrong ones.
"""

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog

from shared.http.tokens import PERSON

MINUTE = 60.0  # seconds for which an address is remembered
MAX_ADDRESSES = 4096  # remembered at once; those beyond count as one
MAX_WAITING = 100  # answers held back at once: others go out at once, so that nobody fills the process with them
FREE = 5  # wrong tokens in a minute that are answered at once: somebody mistypes
FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0  # seconds
OTHERS = "others"
UNKNOWN_TOKEN = "unknown-token"
NO_TOKEN = "no-token"

log = structlog.get_logger("auth")


class _Address(msgspec.Struct):
    since: float
    count: int = 0
    untold: int = 0


class RefusedCalls:
    """What this process has refused since it started."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._counts: Counter[tuple[str]] = Counter()
        self._forbidden: Counter[tuple[str]] = Counter()
        self._addresses: dict[tuple[str, str], _Address] = {}
        self._waiting = 0
        self._prunes_at = 0.0

    @property
    def counts(self) -> Mapping[tuple[str], int]:
        """How many calls were refused for want of proof who calls, by reason."""
        return dict(self._counts)

    @property
    def forbidden(self) -> Mapping[tuple[str], int]:
        """How many calls of known callers were refused, by reason: not theirs to do, or too often."""
        return dict(self._forbidden)

    def note_forbidden(self, address: str, caller: str, reason: str) -> None:
        """Count what a known caller may not, and log it. Of a person is said that it was one, and not who."""
        self._forbidden[(reason,)] += 1
        self._told(network_of(address), reason, PERSON.rstrip(":") if caller.startswith(PERSON) else caller)

    async def note(self, address: str, reason: str) -> None:
        """Count a refusal and log it; wait as long as its answer should."""
        self._counts[(reason,)] += 1
        if reason == NO_TOKEN:
            return  # browsers begin like this: they are shown the sign-in
        wait = self._told(network_of(address), reason)
        if wait and reason == UNKNOWN_TOKEN and self._waiting < MAX_WAITING:
            self._waiting += 1
            try:
                await self._sleep(wait)
            finally:
                self._waiting -= 1

    def _told(self, network: str, reason: str, caller: str = "") -> float:
        """Log the first of a minute. The seconds that the answer should wait."""
        now, address = self._clock(), (network, caller)
        if address not in self._addresses and len(self._addresses) >= MAX_ADDRESSES:
            if now >= self._prunes_at:  # a flood of addresses walks them once a second, not once a call
                self._prunes_at = now + 1.0
                self._addresses = {name: a for name, a in self._addresses.items() if now - a.since < MINUTE}
            address = address if len(self._addresses) < MAX_ADDRESSES else (OTHERS, "")
        found = self._addresses.get(address)
        if found is None or now - found.since >= MINUTE:
            known = {"caller": address[1]} if address[1] else {}
            log.warning("call_refused", address=address[0], reason=reason, before=found.untold if found else 0, **known)
            found = self._addresses[address] = _Address(now)
        else:
            found.untold += 1
        found.count += reason == UNKNOWN_TOKEN  # a page of others costs nobody the time of a wrong token
        over = found.count - FREE
        return min(FIRST_WAIT * 2.0 ** min(over - 1, 10), LONGEST_WAIT) if over > 0 else 0.0


def network_of(address: str) -> str:
    """The address, or of IPv6 the network of /64: one holder has as many addresses as he likes there."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return OTHERS
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
