"""Dialogues that were asked for: by whom, on which petitions, and what the chair has said."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from services.followup.adapters.store.projection import recorded_of
from services.followup.domain.cases import fold_conference
from services.followup.domain.deadlines.case_rows import Decision
from services.followup.domain.facts import Fact, fact_of
from shared.events import Undecodable
from shared.events.conference import ConferenceProposed

_FACTS = """
SELECT source, position, event_id, originator_id, version, topic, recorded_at, state FROM facts
WHERE originator_id = ANY($1) ORDER BY position
"""


class ProposedDialogue(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue that was asked for; `accepted` is None until the chair has decided."""

    source: str
    conference_id: UUID
    event_id: UUID
    #: An agency's code, or what the requester was called.
    proposer: str
    proposed_on: date
    #: What it is about.
    petition_ids: tuple[UUID, ...] = ()
    accepted: bool | None = None
    decided_on: date | None = None

    @property
    def awaits(self) -> Decision | None:
        """What it waits for while nothing is planned; None where it was declined."""
        if self.accepted is None:
            return Decision.DECIDE
        return Decision.PLAN if self.accepted else None


async def proposals_of(connection: Any, conference_ids: Collection[UUID]) -> dict[UUID, ProposedDialogue]:
    """Return what was asked for of those of some conferences that began with a proposal."""
    facts: dict[UUID, list[Fact]] = {}
    sources: dict[UUID, str] = {}
    for row in await connection.fetch(_FACTS, list(conference_ids)):
        sources[row["originator_id"]] = row["source"]
        try:
            facts.setdefault(row["originator_id"], []).append(fact_of(recorded_of(row["source"], row)))
        except Undecodable:
            continue  # what waits to be read says nothing yet
    found = {}
    for conference_id, recorded in facts.items():
        case = fold_conference(conference_id, recorded)
        if case is None or case.proposed is None:
            continue
        asked, decided = case.proposed.event, case.decided
        found[conference_id] = ProposedDialogue(
            source=sources[conference_id],
            conference_id=conference_id,
            event_id=case.proposed.event_id,
            proposer=asked.proposer if isinstance(asked, ConferenceProposed) else asked.requester,
            proposed_on=case.proposed.on,
            petition_ids=asked.petition_ids if isinstance(asked, ConferenceProposed) else (),
            accepted=decided.event.accepted if decided else None,
            decided_on=decided.on if decided else None,
        )
    return found
