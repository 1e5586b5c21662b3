"""A machine made from stored facts and what was raised on them, as a writer makes it after an outage."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.followup.domain.cases import Dialogue, dialogue_of, fold_conference
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.facts import Fact, is_regulation


def loaded_again(before: DeadlineEngine, facts: Sequence[Fact], without: UUID | None = None) -> DeadlineEngine:
    """A machine that knows the same as another; of one petition the raised deadlines are lost."""
    raised = {s: before.raised_of(s) for s in before.subjects() if s != without}
    return load(facts, raised, before.horizon)


def load(
    facts: Sequence[Fact],
    raised: Mapping[UUID, Sequence[DeadlineState]],
    horizon: datetime | None,
    only: Collection[UUID] | None = None,
) -> DeadlineEngine:
    """A machine with what is shared and every case, or `only` some with the conferences of the petitions."""
    engine, own = DeadlineEngine("test"), by_subject(facts)
    engine.load_shared([fact for fact in facts if is_regulation(fact)], _dialogues(own), horizon)
    engine.load_jurisdictions([r for s in engine.cases.jurisdictions for r in raised.get(s, ())])
    wanted = own.keys() if only is None else set(only)
    for subject_id in wanted & own.keys():
        if own[subject_id][0].meta.aggregate == "petition":
            engine.load_petition(subject_id, own[subject_id], raised.get(subject_id, ()))
            wanted = wanted | set(engine.cases.conferences_of(subject_id))
    for subject_id in wanted:
        if not engine.cases.is_petition(subject_id):
            engine.load_conference(subject_id, own.get(subject_id, ()), raised.get(subject_id, ()))
    return engine


def by_subject(facts: Iterable[Fact]) -> dict[UUID, list[Fact]]:
    """The facts of petitions and conferences, each with its own."""
    found: dict[UUID, list[Fact]] = {}
    for fact in facts:
        if not is_regulation(fact):
            found.setdefault(fact.originator_id, []).append(fact)
    return found


def _dialogues(own: Mapping[UUID, Sequence[Fact]]) -> dict[UUID, Dialogue]:
    held = {
        i: dialogue_of(fold_conference(i, facts)) for i, facts in own.items() if facts[0].meta.aggregate == "conference"
    }
    return {i: dialogue for i, dialogue in held.items() if dialogue is not None}
