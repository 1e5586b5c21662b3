"""The deadline events that are to be recorded, with what all of them carry."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.wording.explanation import letter
from shared.events import PetitionReference
from shared.events.deadline import (
    DeadlineEvent,
    InWords,
)
from shared.identifiers import local_iso, ordered_derived_id


class Emitted(msgspec.Struct, frozen=True, gc=False):
    """A deadline event to be recorded, at its place in the deadline's stream."""

    event: DeadlineEvent
    #: Derived from instant, deadline, cause and topic: the same event always has the same id.
    event_id: UUID
    #: The place in the deadline's stream, from 1 on.
    version: int
    #: Whether it concerns a case that was taken over from before.
    backfilled: bool
    #: The code of the authority whose case it is.
    jurisdiction: str
    #: Under which reference the petition was pushed; None where it was not.
    reference: PetitionReference | None = None


def deadline_event(
    raised: DeadlineState,
    kind: type[DeadlineEvent],
    cause: UUID,
    at: datetime,
    backfilled: bool,
    stage: int,
    **fields: Any,
) -> Emitted:
    """The event of a kind as a deadline stands; `stage` tells apart the warnings that one cause brings."""
    breached_at = raised.breached_at
    event = kind(
        deadline_id=raised.deadline_id,
        source=raised.source,
        duty=raised.duty,
        part=raised.part,
        subject=raised.subject,
        subject_id=raised.subject_id,
        debtor=raised.debtor,
        cause_id=cause,
        at=at,
        due_on=raised.due_on,
        breached_at=local_iso(breached_at) if breached_at else "",
        **fields,
    )
    event_id = ordered_derived_id(at, raised.deadline_id, cause, kind.TOPIC, stage)
    return Emitted(event, event_id, raised.version, backfilled, raised.jurisdiction, raised.reference)


def breach_details(raised: DeadlineState) -> dict[str, Any]:
    """What a breach says of its date, so that whoever receives it can explain it without a query to followup."""
    details = {"explanation": raised.explanation, "reason": raised.clock_reason}
    if raised.explanation is None:
        return details
    words = letter(raised.explanation)
    return {**details, "text": InWords(vi=words.vi, en=words.en)}
