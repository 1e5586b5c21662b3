"""The hosts of a server, tried one after another: each briefly, the last good one first, a silent one last.

A name stands for all its addresses, and each of them is tried: the first one may swallow what it is sent while the
next one answers.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from shared.sentences import Sentence
from shared.server_urls import Host, unreachable
from shared.sockets import addresses_of

EACH = 1.5  # seconds for each of several places, and for the addresses of a name

_T = TypeVar("_T")


class HostAddress(NamedTuple):
    """A host, and one of its addresses; a folder, and a name without an address, stands for itself."""

    host: Host
    address: str

    def __str__(self) -> str:
        return str(self.host) if self.address == self.host.name else f"{self.host} ({self.address})"


class Passed(ConnectionError):
    """A server that answers, and is passed. The message says what it is."""

    def __init__(self, said: Sentence) -> None:
        super().__init__(said.en)
        self.said = said


class NoHost(Passed):
    """None of the hosts can be used. The message says of each why."""


class HostWalk:
    """In which order places are tried, and for how long. It knows which one was good last, and which were silent."""

    def __init__(self, passed: tuple[type[Exception], ...], for_all: tuple[type[Exception], ...]) -> None:
        """After an error that is `passed` the next place is tried; one `for_all` is what that would say too."""
        self._passed, self._for_all = passed, for_all
        self._each = EACH
        self._good: HostAddress | None = None
        self._found_one = False
        self._silent: list[HostAddress] = []

    def ordered(self, places: Iterable[HostAddress]) -> list[HostAddress]:
        """The places in the order in which they are tried; those that are not among them are forgotten."""
        found = list(dict.fromkeys(places))
        self._silent = [each for each in self._silent if each in found]
        first = [each for each in found if each == self._good]
        others = [each for each in found if each not in first and each not in self._silent]
        return first + others + [each for each in self._silent if each not in first]

    def put_last(self, place: HostAddress) -> None:
        """Try a place after the others from now on."""
        if place == self._good:
            self._good = None
        self._silent = [each for each in self._silent if each != place] + [place]

    async def first(
        self,
        places: Sequence[HostAddress],
        attempt: Callable[[HostAddress, float], Awaitable[_T]],
        why: Callable[[Exception, float], Sentence],
        *,
        alone: float,
    ) -> _T:
        """What the first attempt gives that succeeds. Raises NoHost, and what holds for every place.

        Such an error of one place is its own once another one has been good. `alone` is the time of a single place, and
        the most for one of several.
        """
        said: list[Sentence] = []
        limit = self._each if len(places) > 1 else alone
        last: Exception | None = None
        for place in places:
            try:
                found = await attempt(place, limit)
            except self._for_all as error:
                if len(places) < 2 or not self._found_one:
                    raise
                last = error
            except self._passed as error:
                last = error
                if isinstance(error, TimeoutError):
                    self.put_last(place)
            else:
                self._good, self._found_one, self._each = place, True, EACH
                self._silent = [each for each in self._silent if each != place]
                return found
            told = why(last, limit)
            said.append(Sentence(f"{place} {told.vi}", f"{place} {told.en}"))
        # A machine so busy that every host is slow gets the time of a single one.
        self._each = min(self._each * 2, alone)
        raise NoHost(Sentence("; ".join(each.vi for each in said), "; ".join(each.en for each in said))) from last


async def places_of(hosts: Sequence[Host]) -> list[HostAddress]:
    """Each address of each host, in their order."""
    found = await asyncio.gather(*(addresses_of(host.name, EACH) for host in hosts))
    return [HostAddress(host, each) for host, addresses in zip(hosts, found, strict=True) for each in addresses]


def why_not(error: Exception, limit: float) -> Sentence:
    """Why a place is passed, without its user or password."""
    if isinstance(error, Passed):
        return error.said
    if isinstance(error, TimeoutError):
        return Sentence(f"không trả lời trong {limit:g} giây", f"does not answer within {limit:g} s")
    why = unreachable(error)
    if why is None:
        # asyncio puts the address into the words of the system.
        number = error.errno if isinstance(error, OSError) else None
        words = os.strerror(number) if number is not None and number > 0 else getattr(error, "strerror", None)
        why = Sentence(words or type(error).__name__, words or type(error).__name__)
    return Sentence(f"không nối được ({why.vi})", f"cannot be reached ({why.en})")
