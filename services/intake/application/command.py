"""A command as a door hands it over, and what it came to."""

from collections.abc import Container
from datetime import datetime
from uuid import UUID

import msgspec

from services.intake.application.command_body import BodyCodec, Extras
from services.intake.domain import Caller


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command as a door hands it over. `if_match`: the versions of which one must be the current one; `backfilled`:
    historic data recorded later, which raises no alerts."""

    codec: BodyCodec
    body: Extras
    caller: Caller
    target: str = ""
    key: str = ""
    if_match: Container[int] | None = None
    backfilled: bool = False

    @property
    def reference(self) -> tuple[str, str] | None:
        """The external reference; a system's own name stands for a source left out."""
        return (self.body.source or self.caller.name, self.body.external_id) if self.body.external_id else None


class CommandOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to; the same again for its retry."""

    id: UUID
    aggregate: str
    version: int
    position: int
    recorded_at: datetime
    receipt_code: str = ""
    known_reference: bool = False
