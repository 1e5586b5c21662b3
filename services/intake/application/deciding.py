"""Load what a command concerns, let the domain decide, and say on which versions the decision rests."""

import asyncio
import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.intake.application.command import Command
from services.intake.application.commands import ERASURE
from services.intake.application.errors import NotFound, StaleVersion
from services.intake.application.petitioners import with_petitioner_ids
from services.intake.application.ports import CaseHistory, Ids, StoredKey
from services.intake.application.regulation_cache import RegulationCache, RegulationSnapshot
from services.intake.application.stream_ids import receipt_code, regulation_id, target_id
from services.intake.domain import (
    AnyFact,
    AnyNewFact,
    Conference,
    DecisionContext,
    Petition,
    agencies_named,
    check_sender,
    clocks_looked_at,
    decide,
    fold_conference,
    fold_petition,
    may,
    may_under_rules,
    related,
)
from services.intake.domain.acts import RESTING_ON_RULES
from services.intake.domain.catalogues import CATALOGUE_FIELDS
from services.intake.domain.field_checks import check_reference
from services.intake.domain.people import key_owner
from shared.events import SEALED, DatedEvent, PetitionReference
from shared.events.person import PersonEvent, PersonNameErased
from shared.events.petition import PersonalDataErased, PetitionReceived
from shared.events.regulation import PolicyAdopted
from shared.identifiers import derived_id, kept_forms, lineage, normalised


