"""Why an append was not recorded, and what the caller does then.

NotRecorded
├── VersionConflict    a stream that the decision had read has grown: decide again
├── DayChanged         the store's day is another than that of the decision: decide again
├── KeyErased          a sealing key that was used has been destroyed: decide again with the keys that are left
├── FutureDated        an event is dated after the store's day: decide again, and refuse the command then
├── IdempotencyReplay  the key was used before: answer with its first result
├── ReferenceExists    the external reference was recorded before: answer with what it belongs to
├── Unrecordable       the store refuses the command whenever it is tried: a bug
├── Overloaded         too many commands are waiting: try again shortly
└── StoreUnavailable   the store cannot be reached: send the command again with the same key
    └── NotConfirmed   it may be recorded, and a fail-over may still take it back: likewise

Nothing of the command was recorded by this append, except that after StoreUnavailable it may have been.
"""

from datetime import date, datetime
from uuid import UUID

import msgspec


class NotRecorded(Exception):
    """An append that was not recorded."""


class VersionConflict(NotRecorded):
    """A version that the decision had read is no longer the latest, or a petitioner to be erased has new keys."""


class DayChanged(NotRecorded):
    """The decision was made for another day than that of the stamp, such as just before midnight."""

    def __init__(self, today: date) -> None:
        super().__init__(f"it is {today.isoformat()} in the store")
        self.today = today  # the store's day


class KeyRecord(msgspec.Struct, frozen=True):
    """What a used idempotency key led to."""

    fingerprint: bytes  # of the command that used it: another command may not use it
    originator_id: UUID  # the stream of its first event
    version: int  # of its first event
    position: int  # of its first event
    recorded_at: datetime


class IdempotencyReplay(NotRecorded):
    """The caller has used the key before: `record` is what came of it."""

    def __init__(self, record: KeyRecord) -> None:
        super().__init__("the key was used before")
        self.record = record


class ReferenceExists(NotRecorded):
    """The external reference belongs to an event that was recorded before."""

    def __init__(self, originator_id: UUID, version: int, position: int) -> None:
        super().__init__("the external reference was recorded before")
        self.originator_id, self.version, self.position = originator_id, version, position


class KeyErased(NotRecorded):
    """A sealing key was destroyed after the decision had read it; what it has sealed could never be opened."""


class FutureDated(NotRecorded):
    """An event is dated after the day of its stamp."""

    def __init__(self, today: date) -> None:
        super().__init__(f"an event cannot be dated after today, {today.isoformat()}")
        self.today = today  # the store's day


class Unrecordable(NotRecorded):
    """The store refuses the command itself, alone and whenever it is tried: a bug in this software."""


class Overloaded(NotRecorded):
    """Too many commands are waiting; try again shortly."""


class StoreUnavailable(NotRecorded):
    """The store cannot be reached. A later look-up by event id or key says whether the command was recorded."""


class NotConfirmed(StoreUnavailable):
    """It is not known in time that what was or may be recorded is where no fail-over takes it back."""
