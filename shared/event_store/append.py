"""What one command appends, and where it was recorded.

A store records the events of an `Append` whole or not at all, at positions without gaps, and answers with `Appended` or
with one of the errors of `shared.event_store.errors`. When several reasons speak against a command, it answers with the
first of: IdempotencyReplay, ReferenceExists, DayChanged, VersionConflict, KeyErased, FutureDated.
"""

from datetime import date, datetime
from uuid import UUID

import msgspec


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to record."""

    originator_id: UUID  # its stream: a petition, a conference, a deadline, or a part of the regulation
    version: int  # its place in that stream, from 1
    topic: str
    state: bytes  # the event and its metadata as JSON; never changed once recorded
    event_id: UUID  # the same in each try, so that a commit whose answer was lost can be looked up
    sealed: bytes | None = None  # what a citizen wrote, encrypted; None when nothing of it is sealed
    effective_on: date | None = None  # the day on which it happened; None when that day is not checked


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A data key, wrapped under the master key. Without it what it sealed cannot be read any more."""

    key_id: UUID
    owner_id: str  # the petitioner whose words it seals; empty: those of the stream itself
    originator_id: UUID  # the stream in which it is used first
    wrapped: bytes


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """What one command records, whole or not at all.

    Raises ValueError when the events of a stream leave a gap after the expected version.
    """

    events: tuple[NewEvent, ...]  # in the order of their positions
    expected: dict[UUID, int] = {}  # each stream that the decision has read, at the version read; 0: it must not exist
    today: date | None = None  # the day on which it was decided; None when the decision does not depend on it
    caller: str = ""  # whose idempotency key it is
    key: str = ""  # the idempotency key; empty when it has none
    fingerprint: bytes = b""  # of the command's content, kept with the key
    references: tuple[tuple[str, str], ...] = ()  # (source, external id), which point to the first event
    references_at: tuple[tuple[str, str, int], ...] = ()  # (source, external id, number of the event, from 0)
    new_keys: tuple[NewKey, ...] = ()
    used_keys: tuple[UUID, ...] = ()  # keys made earlier that sealed something in these events
    erase_owner: str = ""  # the petitioner whose keys are destroyed; empty when nothing is erased
    erase_key_ids: tuple[UUID, ...] = ()  # all keys of that petitioner, as the decision knew them

    def __post_init__(self) -> None:
        last = dict(self.expected)
        for event in self.events:
            if last.setdefault(event.originator_id, event.version - 1) != event.version - 1:
                raise ValueError(f"{event.topic}: version {event.version} leaves a gap in its stream")
            last[event.originator_id] = event.version


class Appended(msgspec.Struct, frozen=True):
    """Where the events of one command were recorded, and when. They are durable."""

    first_position: int
    last_position: int
    recorded_at: datetime  # one stamp for all of them
