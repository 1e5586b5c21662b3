"""A command as a door hands it over, and what it came to."""

from collections.abc import Container
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake.application.command_body import BodyCodec, Extras
from services.intake.application.stream_ids import code_of, target_id
from services.intake.domain import Caller, check_person, check_role, check_source
from shared.identifiers import normalised

#: The fields that an address gives as ids; it gives the others as codes.
_IDS_IN_PATH = frozenset({"post", "delegation", "person"})


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command as a door hands it over. `if_match`: the versions of which one must be the current one; `backfilled`:
    historic data recorded later, which raises no alerts; `source_version`: which version of its sender's own record a
    push is."""

    codec: BodyCodec
    body: Extras
    caller: Caller
    target: str = ""
    key: str = ""
    if_match: Container[int] | None = None
    backfilled: bool = False
    source_version: str = ""

    @property
    def reference(self) -> tuple[str, str] | None:
        """The external reference; the caller's own source stands for one left out."""
        external_id = normalised(self.body.external_id)
        return (normalised(self.body.source) or self.caller.own_source, external_id) if external_id else None

    @property
    def on_behalf_of(self) -> str:
        """The person for whom it is recorded: who signed in, or whom a system names."""
        return self.caller.subject or normalised(self.body.on_behalf_of)

    @property
    def in_path(self) -> dict[str, Any]:
        """The fields of the event that the address gives. Raises WrongAddress."""
        return {
            name: target_id(name, self.target) if name in _IDS_IN_PATH else code_of(self.target)
            for name in self.codec.route.in_path
        }

    @property
    def earlier_reference(self) -> tuple[str, str] | None:
        """The reference as releases up to 0.2 kept it, where that differs: with the blanks around it."""
        sent = (self.body.source or self.caller.own_source, self.body.external_id)
        return sent if self.reference not in (None, sent) else None


def check_caller(command: Command) -> None:
    """Refuse a command that its caller may not give, or not in those names, whatever it is done to. Raises Refused."""
    check_role(command.caller, command.codec.route.roles)
    check_source(command.caller, normalised(command.body.source))
    check_person(command.caller, normalised(command.body.on_behalf_of))


class CommandOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to; the same again for its retry."""

    id: UUID
    aggregate: str
    version: int
    position: int
    recorded_at: datetime
    receipt_code: str = ""
    known_reference: bool = False
