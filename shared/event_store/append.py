"""What is appended, and what comes of it."""

from datetime import date, datetime
from uuid import UUID

import msgspec


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to record; `version` is its place in its stream, from 1."""

    originator_id: UUID
    version: int
    topic: str
    state: bytes
    event_id: UUID
    sealed: bytes | None = None
    effective_on: date | None = None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A wrapped data key of an owner (a petitioner; empty: of the stream itself)."""

    key_id: UUID
    owner_id: str
    originator_id: UUID
    wrapped: bytes


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """What one command records, whole or not at all.

    `expected` maps each stream that the decision read to the version read (0: must not exist). `today` is the day on
    which it was decided. References and the idempotency key point to the first event; `references_at` names for each
    the event that it points to, from 0.
    """

    events: tuple[NewEvent, ...]
    expected: dict[UUID, int] = {}
    today: date | None = None
    caller: str = ""
    key: str = ""
    fingerprint: bytes = b""
    references: tuple[tuple[str, str], ...] = ()
    references_at: tuple[tuple[str, str, int], ...] = ()
    new_keys: tuple[NewKey, ...] = ()
    used_keys: tuple[UUID, ...] = ()
    erase_owner: str = ""
    erase_key_ids: tuple[UUID, ...] = ()

    def __post_init__(self) -> None:
        last = dict(self.expected)
        for event in self.events:
            if last.setdefault(event.originator_id, event.version - 1) != event.version - 1:
                raise ValueError(f"{event.topic}: version {event.version} leaves a gap in its stream")
            last[event.originator_id] = event.version


class Appended(msgspec.Struct, frozen=True):
    """Where the events of one command were recorded, and when."""

    first_position: int
    last_position: int
    recorded_at: datetime
