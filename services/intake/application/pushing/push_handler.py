"""A push is a synchronisation: what is new in a version of a record is recorded, and nothing twice.

created    the reference was not known: the petition is received
changed    nobody but its source had touched what it changes: a correction is recorded
unchanged  it says what its source said before, or what stands here; names the fields that the office keeps otherwise
stale      a later version is known already
conflict   an official has the petition in hand, or has changed the same: the push waits for a decision, whole
"""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.intake.application.append_builder import Recorder
from services.intake.application.attempts import settled
from services.intake.application.command import Command, CommandOutcome, check_caller
from services.intake.application.command_body import CODECS
from services.intake.application.command_handler import CommandHandler, outcome_of
from services.intake.application.deciding import Decided, rests_on
from services.intake.application.errors import (
    ConflictDecided,
    NotFound,
    ReferenceAnnulled,
    ReferenceDiffers,
    ReferenceErased,
    ReferenceUsed,
    SourceVersionReused,
    StaleVersion,
)
from services.intake.application.known_reference import KnownReferences, is_erased
from services.intake.application.petitioners import with_petitioner_ids
from services.intake.application.ports import EventPlace, EventStore, History, Ids
from services.intake.application.pushing.conflicts import Conflict, ConflictState, NewConflict, PushedRecord, Pushes
from services.intake.application.pushing.push import RECEIPT, FieldConflict, Push, PushOutcome, PushResult
from services.intake.application.pushing.reading import (
    Sides,
    applied,
    correction_of,
    opened_by_version,
    recognised,
    sides,
    unlike,
    weigh,
)
from services.intake.application.pushing.turns import Turns
from services.intake.application.regulation_cache import RegulationCache
from services.intake.application.stream_ids import receipt_code
from services.intake.domain import (
    AnyFact,
    Caller,
    DecisionContext,
    Petition,
    Refused,
    check_role,
    check_sender,
    check_source,
    decide,
    fold_petition,
)
from services.intake.domain.acts.act import OFFICE_OR_CHAIR
from services.intake.domain.acts.petition.correct import correctable
from services.intake.domain.errors import InvalidValue
from services.intake.domain.receipt_fields import with_receipt_fields
from shared.cases.corrections import CORRECTABLE
from shared.cases.facts import annulled_ids
from shared.cases.pushing import ANY_SOURCE
from shared.cases.source_version import is_instant, rank
from shared.event_store.errors import VersionConflict
from shared.events import SEALED, PetitionReference
from shared.events.petition import PersonalDataErased, PetitionCorrected, PetitionReceived, PetitionWithdrawn
from shared.identifiers import kept_forms, local_day, normalised

_CORRECTION = CODECS["/v1/petitions/{id}/correction"]
_WITHDRAWAL = CODECS["/v1/petitions/{id}/withdrawal"]
_correction = msgspec.json.Decoder(PetitionCorrected)


class _Known(msgspec.Struct, frozen=True):
    """A pushed petition as it stands, with everything that a push is weighed by."""

    place: EventPlace
    facts: Sequence[AnyFact]
    petition: Petition
    sides: Sides
    record: PushedRecord

    @property
    def id(self) -> UUID:
        return self.place.originator_id

    @property
    def version(self) -> int:
        return self.facts[-1].version

    @property
    def last(self) -> str:
        """The latest version that was pushed, whatever became of it."""
        versions = (self.sides.last, self.record.version, *(each.source_version for each in self.record.conflicts))
        return max(versions, key=rank)

    @property
    def pending(self) -> Conflict | None:
        """The conflict that waits for a decision."""
        return next((each for each in self.record.conflicts if each.state == "open"), None)


