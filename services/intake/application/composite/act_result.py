"""What an act came to, and how the doors tell it."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.intake.application.command import CommandOutcome
from services.intake.application.composite.given_act import GivenAct


class ActOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an act came to, part by part; the same again for its retry."""

    recorded_at: datetime
    parts: tuple[CommandOutcome, ...]
    known_reference: bool = False


class PartResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a part of an act came to."""

    command: str
    id: UUID
    version: int
    position: int
    receipt_code: str = ""


class ActResult(msgspec.Struct, frozen=True, kw_only=True):
    """An act was decided and is durable, whole."""

    recorded_at: datetime
    parts: tuple[PartResult, ...]


def result_of(act: GivenAct, outcome: ActOutcome) -> ActResult:
    """What the doors answer."""
    parts = tuple(
        PartResult(
            command=part.codec.route.topic,
            id=done.id,
            version=done.version,
            position=done.position,
            receipt_code=done.receipt_code,
        )
        for part, done in zip(act.parts, outcome.parts, strict=True)
    )
    return ActResult(recorded_at=outcome.recorded_at, parts=parts)
