"""What both sides say of a pushed petition: the office's record now, and what its source said last."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.intake.application.known_reference import differing
from services.intake.domain import AnyFact
from services.intake.domain.catalogues import canonical
from services.intake.domain.errors import InvalidValue
from shared.cases.catalogues import CatalogueLog
from shared.cases.corrections import CORRECTABLE, corrected
from shared.cases.facts import annulled_ids
from shared.cases.source_version import rank
from shared.events.petition import Identity, PetitionCorrected, PetitionReceived
from shared.identifiers import normalised

#: The fields of a receipt that hold codes or digests: case tells nothing in them, and in all others it does.
_CODES = frozenset({"jurisdiction", "attachments"})

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
    annulled, annulled_then = annulled_ids(facts), annulled_ids([fact for fact in facts if fact.version <= alike_at])
    for fact in facts:
        if not isinstance(fact.event, PetitionCorrected):
            continue
        said: Any = _with_sealed(fact, opened)
        last = fact.source_version or last
        # Its source said what the office has annulled all the same.
        if fact.event_id not in annulled:
            ours = applied(ours, said)
        if fact.version <= alike_at:
            base = base if fact.event_id in annulled_then else applied(base, said)
        elif fact.source_version:
            while waiting and rank(waiting[0][0]) < rank(fact.source_version):
                base = applied(base, waiting.pop(0)[1])
            base = applied(base, said)
    for _, correction in waiting:
        base = applied(base, correction)
    return Sides(ours, base, last)


def applied(receipt: PetitionReceived, correction: PetitionCorrected) -> PetitionReceived:
    """The receipt after a correction, what is sealed included: a person keeps what nothing else is said of."""
    found = corrected(receipt, correction)
    if "identities" not in correction.corrected:
        return found
    return msgspec.structs.replace(found, identities=receipt.identities | correction.identities)


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
    found = differing(said, stands, fields, _CODES)
    # "No" is another thing to say of an attribute than nothing, and than 0.
    if _exact(given.attributes) != _exact(known.attributes):
        found.append("attributes")
    return [name for name in fields if name in found]


def _exact(attributes: Mapping[str, str | int | bool]) -> dict[str, tuple[type, object]]:
    return {
        name: (type(value), normalised(value) if isinstance(value, str) else value)
        for name, value in attributes.items()
    }


def recognised(
    given: PetitionReceived, minted: Collection[str], known: Sequence[PetitionReceived | PetitionCorrected]
) -> PetitionReceived:
    """A push whose people stand under the ids that they have here; `minted` are ids for those whom it gives none.

    Who is said to be the same is the same, and the only one that is left is the only one that is known beside them.
    A label tells nobody apart: where it would have to, the push is refused. Raises InvalidValue.
    """
    free: dict[str, list[Identity]] = {}
    for each in known:
        for who in (*each.petitioner_ids, *each.identities):
            if who not in given.petitioner_ids:
                theirs = free.setdefault(who, [])
                theirs += [each.identities[who]] if who in each.identities else []
    ids: dict[str, str] = {}

    def is_known(new: str, who: str) -> None:
        ids[new] = who
        del free[who]

    for new in minted:
        said = given.identities.get(new)
        same = [who for who, theirs in free.items() if said is not None and any(_is_alike(said, one) for one in theirs)]
        if same:
            is_known(new, same[0])
    left = [new for new in minted if new not in ids]
    # Of whom nothing is known yet may be anybody.
    for new, who in list(zip(left, [who for who, theirs in free.items() if not theirs], strict=False)):
        is_known(new, who)
        left.remove(new)
    if left and free:
        if given.identities and (len(left) > 1 or len(free) > 1):
            raise InvalidValue("identities", "who-is-who")
        is_known(left[0], next(iter(free)))
    return msgspec.structs.replace(
        given,
        petitioner_ids=tuple(ids.get(who, who) for who in given.petitioner_ids),
        identities={ids.get(who, who): said for who, said in given.identities.items()},
    )


def _is_alike(one: Identity, other: Identity) -> bool:
    said, stands = msgspec.to_builtins(one), msgspec.to_builtins(other)
    return not differing(said, stands, said.keys() | stands.keys(), ())


def correction_of(given: PetitionReceived, ours: PetitionReceived, changed: Collection[str]) -> PetitionCorrected:
    """The event that brings what stands to what a push says; its own day is set where it is decided."""
    named = tuple(name for name, field in CORRECTABLE.items() if field in changed)
    values = {name: getattr(given, CORRECTABLE[name]) for name in named}
    if "identities" in values:
        known = ours.identities
        values["identities"] = {
            who: said for who, said in given.identities.items() if who not in known or not _is_alike(said, known[who])
        }
    return PetitionCorrected(effective_on=ours.effective_on, corrected=named, **values)


def opened_by_version(opened: Mapping[tuple[UUID, int], Mapping[str, Any]], petition_id: UUID) -> Opened:
    """What opens of one petition."""
    return {version: content for (originator, version), content in opened.items() if originator == petition_id}


def _with_sealed(fact: AnyFact, opened: Opened) -> Any:
    """The event of a fact with what opens of it."""
    if not (content := opened.get(fact.version)):
        return fact.event
    return msgspec.convert(msgspec.to_builtins(fact.event) | content, type(fact.event))
