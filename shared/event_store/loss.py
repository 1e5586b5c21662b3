"""What was acknowledged, or read, and is in its store no more."""

from datetime import datetime
from uuid import UUID

import msgspec


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What one process has missed. Confirmed means that somebody has seen to it."""

    loss_id: UUID  # the id of the newest event that is missing
    source: str
    epoch: str  # of the log that lacks them
    agrees_to: int  # the last position that is known to be as it was
    first_position: int  # where they stood
    last_position: int
    missing: int  # so many commands, or events of a reader, are known to be lost
    event_ids: list[UUID]  # of commands the first events, as far as they are known
    found_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_by: str = ""
