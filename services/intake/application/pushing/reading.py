"""What both sides say of a pushed petition: the office's record now, and what its source said last."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.intake.application.known_reference import differing
from services.intake.domain import AnyFact
from services.intake.domain.catalogues import canonical
from shared.cases.catalogues import CatalogueLog
from shared.cases.corrections import CORRECTABLE
from shared.cases.facts import standing
from shared.cases.source_version import rank
from shared.events.petition import PetitionCorrected, PetitionReceived

#: What is sealed of a petition and opens, by the version of the event.
Opened = Mapping[int, Mapping[str, Any]]


class Sides(msgspec.Struct, frozen=True):
    """A petition as it stands here (`ours`) and as its source said it last (`base`); `last` is the version of that."""

    ours: PetitionReceived
    base: PetitionReceived
    last: str


class Weighed(msgspec.Struct, frozen=True):
    """What a push would change, by the fields of the receipt; `both` are those that the office has changed too."""

    changed: tuple[str, ...]
    both: tuple[str, ...]


def sides(
    facts: Sequence[AnyFact],
    receipt: AnyFact,
    opened: Opened,
    alike_at: int,
    refused: Sequence[tuple[str, PetitionCorrected]] = (),
) -> Sides:
    """Fold both sides. Up to the event `alike_at` they were once found alike; `refused` is what the source said since
    and the office did not take over, with its versions in order."""
    ours: Any = _with_sealed(receipt, opened)
    base, last, waiting = ours, receipt.source_version, list(refused)
    for fact in standing(facts):
        if not isinstance(fact.event, PetitionCorrected):
            continue
        said: Any = _with_sealed(fact, opened)
        ours = applied(ours, said)
        last = fact.source_version or last
        if fact.version <= alike_at:
            base = ours
        elif fact.source_version:
            while waiting and rank(waiting[0][0]) < rank(fact.source_version):
                base = applied(base, waiting.pop(0)[1])
            base = applied(base, said)
    for _, correction in waiting:
        base = applied(base, correction)
    return Sides(ours, base, last)


def applied(receipt: PetitionReceived, correction: PetitionCorrected) -> PetitionReceived:
    """The receipt after a correction, what is sealed included: a person keeps what nothing else is said of."""
    changes = {CORRECTABLE[name]: getattr(correction, name) for name in correction.corrected if name in CORRECTABLE}
    if "identities" in changes:
        changes["identities"] = receipt.identities | correction.identities
    return msgspec.structs.replace(receipt, **changes)


def weigh(given: PetitionReceived, both_sides: Sides, fields: Collection[str], catalogues: CatalogueLog) -> Weighed:
    """What a push changes, held against what its source said last and against what stands."""
    ours, base = both_sides.ours, both_sides.base
    changed = unlike(given, base, fields, catalogues)
    if changed:
        against_ours = unlike(given, ours, fields, catalogues)
        changed = [name for name in changed if name in against_ours]
    theirs_too = unlike(ours, base, fields, catalogues) if changed else []
    return Weighed(tuple(changed), tuple(name for name in changed if name in theirs_too))


def unlike(
    given: PetitionReceived, known: PetitionReceived, fields: Collection[str], catalogues: CatalogueLog
) -> list[str]:
    """The fields in which a push says something else. Nobody leaves a petition by not being named again."""
    ids = tuple(dict.fromkeys((*known.petitioner_ids, *given.petitioner_ids)))
    filled = msgspec.structs.replace(given, petitioner_ids=ids, identities=known.identities | given.identities)
    said, stands = (msgspec.to_builtins(canonical(each, known.jurisdiction, catalogues)) for each in (filled, known))
    return differing(said, stands, fields)


def correction_of(given: PetitionReceived, ours: PetitionReceived, changed: Collection[str]) -> PetitionCorrected:
    """The event that brings what stands to what a push says; its own day is set where it is decided."""
    named = tuple(name for name, field in CORRECTABLE.items() if field in changed)
    values = {name: getattr(given, CORRECTABLE[name]) for name in named}
    if "identities" in values:
        values["identities"] = {who: said for who, said in given.identities.items() if ours.identities.get(who) != said}
    return PetitionCorrected(effective_on=ours.effective_on, corrected=named, **values)


def opened_by_version(opened: Mapping[tuple[UUID, int], Mapping[str, Any]], petition_id: UUID) -> Opened:
    """What opens of one petition."""
    return {version: content for (originator, version), content in opened.items() if originator == petition_id}


def _with_sealed(fact: AnyFact, opened: Opened) -> Any:
    """The event of a fact with what opens of it."""
    if not (content := opened.get(fact.version)):
        return fact.event
    return msgspec.convert(msgspec.to_builtins(fact.event) | content, type(fact.event))