class PushHandler:
    """Takes pushes from every door, and the office's decisions about those that are conflicts."""

    def __init__(
        self,
        handler: CommandHandler,
        regulation_cache: RegulationCache,
        history: History,
        references: KnownReferences,
        writer: EventStore,
        recorder: Recorder,
        pushes: Pushes,
        new_id: Ids,
    ) -> None:
        self._handler = handler
        self._regulation_cache = regulation_cache
        self._history = history
        self._references = references
        self._writer = writer
        self._recorder = recorder
        self._pushes = pushes
        self._new_id = new_id
        self._turns = Turns()

    async def push(self, push: Push, room: asyncio.Semaphore | None = None) -> PushOutcome:
        """Record what is new in a push; it takes its place in a room once it is its turn.

        Raises Refused, StoreUnavailable, Overloaded.
        """
        command = Command(codec=RECEIPT, body=push.body, caller=push.caller, source_version=push.source_version)
        check_caller(command)
        async with self._turns.of(push.reference), room or contextlib.nullcontext():
            if (place := await self._place(push.reference)) is None:
                if push.if_match is not None:
                    raise StaleVersion(0)
                try:
                    done = await self._handler.execute(command)
                except ReferenceDiffers:  # somebody else was the first
                    done = None
                if done is not None and not done.known_reference:
                    return _created(push, done)
                place = await self._place(push.reference)
                if place is None:
                    raise NotFound(None, "reference")
            known_at = place
            return await settled(self._regulation_cache, lambda: self._synchronised(push, known_at))

    async def withdraw(self, source: str, external_id: str, command: Command) -> CommandOutcome:
        """Withdraw a petition by its reference; once it is withdrawn, the same again adds nothing. Raises Refused."""
        check_caller(command)
        if command.caller.is_sender:  # who is told nothing of what another system pushed, nor that it did
            check_source(command.caller, source)
        reference = source, external_id
        async with self._turns.of(reference):  # whoever sends it twice at once is told what the first came to
            return await self._withdrawn(reference, command)

    async def _withdrawn(self, reference: tuple[str, str], command: Command) -> CommandOutcome:
        place = await self._place(reference)
        if place is None or not await self._is_at(place.jurisdiction, command.caller):
            raise NotFound(None, "reference")
        facts = await self._facts(place, command.caller)
        petition = fold_petition(facts)
        if petition is not None and petition.ended == "withdrawn":
            withdrawn = [
                f for f in facts if isinstance(f.event, PetitionWithdrawn) and f.event_id not in annulled_ids(facts)
            ]
            check_sender(command.caller, place.actor, place.source)
            epoch = self._history.epoch
            await self._history.confirm(withdrawn[-1].position, epoch)
            return CommandOutcome(
                id=place.originator_id,
                aggregate="petition",
                version=withdrawn[-1].version,
                position=withdrawn[-1].position,
                recorded_at=withdrawn[-1].recorded_at,
                known_reference=True,
            )
        return await self._handler.execute(msgspec.structs.replace(command, target=str(place.originator_id)))

    # --- what a push comes to ----------------------------------------------------------------------------------

    async def _synchronised(self, push: Push, place: EventPlace) -> PushOutcome:
        epoch = self._history.epoch
        known = await self._known(push, place)
        outcome = await self._weighed(push, known)
        await self._history.confirm(outcome.position, epoch)
        return outcome

    async def _weighed(self, push: Push, known: _Known) -> PushOutcome:
        ours, catalogues = known.sides.ours, self._regulation_cache.regulation.catalogues
        await self._settle_overtaken(known)
        if is_instant(known.last) and not is_instant(push.source_version):
            raise InvalidValue("source_version", "number-after-instant", last=known.last)
        if rank(push.source_version) < rank(known.last):
            return _outcome("stale", push, known, known.last)
        pending = known.pending
        proposed = () if pending is None else (await self._proposed(pending),)
        given = self._given(push, ours, (ours, known.sides.base, *proposed))
        fields = [name for name in CORRECTABLE.values() if name != "effective_on" or push.body.effective_on is not None]
        if unlike(given, ours, ["jurisdiction"], catalogues):
            raise ReferenceDiffers(["jurisdiction"])
        if push.source_version == known.last:
            expected = known.sides.base
            if pending is not None and pending.source_version == known.last:
                expected = applied(expected, *proposed)
            other = unlike(given, expected, fields, catalogues)
            if other and unlike(given, ours, other, catalogues):
                raise SourceVersionReused(push.source_version, other)
            if pending is not None and pending.source_version == known.last:
                return _conflict(push, known, pending, given)
            return _unchanged(push, known, given, unlike(given, ours, fields, catalogues))
        weighed = weigh(given, known.sides, fields, catalogues)
        source, external_id = push.reference
        if not weighed.changed:
            other = unlike(given, ours, fields, catalogues)
            alike_at = 0 if other else known.version
            await self._pushes.advance(source, external_id, push.source_version, alike_at)
            return _unchanged(push, known, given, other)
        event = correction_of(given, ours, weighed.changed)
        event = msgspec.structs.replace(event, effective_on=self._regulation_cache.today)
        # A conflict is judged as what the office would record: what can never be recorded is refused at once.
        with _as_pushed():
            decided = self._decided(event, known, push.reference)
        if weighed.both or not correctable(known.petition):
            return await self._kept(push, known, decided, given)
        done = await self._recorded(push.caller, decided, push.reference, push.source_version, push.body)
        await self._pushes.advance(source, external_id, push.source_version, 0)
        return PushOutcome(
            result="changed",
            id=done.id,
            version=done.version,
            position=done.position,
            recorded_at=done.recorded_at,
            source_version=push.source_version,
            receipt_code=receipt_code(done.id),
        )

    async def _settle_overtaken(self, known: _Known) -> None:
        """Set aside what a later version overtook, where its record stands and the mark of that was lost."""
        pending = known.pending
        if pending is not None and rank(pending.source_version) < rank(known.last):
            await self._pushes.advance(pending.source, pending.external_id, known.last, 0)

    def _given(
        self, push: Push, ours: PetitionReceived, known: Sequence[PetitionReceived | PetitionCorrected]
    ) -> PetitionReceived:
        """What the push says, with the day and the ids of what is known where it leaves them to us."""
        event: Any = RECEIPT.event(push.body, push.body.effective_on or ours.effective_on)
        minted: list[str] = []

        def mint() -> str:
            minted.append(str(self._new_id()))
            return minted[-1]

        given: Any = with_petitioner_ids(event, mint)
        found: PetitionReceived = with_receipt_fields(recognised(given, minted, known), self._context({}))
        return found

    def _context(self, petitions: Mapping[UUID, Petition]) -> DecisionContext:
        known = self._regulation_cache.snapshot()
        return DecisionContext(known.regulation, known.today, {}, petitions, attributes=known.attributes)

    async def _kept(self, push: Push, known: _Known, decided: Decided, given: PetitionReceived) -> PushOutcome:
        event: Any = decided.facts[0].event
        source, external_id = push.reference
        new = NewConflict(
            petition_id=known.id,
            jurisdiction=known.petition.jurisdiction,
            source=source,
            external_id=external_id,
            source_version=push.source_version,
            fields=event.corrected,
            content=msgspec.json.encode(event),
            at_version=known.version,
        )
        if not await self._pushes.open(new):
            raise VersionConflict
        record = await self._pushes.known(source, external_id)
        kept = next(each for each in record.conflicts if each.source_version == push.source_version)
        return _conflict(push, known, kept, given)

    # --- the office decides -------------------------------------------------------------------------------------

    async def accept(self, caller: Caller, conflict_id: UUID) -> tuple[Conflict, int]:
        """Record what a conflict would change, and the version of the petition then. Raises Refused."""
        check_role(caller, OFFICE_OR_CHAIR)
        conflict = await self.conflict(caller, conflict_id)
        reference = (conflict.source, conflict.external_id)

        async def attempt() -> int:
            place = await self._history.place(conflict.petition_id, 1)
            facts = await self._facts(place, caller)
            # The record may be there already, and the answer or the mark of it lost.
            if found := _record_of(conflict, facts):
                return found.version
            # Somebody may have decided while this waited for its turn.
            if (state := (await self.conflict(caller, conflict_id)).state) != "open":
                raise ConflictDecided(None, state=state)
            if is_erased(facts):
                raise ReferenceErased(None)
            known = await self._folded(place, facts, reference)
            if rank(conflict.source_version) < rank(known.last):
                await self._settle_overtaken(known)
                raise ConflictDecided(None, state="superseded")
            event = msgspec.structs.replace(await self._proposed(conflict), effective_on=self._regulation_cache.today)
            decided = self._decided(event, known, reference)
            body = _CORRECTION.type(source=conflict.source, correlation_id=conflict_id)
            return (await self._recorded(caller, decided, reference, conflict.source_version, body)).version

        async with self._turns.of(reference):
            version = await settled(self._regulation_cache, attempt)
            await self._pushes.decide(conflict_id, "accepted", caller.name)
        return await self.conflict(caller, conflict_id), version

    async def refuse(self, caller: Caller, conflict_id: UUID) -> Conflict:
        """Let the office's record stand; the same is not asked again. Raises Refused."""
        check_role(caller, OFFICE_OR_CHAIR)
        conflict = await self.conflict(caller, conflict_id)
        async with self._turns.of((conflict.source, conflict.external_id)):
            facts = (await self._history.facts([conflict.petition_id]))[conflict.petition_id]
            if _record_of(conflict, facts) is None:
                await self._pushes.decide(conflict_id, "refused", caller.name)
            else:  # it was accepted, and the mark of it lost
                await self._pushes.decide(conflict_id, "accepted", caller.name)
        found = await self.conflict(caller, conflict_id)
        if found.state != "refused":
            raise ConflictDecided(None, state=found.state)
        return found

    async def conflict(self, caller: Caller, conflict_id: UUID) -> Conflict:
        """A conflict within what a caller sees. Raises NotFound."""
        found = await self._pushes.conflict(conflict_id)
        if found is None or not await self._is_at(found.jurisdiction, caller):
            raise NotFound(None, "conflict")
        if caller.is_sender and not caller.may_push_as(found.source):
            raise NotFound(None, "conflict")
        return found

    async def conflicts(
        self, caller: Caller, state: ConflictState | None, petition_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[Conflict]:
        """The conflicts after one that a caller sees, the oldest first; a system those of its own sources."""
        await self._regulation_cache.refresh()
        own = (caller.sources or (caller.name,)) if caller.is_sender and not caller.may_push_as(ANY_SOURCE) else None
        known = self._regulation_cache
        inherited = known.regulation.left_to(caller.jurisdiction, known.today)
        return await self._pushes.page(caller.jurisdiction, inherited, own, state, petition_id, after, limit)

    async def compared(self, caller: Caller, conflict: Conflict, *, sealed: bool) -> tuple[FieldConflict, ...]:
        """What stands in the fields of a conflict, and what it would change; what is sealed where it may be read."""
        content = await self._pushes.content(conflict.conflict_id)
        if not content:
            return tuple(FieldConflict(field=name) for name in conflict.fields)
        place = await self._history.place(conflict.petition_id, 1)
        facts = await self._facts(place, caller)
        if is_erased(facts):
            return tuple(FieldConflict(field=name) for name in conflict.fields)
        known = await self._folded(place, facts, (conflict.source, conflict.external_id))
        theirs = applied(known.sides.ours, _correction.decode(content))
        return _fields(known.sides.ours, theirs, conflict.fields, sealed=sealed)

    # --- what is there ------------------------------------------------------------------------------------------

    async def _place(self, reference: tuple[str, str]) -> EventPlace | None:
        for kept in itertools.product(kept_forms(reference[0]), kept_forms(reference[1])):
            if (place := await self._history.reference(*kept)) is not None:
                return place
        return None

    async def _facts(self, place: EventPlace, caller: Caller) -> Sequence[AnyFact]:
        """The facts of a petition that a caller may touch. Raises ReferenceUsed, ReferenceAnnulled."""
        if place.topic != PetitionReceived.TOPIC or not await self._is_at(place.jurisdiction, caller):
            raise ReferenceUsed
        facts = (await self._history.facts([place.originator_id]))[place.originator_id]
        if facts[0].event_id in annulled_ids(facts):
            raise ReferenceAnnulled
        return facts

    async def _is_at(self, jurisdiction: str, caller: Caller) -> bool:
        return await self._regulation_cache.lies_within(jurisdiction, caller.jurisdiction)

    async def _known(self, push: Push, place: EventPlace) -> _Known:
        facts = await self._facts(place, push.caller)
        if any(isinstance(fact.event, PersonalDataErased) for fact in facts):
            raise ReferenceErased("external_id")
        check_sender(push.caller, place.actor, place.source)
        if push.if_match is not None and facts[-1].version not in push.if_match:
            raise StaleVersion(facts[-1].version)
        return await self._folded(place, facts, push.reference)

    async def _folded(self, place: EventPlace, facts: Sequence[AnyFact], reference: tuple[str, str]) -> _Known:
        petition = fold_petition(facts)
        assert petition is not None
        record = await self._pushes.known(*reference)
        opened = opened_by_version(await self._references.opened([place.originator_id]), place.originator_id)
        refused = [
            (each.source_version, await self._proposed(each))
            for each in sorted(record.conflicts, key=lambda each: rank(each.source_version))
            if each.state == "refused" and rank(each.source_version) > rank(record.alike_version)
        ]
        return _Known(place, facts, petition, sides(facts, facts[0], opened, record.alike_at, refused), record)

    async def _proposed(self, conflict: Conflict) -> PetitionCorrected:
        """What a conflict would record. Raises ReferenceErased."""
        if not (content := await self._pushes.content(conflict.conflict_id)):
            raise ReferenceErased(None)
        return _correction.decode(content)

    # --- recording ----------------------------------------------------------------------------------------------

    def _decided(self, event: PetitionCorrected, known: _Known, reference: tuple[str, str]) -> Decided:
        """The correction as the rules leave it. Raises Refused."""
        snapshot = self._regulation_cache.snapshot()
        facts = decide(event, known.petition, self._context({known.id: known.petition}), known.id)
        corrected: Any = facts[0].event
        return Decided(
            facts=facts,
            expected={known.id: known.version} | rests_on(facts, snapshot.versions),
            day=snapshot.today,
            aggregate="petition",
            petitioners={known.id: corrected.petitioner_ids or known.petition.petitioner_ids},
            references={known.id: PetitionReference(*reference)},
        )

    async def _recorded(
        self, caller: Caller, decided: Decided, reference: tuple[str, str], version: str, said: Any
    ) -> CommandOutcome:
        body = _CORRECTION.type(
            source=reference[0], on_behalf_of=normalised(said.on_behalf_of), correlation_id=said.correlation_id
        )
        command = Command(codec=_CORRECTION, body=body, caller=caller, source_version=version)
        append = await self._recorder.prepare(command, decided, b"")
        appended = await self._writer.append(append)
        self._regulation_cache.learn_day(local_day(appended.recorded_at))
        return outcome_of(decided, append.events[0], appended.first_position, appended.recorded_at)


def withdrawal_of(body: bytes, caller: Caller, key: str) -> Command:
    """The command that withdraws what an address names. Raises InvalidBody."""
    return Command(codec=_WITHDRAWAL, body=_WITHDRAWAL.decode(body), caller=caller, key=key)


@contextlib.contextmanager
def _as_pushed() -> Iterator[None]:
    """What is refused inside names the field as it is called in a push, which is a receipt and no correction."""
    try:
        yield
    except Refused as refused:
        refused.field = CORRECTABLE.get(refused.field or "", refused.field)
        raise


def _record_of(conflict: Conflict, facts: Sequence[AnyFact]) -> AnyFact | None:
    """What the acceptance of a conflict recorded."""
    corrections = (fact for fact in facts if isinstance(fact.event, PetitionCorrected))
    return next((fact for fact in corrections if fact.source_version == conflict.source_version), None)


def _created(push: Push, done: CommandOutcome) -> PushOutcome:
    return PushOutcome(
        result="created",
        id=done.id,
        version=done.version,
        position=done.position,
        recorded_at=done.recorded_at,
        source_version=push.source_version,
        receipt_code=done.receipt_code,
    )


def _outcome(result: PushResult, push: Push, known: _Known, version: str, **more: Any) -> PushOutcome:
    latest = known.facts[-1]
    return PushOutcome(
        result=result,
        id=known.id,
        version=latest.version,
        position=latest.position,
        recorded_at=latest.recorded_at,
        source_version=version,
        receipt_code=receipt_code(known.id),
        **more,
    )


def _unchanged(push: Push, known: _Known, given: PetitionReceived, other: Sequence[str]) -> PushOutcome:
    """Nothing is new in a push; `other` are the fields of the receipt in which the office keeps something else."""
    named = [name for name, field in CORRECTABLE.items() if field in other]
    fields = _fields(known.sides.ours, given, named, sealed=False)
    return _outcome("unchanged", push, known, push.source_version, conflicts=fields)


def _conflict(push: Push, known: _Known, conflict: Conflict, given: PetitionReceived) -> PushOutcome:
    fields = _fields(known.sides.ours, given, conflict.fields, sealed=False)
    return _outcome("conflict", push, known, push.source_version, conflict_id=conflict.conflict_id, conflicts=fields)


def _fields(
    ours: PetitionReceived, theirs: PetitionReceived, named: Sequence[str], *, sealed: bool
) -> tuple[FieldConflict, ...]:
    stands, said = ({name: getattr(each, CORRECTABLE[name]) for name in named} for each in (ours, theirs))
    hidden = SEALED[PetitionReceived.TOPIC]
    return tuple(
        FieldConflict(field=name)
        if CORRECTABLE[name] in hidden and not sealed
        else FieldConflict(field=name, ours=msgspec.to_builtins(stands[name]), theirs=msgspec.to_builtins(said[name]))
        for name in named
    )
