"""When debtors were reminded: the reminders recorded on cases."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from services.followup.adapters.store.projection import FACT, recorded_of
from services.followup.domain.facts import Fact, fact_of
from shared.cases.facts import standing
from shared.events import Undecodable
from shared.events.any_stream import ReminderSent

#: Parked events are read too: the debtor was reminded, whatever hinders the case.
_OF_CASES = f"""
{FACT} WHERE originator_id = ANY($1) AND topic IN ('ReminderSent', 'RecordAnnulled') ORDER BY position
"""


async def reminded_on(connection: Any, subject_ids: Collection[UUID]) -> dict[UUID, date]:
    """Return the day of the last reminder on each deadline of some cases; those without any are left out.

    Reminders that were annulled do not count.
    """
    facts: dict[UUID, list[Fact]] = {}
    for row in await connection.fetch(_OF_CASES, list(subject_ids)):
        try:
            fact = fact_of(recorded_of("", row))
        except Undecodable:  # it is listed as parked
            continue
        facts.setdefault(fact.originator_id, []).append(fact)
    found: dict[UUID, date] = {}
    for fact in (f for known in facts.values() for f in standing(known)):
        if isinstance(fact.event, ReminderSent):
            deadline_id = fact.event.deadline_id
            found[deadline_id] = max(fact.on, found.get(deadline_id, date.min))
    return found
