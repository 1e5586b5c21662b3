"""When debtors were warned: the warnings recorded on deadlines."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from shared.events import decode_state
from shared.events.deadline import DeadlineDueSoon

_OF_DEADLINES = """
SELECT originator_id, topic, state FROM public.stored_events
WHERE originator_id = ANY($1) AND topic = $2 ORDER BY originator_id, originator_version
"""


async def warned_on(connection: Any, deadline_ids: Collection[UUID]) -> dict[UUID, tuple[date, ...]]:
    """Return the stages of which each deadline has warned, in that order; those that never did are left out.

    A warning stays given when the deadline is moved afterwards. Of the stages that had passed when a clock was set only
    the last is given.
    """
    found: dict[UUID, tuple[date, ...]] = {}
    for row in await connection.fetch(_OF_DEADLINES, list(deadline_ids), DeadlineDueSoon.TOPIC):
        event, _ = decode_state(row["topic"], row["state"])
        assert isinstance(event, DeadlineDueSoon)
        found[event.deadline_id] = (*found.get(event.deadline_id, ()), event.stage_on)
    return found
