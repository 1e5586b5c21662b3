"""What every case of a source depends on: the regulation, and the dialogues that authorities have held."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.followup.application.applying import decoded, links_of
from services.followup.application.ports import Projection
from services.followup.domain.cases import Dialogue, dialogue_of, fold_conference
from services.followup.domain.facts import Fact, fact_of, is_of_conference, is_regulation
from shared.events import Recorded

STREAMS_AT_ONCE = 200


async def load_shared(projection: Projection, source: str) -> tuple[list[Fact], dict[UUID, Dialogue]]:
    """Every fact of the regulation, in the order recorded, and the dialogues held, by their conference.

    Of the conferences themselves only some are in memory at a time.
    """
    regulation, dialogues = list[Fact](), dict[UUID, Dialogue]()
    async for streams in projection.shared_streams(source, STREAMS_AT_ONCE):
        for subject_id, recorded in streams.items():
            facts = [fact_of(each) for each in recorded]
            if is_regulation(facts[0]):
                regulation += facts
            elif is_of_conference(facts[0]) and (held := dialogue_of(fold_conference(subject_id, facts))) is not None:
                dialogues[subject_id] = held
    return sorted(regulation, key=lambda fact: fact.position), dialogues


async def conferences_of(
    projection: Projection, source: str, petitions: Mapping[UUID, Sequence[Recorded]]
) -> list[Fact]:
    """The facts of the conferences to which petitions belong."""
    links = (link for p, events in petitions.items() for event in events for link in links_of(p, decoded(event)))
    found = await projection.conferences(source, {other for other, _, merged in links if not merged})
    return [fact_of(each) for loaded in found.values() for each in loaded.facts]
