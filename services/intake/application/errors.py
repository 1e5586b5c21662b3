"""Refusals that are not the domain's: keys, versions, things that are not there. Their words stand beside the domain's.

Refused (of the domain)
└── CommandRefused
    ├── KeyReused      the idempotency key was used with another body
    ├── ReferenceUsed  the external reference belongs to another record
    ├── ReferenceDiffers   what is recorded under the external reference says something else
    ├── ReferenceAnnulled  what was recorded under the external reference was taken back
    ├── ReferenceErased    the personal data of what was recorded under the external reference were erased
    ├── SourceVersionReused  the same version of a record was pushed with other content
    ├── ConflictDecided    the conflict was accepted, refused or superseded before
    ├── PartlyRecorded   some parts of an act are recorded under their references, and some are not
    ├── StaleVersion   If-Match names another version than the current one
    ├── NotFound       the address names nothing
    ├── WrongAddress   the address is no id or code
    └── Contended      others kept changing what the decision rests on
"""

from typing import ClassVar

from services.intake.domain import Refused


class CommandRefused(Refused):
    """A command that is not passed on to the domain, or cannot be recorded; `code` becomes the problem type."""


class KeyReused(CommandRefused):
    """The idempotency key was used with another body."""

    code: ClassVar[str] = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key")


class ReferenceUsed(CommandRefused):
    """The external reference belongs to another record."""

    def __init__(self, field: str = "external_id") -> None:
        super().__init__(field)


class ReferenceDiffers(CommandRefused):
    """What is recorded under the external reference says something else in `fields`."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(fields[0], fields=fields)
        self.fields = fields


class ReferenceAnnulled(CommandRefused):
    """What was recorded under the external reference was taken back."""

    def __init__(self) -> None:
        super().__init__("external_id")


class ReferenceErased(CommandRefused):
    """The personal data of what was recorded under the external reference were erased."""


class SourceVersionReused(CommandRefused):
    """The same version of a record was pushed with other content, in `fields`."""

    def __init__(self, source_version: str, fields: list[str]) -> None:
        super().__init__("source_version", source_version=source_version, fields=fields)
        self.fields = fields


class ConflictDecided(CommandRefused):
    """The conflict was accepted, refused or superseded before."""


class PartlyRecorded(CommandRefused):
    """Some parts of an act are recorded under their references, and some are not."""


class StaleVersion(CommandRefused):
    """If-Match names another version than the current one."""

    def __init__(self, current: int) -> None:
        super().__init__("If-Match", current=current)
        self.current = current


class NotFound(CommandRefused):
    """The address names nothing."""


class WrongAddress(CommandRefused):
    """The address is no id or code."""

    code: ClassVar[str] = "not-found"


class Contended(CommandRefused):
    """Others kept changing what the decision rests on."""
