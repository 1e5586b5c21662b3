"""Keeps sources apart: a name stands for one store, and a store is followed under one address.

A store is known by its birth, the id of the event at its first position, which it keeps through restores and moves.
"""

from typing import Protocol
from uuid import UUID

from shared.envelope import FeedPage


class SourceRefused(Exception):
    """A source is not followed, since it would be read into another; the message names both."""


class Births(Protocol):
    """Remembers the birth of each source."""

    async def remember(self, source: str, birth: UUID) -> list[tuple[str, UUID]]:
        """Remember a birth unless the name or the birth is known; return all that is known of either."""
        ...

    async def confirm(self, source: str, birth: UUID) -> None:
        """Let a name stand for another store from now on."""
        ...


class SourceNames:
    """Which store each address of this process has shown."""

    def __init__(self, births: Births) -> None:
        self._births = births
        self._held: dict[str, tuple[str, UUID | None]] = {}  # by address: the name and the birth, None while empty

    async def claim(self, url: str, page: FeedPage) -> None:
        """Claim a name for an address, by the first page of its feed. Raises SourceRefused."""
        source, birth = page.source, birth_of(page)
        self._held.pop(url, None)
        for other, (name, known) in self._held.items():
            if birth is not None and birth == known:
                raise SourceRefused(f"{other} and {url} are one store, {name}: name one of them in FOLLOWUP_SOURCES")
            if name == source:
                raise SourceRefused(
                    f"{other} and {url} are both called {source}: set INTAKE_SOURCE of one before its first event, "
                    "or follow it by a followup of its own"
                )
        self._held[url] = source, birth  # before anything is awaited: another address may claim meanwhile
        if birth is not None:
            for name, known in await self._births.remember(source, birth):
                if (name, known) != (source, birth):
                    del self._held[url]
                    raise SourceRefused(
                        f"{url} is called {source} and begins with {birth}, but {name} is known here as the store that "
                        f"begins with {known}; if it was restored, rebuild with --confirm-restored {source}"
                    )


def birth_of(page: FeedPage) -> UUID | None:
    """The birth that a page of a feed shows; None where it does not hold the first event."""
    return page.events[0].event_id if page.events and page.events[0].position == 1 else None
