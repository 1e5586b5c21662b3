"""The deadline events that are to be recorded."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.wording.explanation import letter
from shared.events.deadline import (
    DeadlineEvent,
    InWords,
)
from shared.identifiers import local_iso, ordered_derived_id


class Emitted(msgspec.Struct, frozen=True, gc=False):
    """A deadline event to be recorded, at its place in the deadline's stream."""

    event: DeadlineEvent
    event_id: UUID
    version: int
    backfilled: bool
    jurisdiction: str


def deadline_event(
    raised: DeadlineState,
    kind: type[DeadlineEvent],
    cause: UUID,
    at: datetime,
    backfilled: bool,
    stage: int,
    **fields: Any,
) -> Emitted:
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
    return Emitted(event, event_id, raised.version, backfilled, raised.jurisdiction)


def breach_details(raised: DeadlineState) -> dict[str, Any]:
    """What a breach says of its date: whoever receives it can tell the debtor why, without asking followup."""
    told = {"explanation": raised.explanation, "reason": raised.clock_reason}
    if raised.explanation is None:
        return told
    words = letter(raised.explanation)
    return {**told, "text": InWords(vi=words.vi, en=words.en)}
