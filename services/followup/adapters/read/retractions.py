"""Which breaches were none: the retractions recorded on deadlines."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.followup.adapters.read.models import Retraction
from shared.events import decode_state
from shared.events.deadline import DeadlineBreachRetracted

_OF_DEADLINES = """
SELECT topic, state FROM public.stored_events
WHERE originator_id = ANY($1) AND topic = $2 ORDER BY originator_id, originator_version
"""


async def retractions(connection: Any, deadline_ids: Collection[UUID]) -> dict[UUID, tuple[Retraction, ...]]:
    """Return the retracted breaches of each deadline, in their order; those without any are left out."""
    found: dict[UUID, tuple[Retraction, ...]] = {}
    for row in await connection.fetch(_OF_DEADLINES, list(deadline_ids), DeadlineBreachRetracted.TOPIC):
        event, _ = decode_state(row["topic"], row["state"])
        assert isinstance(event, DeadlineBreachRetracted)
        found[event.deadline_id] = (*found.get(event.deadline_id, ()), Retraction(event.at, event.reason))
    return found
