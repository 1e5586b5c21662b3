"""What the use cases need from outside; the adapters bring it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from services.intake.domain import AnyFact
from shared.event_store.append import Append, Appended, NewKey
from shared.event_store.errors import KeyRecord
from shared.events import Event


class StoredKey(msgspec.Struct, frozen=True):
    """A wrapped data key as the store keeps it; the owner is a petitioner, or nobody: the aggregate's own words."""

    key_id: UUID
    owner_id: str
    originator_id: UUID
    wrapped: bytes


class EventPlace(msgspec.Struct, frozen=True):
    """Where an event stands in the log."""

    originator_id: UUID
    version: int
    position: int
    recorded_at: datetime
    topic: str
    aggregate: str
    jurisdiction: str
    actor: str
    source: str


class KeyRing:
    """The keys of one command: those that exist, those that it makes, those that it uses."""

    def __init__(self, known: Iterable[StoredKey] = ()) -> None:
        self.known = {(k.owner_id, k.originator_id): k for k in known}
        self.new: list[NewKey] = []
        self.used: set[UUID] = set()


class CaseHistory(Protocol):
    """What the log tells of cases: all that a decision reads."""

    async def facts(self, originators: Iterable[UUID]) -> Mapping[UUID, Sequence[AnyFact]]:
        """The facts of each aggregate, in order; none for one that does not exist."""
        ...

    async def place(self, originator_id: UUID, version: int) -> EventPlace:
        """Where one event stands."""
        ...

    async def petitions_at(self, conference_id: UUID) -> Sequence[UUID]:
        """The petitions ever scheduled for or raised at a conference."""
        ...

    async def merged_into(self, petition_ids: Iterable[UUID]) -> Sequence[UUID]:
        """The petitions ever merged into these, also where the merger was taken back."""
        ...

    async def keys_owned_by(self, owner_id: str) -> Sequence[StoredKey]:
        """Every sealing key of a petitioner."""
        ...


class History(CaseHistory, Protocol):
    """What the log and its side tables tell."""

    async def regulation_after(self, position: int) -> tuple[Sequence[AnyFact], int]:
        """The facts of jurisdictions, agencies, policies, calendars, plans after a position, and the head read."""
        ...

    async def event_id_at(self, position: int) -> UUID | None:
        """The id of the event at a position; None where there is none."""
        ...

    async def today(self) -> date:
        """The store's day."""
        ...

    async def key_record(self, caller: str, key: str) -> KeyRecord | None:
        """What a caller's idempotency key was used for."""
        ...

    async def is_known_reference(self, caller: str, key: str) -> bool:
        """Whether a caller's idempotency key was answered with what its reference led to already."""
        ...

    async def keep_known_reference(self, caller: str, key: str, fingerprint: bytes, place: EventPlace) -> None:
        """Keep a key that was answered so; what it was used for before stays."""
        ...

    async def reference(self, source: str, external_id: str) -> EventPlace | None:
        """The event that an external reference belongs to."""
        ...

    async def places_from(self, position: int, commands: int) -> Sequence[EventPlace]:
        """Where the first events of some commands stand that were recorded together, from a position on."""
        ...

    async def keys_of(self, originators: Iterable[UUID]) -> Sequence[StoredKey]:
        """The sealing keys of some aggregates."""
        ...


class EventStore(Protocol):
    """The only way in."""

    async def append(self, append: Append) -> Appended:
        """Append one command's events, all or none."""
        ...


class RefusedBodies(Protocol):
    """What is kept of refused commands."""

    async def erase(self, petitioner: str, petitions: Collection[UUID]) -> None:
        """Erase what is kept of every command that names the petitioner or one of these petitions."""
        ...


class Seals(Protocol):
    """Sealing and keyed fingerprints."""

    def seal(
        self, event: Event, originator_id: UUID, version: int, ring: KeyRing, petitioners: tuple[str, ...]
    ) -> bytes | None:
        """The sealed bytes of an event's sealed fields; None when it has none."""
        ...

    def digest(self, sealed: bytes) -> str:
        """The SHA-256 of sealed bytes."""
        ...

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed fingerprint (HMAC) of a body."""
        ...


class Ids(Protocol):
    """Identifiers are drawn at the edge."""

    def __call__(self) -> UUID:
        """A new time-ordered id."""
        ...