class Erasure(msgspec.Struct, frozen=True):
    """Whose sealing keys go, all of them as the decision knew them; `named` is by what other commands name them."""

    owner: str
    key_ids: tuple[UUID, ...]
    named: str


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What a command comes to, before it is sealed and recorded.

    `expected` holds the version of every aggregate that the decision rests on; `petitioners` whose data the sealed
    parts of each aggregate are; `references` under which the petitions that exist were pushed.
    """

    facts: tuple[AnyNewFact, ...]
    expected: dict[UUID, int]
    day: date
    aggregate: str
    petitioners: dict[UUID, tuple[str, ...]] = {}
    references: dict[UUID, PetitionReference] = {}
    erasure: Erasure | None = None


class LoadedAggregates:
    """The aggregates of one decision."""

    def __init__(self) -> None:
        self.versions: dict[UUID, int] = {}
        self.petitions: dict[UUID, Petition] = {}
        self.conferences: dict[UUID, Conference] = {}
        #: Under which references the petitions were pushed.
        self.references: dict[UUID, PetitionReference] = {}
        self._erased: dict[UUID, set[str]] = {}

    def take(self, found: Mapping[UUID, Sequence[AnyFact]]) -> None:
        """Fold what was read."""
        for originator, facts in found.items():
            self.versions[originator] = facts[-1].version if facts else 0
            if not facts:
                continue
            self._erased[originator] = {f.event.petitioner_id for f in facts if isinstance(f.event, PersonalDataErased)}
            if facts[0].event.AGGREGATE == "petition":
                if (petition := fold_petition(facts)) is not None:
                    self.petitions[originator] = petition
                    if (reference := facts[0].reference) is not None:
                        self.references[originator] = reference
            elif facts[0].event.AGGREGATE == "conference" and (conference := fold_conference(facts)) is not None:
                self.conferences[originator] = conference

    def petitioners(self) -> dict[UUID, tuple[str, ...]]:
        """Under whose keys the words of each petition are sealed."""
        return {originator: self.petitioners_of(originator) for originator in self.petitions}

    def petitioners_of(self, originator: UUID) -> tuple[str, ...]:
        """Under whose keys the words of a petition are sealed: never again under those of an erased petitioner."""
        petition, erased = self.petitions.get(originator), self._erased.get(originator, ())
        return tuple(i for i in petition.petitioner_ids if i not in erased) if petition else ()

    def without_erased(self, named: Mapping[UUID, tuple[str, ...]]) -> dict[UUID, tuple[str, ...]]:
        """The petitioners named, less those of whom a petition at hand says that they were erased."""
        if not self._erased:
            return dict(named)
        gone = set().union(*self._erased.values())
        return {originator: tuple(i for i in ids if i not in gone) for originator, ids in named.items()}

    def of(self, originator: UUID) -> Petition | Conference | None:
        """The aggregate with this id."""
        return self.petitions.get(originator) or self.conferences.get(originator)


class CommandDecider:
    """Decides one command on what is known and what it loads."""

    def __init__(self, regulation_cache: RegulationCache, history: CaseHistory, new_id: Ids) -> None:
        self._regulation_cache = regulation_cache
        self._history = history
        self._new_id = new_id

    async def decide(self, command: Command, known: RegulationSnapshot | None = None) -> Decided:
        """The facts of a command and what they rest on: what is known now, or what was `known`. Raises Refused."""
        known = known or self._regulation_cache.snapshot()
        check_reference(normalised(command.body.source), normalised(command.body.external_id))
        if command.codec.route is ERASURE:
            return await self._erasure(command, known)
        event, regulation = self._event(command, known), known.regulation
        loaded = LoadedAggregates()
        originator = await self._target(command, event, loaded, known)
        target = loaded.of(originator)
        await self._load_related(originator, event, loaded)
        if command.if_match is not None and loaded.versions[originator] not in command.if_match:
            raise StaleVersion(loaded.versions[originator])
        may(command.caller, event, target, regulation)
        context = DecisionContext(
            regulation,
            known.today,
            loaded.conferences,
            loaded.petitions,
            originator,
            attributes=known.attributes,
        )
        may_under_rules(command.caller, event, target, context)
        if isinstance(event, PolicyAdopted):
            # It is counted with before it is adopted, which takes longer than anything else that is decided.
            facts = await asyncio.to_thread(decide, event, target, context, originator)
        else:
            facts = with_receipt(decide(event, target, context, originator))
        return Decided(
            facts=facts,
            expected=loaded.versions | rests_on(facts, known.versions) | _counted_by(facts, known),
            day=known.today,
            aggregate=facts[0].aggregate,
            petitioners=loaded.petitioners() | loaded.without_erased(named_petitioners(facts)) | people_of(facts),
            references=loaded.references,
            erasure=await self._erasure_of_name(event, known) if isinstance(event, PersonNameErased) else None,
        )

    def _event(self, command: Command, known: RegulationSnapshot) -> DatedEvent:
        event = command.codec.event(command.body, command.body.effective_on or known.today, **command.in_path)
        return with_petitioner_ids(event, lambda: str(self._new_id()))

    async def _target(
        self, command: Command, event: DatedEvent, loaded: LoadedAggregates, known: RegulationSnapshot
    ) -> UUID:
        """The aggregate of the event: a new one, one of the regulation, or the one at the address, loaded."""
        route = command.codec.route
        people = known.regulation.people
        registered = people.person_of(event) if isinstance(event, PersonEvent) else regulation_id(event)
        if registered is not None:
            loaded.versions[registered] = known.versions.get(registered, 0)
            return registered
        if route.creates:
            created = self._new_id()
            loaded.versions[created] = 0
            return created
        originator = target_id(route.aggregate, command.target)
        if route.aggregate == "policy":
            if (version := known.versions.get(originator)) is None:
                raise NotFound(None, "target", aggregate=route.aggregate, target=command.target)
            loaded.versions[originator] = version
            return originator
        loaded.take(await self._history.facts([originator]))
        target = loaded.of(originator)
        if target is None or isinstance(target, Petition) != (route.aggregate == "petition"):
            raise NotFound(None, "target", aggregate=route.aggregate, target=command.target)
        if command.caller.is_sender and route.aggregate == "petition":
            received = await self._history.place(originator, 1)
            check_sender(command.caller, received.actor, received.source)
        return originator

    async def _load_related(self, originator: UUID, event: DatedEvent, loaded: LoadedAggregates) -> None:
        wanted = set(related(event, loaded.of(originator)))
        if originator in loaded.conferences:
            wanted.update(await self._history.petitions_at(originator))
        wanted -= loaded.versions.keys()
        if wanted:
            loaded.take(await self._history.facts(wanted))
        if looked_at := clocks_looked_at(event, loaded.of(originator), originator):
            await load_clocks(self._history, looked_at, loaded, loaded.take)

    async def _erasure_of_name(self, event: PersonNameErased, known: RegulationSnapshot) -> Erasure:
        owner = key_owner(event.person)
        if not (keys := await self._history.keys_owned_by(owner)):
            raise NotFound(None, "nothing-to-erase-person")
        return _erasure(owner, keys, named=known.regulation.people.subject_of(event.person))

    async def _erasure(self, command: Command, known: RegulationSnapshot) -> Decided:
        """Every key of a petitioner goes, and each of their petitions says so, in one transaction."""
        for owner in kept_forms(command.target):
            if keys := await self._history.keys_owned_by(owner):
                break
        else:
            raise NotFound(None, "nothing-to-erase")
        event = command.codec.event(command.body, command.body.effective_on or known.today, petitioner_id=owner)
        loaded = LoadedAggregates()
        loaded.take(await self._history.facts({key.originator_id for key in keys}))
        facts: list[AnyNewFact] = []
        for originator, petition in sorted(loaded.petitions.items()):
            may(command.caller, event, petition, known.regulation)
            context = DecisionContext(known.regulation, known.today, loaded.conferences, loaded.petitions)
            facts.extend(decide(event, petition, context, originator))
        if not facts:
            raise NotFound(None, "no-petition")
        return Decided(
            facts=tuple(facts),
            expected={fact.originator_id: loaded.versions[fact.originator_id] for fact in facts},
            day=known.today,
            aggregate="petition",
            references=loaded.references,
            erasure=_erasure(owner, keys, named=owner),
        )


def _erasure(owner: str, keys: Sequence[StoredKey], named: str) -> Erasure:
    return Erasure(owner, tuple(sorted(key.key_id for key in keys)), named)


def _counted_by(facts: Sequence[AnyNewFact], known: RegulationSnapshot) -> dict[UUID, int]:
    """The policies and calendars by which days were counted for these facts."""
    if not any(fact.event.TOPIC in RESTING_ON_RULES for fact in facts):
        return {}
    places = {code for fact in facts for code in lineage(fact.jurisdiction)}
    relied = [derived_id("policy", code) for code in places]
    relied += [derived_id("calendar", year) for year in known.regulation.years]
    return {originator: known.versions.get(originator, 0) for originator in relied}


async def load_clocks(
    history: CaseHistory,
    petition_ids: Collection[UUID],
    loaded: LoadedAggregates,
    take: Callable[[Mapping[UUID, Sequence[AnyFact]]], None],
) -> None:
    """Load what the reply clocks of loaded petitions rest on: what was merged into them, and the conferences of all.

    A decision expects the versions of these, so that none of them changes unnoticed. A merger that is recorded between
    this reading and the append is in the stream of a petition that nobody expects: then the decision stands by the
    date before the merger, and followup counts the earlier one from the merger on.
    """
    found, youngest = set(petition_ids), set(petition_ids)
    while youngest:
        youngest = set(await history.merged_into(youngest)) - found
        found |= youngest
        if missing := youngest - loaded.versions.keys():
            take(await history.facts(missing))
    known = [petition for each in found if (petition := loaded.petitions.get(each)) is not None]
    if missing := {conference for petition in known for conference in petition.conferences} - loaded.versions.keys():
        take(await history.facts(missing))


def rests_on(facts: Iterable[AnyNewFact], versions: Mapping[UUID, int]) -> dict[UUID, int]:
    """The bodies that the events name, and the catalogues from which they choose.

    A closing or a new catalogue that is recorded meanwhile makes the command be decided again.
    """
    named: dict[UUID, int] = {}
    for fact in facts:
        bodies = [body_id("jurisdiction", fact.jurisdiction)]
        bodies += [body_id("agency", code) for code in agencies_named(fact.event)]
        for originator in bodies:
            if originator in versions and originator != fact.originator_id:
                named[originator] = versions[originator]
        for name, kind in CATALOGUE_FIELDS.get(type(fact.event), {}).items():
            if getattr(fact.event, name):
                # A first catalogue counts too: what was written freely beside it would have no code.
                catalogues = (catalogue_id(code, kind) for code in lineage(fact.jurisdiction))
                named |= {originator: versions.get(originator, 0) for originator in catalogues}
    return named


@functools.lru_cache(maxsize=4096)
def body_id(kind: str, code: str) -> UUID:
    """The aggregate of a jurisdiction or agency; the same few are asked for again and again."""
    return derived_id(kind, code)


@functools.lru_cache(maxsize=4096)
def catalogue_id(jurisdiction: str, kind: str) -> UUID:
    """The aggregate of a place's catalogues of a kind."""
    return derived_id("catalogue", jurisdiction, kind)


def named_petitioners(facts: Sequence[AnyNewFact]) -> dict[UUID, tuple[str, ...]]:
    """The petitioners that an event itself names: of a new petition, of a speaker's matter."""
    return {
        f.originator_id: ids
        for f in facts
        if SEALED[f.event.TOPIC] and (ids := tuple(getattr(f.event, "petitioner_ids", ())))
    }


def people_of(facts: Sequence[AnyNewFact]) -> dict[UUID, tuple[str, ...]]:
    """Under whose keys the names and reasons of people are sealed: each person's own, so that they can be erased."""
    return {f.originator_id: (key_owner(f.originator_id),) for f in facts if f.aggregate == "person"}


def with_receipt(facts: tuple[AnyNewFact, ...]) -> tuple[AnyNewFact, ...]:
    """A received petition carries the code on its petitioner's receipt."""
    return tuple([_with_receipt(f) if isinstance(f.event, PetitionReceived) else f for f in facts])


def _with_receipt(fact: AnyNewFact) -> AnyNewFact:
    event = msgspec.structs.replace(fact.event, receipt_code=receipt_code(fact.originator_id))
    return msgspec.structs.replace(fact, event=event)
