"""Why an append was not recorded.

NotRecorded
├── VersionConflict    a version that the decision had read is no longer the latest
├── DayChanged         the decision was made on another day than that of its stamp
├── IdempotencyReplay  the key was used before: here is its first result
├── ReferenceExists    the external reference was recorded before
├── KeyErased          a sealing key was destroyed since it was read
├── FutureDated        a deed is dated after the day of its stamp
├── Unrecordable       the store refuses the command itself
├── Overloaded         too many commands are waiting
└── StoreUnavailable   the store cannot be reached; only a lookup by id or key tells whether it was recorded
"""

from datetime import date, datetime
from uuid import UUID

import msgspec


class NotRecorded(Exception):
    """An append that was not recorded."""


class VersionConflict(NotRecorded):
    """A version that the decision had read is no longer the latest."""


class DayChanged(NotRecorded):
    """The decision was made on another day than that of its stamp."""

    def __init__(self, today: date) -> None:
        super().__init__(f"it is {today.isoformat()} in the store")
        self.today = today


class KeyRecord(msgspec.Struct, frozen=True):
    """What a used idempotency key led to."""

    fingerprint: bytes
    originator_id: UUID
    version: int
    position: int
    recorded_at: datetime


class IdempotencyReplay(NotRecorded):
    """The key was used before: here is its first result."""

    def __init__(self, record: KeyRecord) -> None:
        super().__init__("the key was used before")
        self.record = record


class ReferenceExists(NotRecorded):
    """The external reference was recorded before."""

    def __init__(self, originator_id: UUID, version: int, position: int) -> None:
        super().__init__("the external reference was recorded before")
        self.originator_id, self.version, self.position = originator_id, version, position


class KeyErased(NotRecorded):
    """A sealing key was destroyed since it was read."""


class FutureDated(NotRecorded):
    """A deed is dated after the day of its stamp."""

    def __init__(self, today: date) -> None:
        super().__init__(f"a deed cannot be dated after today, {today.isoformat()}")
        self.today = today


class Unrecordable(NotRecorded):
    """The store refuses the command itself, alone and whenever it is tried: a fault of ours."""


class Overloaded(NotRecorded):
    """Too many commands are waiting; try again shortly."""


class StoreUnavailable(NotRecorded):
    """The store cannot be reached; whether it was recorded, a later lookup by event id or key tells."""
