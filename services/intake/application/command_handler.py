"""A command is decided on what is known, sealed, appended; a retry gets its first answer."""

import asyncio
import contextlib
from datetime import datetime

import msgspec

from services.intake.application.append_builder import Recorder
from services.intake.application.attempts import settled
from services.intake.application.command import Command, CommandOutcome, check_caller
from services.intake.application.deciding import CommandDecider, Decided
from services.intake.application.errors import KeyReused, ReferenceAnnulled, ReferenceDiffers, ReferenceUsed
from services.intake.application.file_keeper import FileKeeper
from services.intake.application.known_reference import KnownReferences
from services.intake.application.ports import EventPlace, EventStore, History, Ids, RefusedBodies, Seals
from services.intake.application.regulation_cache import RegulationCache
from services.intake.application.stream_ids import receipt_code
from services.intake.domain import Refused
from shared.event_store.append import Append, Appended, NewEvent
from shared.event_store.errors import IdempotencyReplay, KeyRecord, ReferenceExists
from shared.identifiers import local_day, normalised
from shared.telemetry import span

_sorted = msgspec.json.Encoder(order="sorted")


class CommandHandler:
    """Takes commands from every door."""

    def __init__(
        self,
        regulation_cache: RegulationCache,
        history: History,
        writer: EventStore,
        seals: Seals,
        recorder: Recorder,
        new_id: Ids,
        references: KnownReferences,
        refused: RefusedBodies,
        keeper: FileKeeper,
    ) -> None:
        self._regulation_cache = regulation_cache
        self._history = history
        self._writer = writer
        self._seals = seals
        self._decider = CommandDecider(regulation_cache, history, new_id)
        self._recorder = recorder
        self._references = references
        self._refused = refused
        self._keeper = keeper

    async def execute(self, command: Command) -> CommandOutcome:
        """Decide and record a command. Raises Refused, StoreUnavailable, Overloaded."""
        check_caller(command)
        epoch = self._history.epoch
        fingerprint = self._fingerprint(command) if command.key else b""
        if (earlier := command.earlier_reference) is not None:
            place = await self._history.reference(*earlier)
            if place is not None:
                return await self._known(command, place, fingerprint, epoch)
        is_erased = False

        async def attempt() -> CommandOutcome:
            nonlocal is_erased
            # Commands that are at hand together take each step together: one step many times over costs a fifth
            # less than the steps in turns, the detours through the loop included.
            await asyncio.sleep(0)
            with span("decide"):
                decided = await self._decider.decide(command)
                await asyncio.sleep(0)
                append = await self._recorder.prepare(command, decided, fingerprint)
            if decided.erasure and not is_erased:
                # Once, however often the append is tried: everything that is kept is read. Before the keys go, by
                # which a petitioner is recognised; one whose erasure then fails is asked for again, and what is
                # gone by then was a copy of what was refused.
                await self._refused.erase(decided.erasure.named, {fact.originator_id for fact in decided.facts})
                is_erased = True
            with span("append"):
                appended = await self._writer.append(append)
            if decided.erasure:
                self._keeper.wake()
            return self._done(decided, append, appended)

        try:
            return await settled(self._regulation_cache, attempt)
        except IdempotencyReplay as replay:
            return await self._replayed(command, fingerprint, replay.record, epoch)
        except ReferenceExists as known:
            place = await self._history.place(known.originator_id, known.version)
            return await self._known(command, place, fingerprint, epoch)
        except Refused as refusal:
            return await self._first_answer_or(refusal, command, fingerprint, epoch)

    async def _first_answer_or(
        self, refusal: Refused, command: Command, fingerprint: bytes, epoch: str
    ) -> CommandOutcome:
        """A retry of a done command gets its first answer, whatever refuses it now."""
        if command.key:
            record = await self._history.key_record(command.caller.name, command.key)
            if record is not None:
                return await self._replayed(command, fingerprint, record, epoch)
        if command.reference is not None:
            place = await self._history.reference(*command.reference)
            if place is not None:
                with contextlib.suppress(ReferenceAnnulled, ReferenceDiffers, ReferenceUsed):
                    return await self._known(command, place, fingerprint, epoch)
        raise refusal

    async def _known(self, command: Command, place: EventPlace, fingerprint: bytes, epoch: str) -> CommandOutcome:
        """What was recorded under the command's reference, if it says the same; its key is kept for this answer."""
        await self._references.require_same(command, place)
        if command.key:
            await self._references.keep_key(command.caller.name, command.key, fingerprint, place)
        await self._history.confirm(None if command.key else place.position, epoch)
        return first_answer(place, known_reference=True)

    async def _replayed(self, command: Command, fingerprint: bytes, record: KeyRecord, epoch: str) -> CommandOutcome:
        """The first answer again, once a fail-over cannot take back what it told."""
        if record.fingerprint != fingerprint:
            raise KeyReused
        await self._history.confirm(record.position, epoch)
        known = bool(command.reference) and await self._history.is_known_reference(command.caller.name, command.key)
        return first_answer(await self._history.place(record.originator_id, record.version), known_reference=known)

    def _fingerprint(self, command: Command) -> bytes:
        """Keyed, so that it tells nothing of a body to whoever reads the table; fields in any order are the same."""
        content = _sorted.encode(command.body)
        target = normalised(command.target)
        return self._seals.fingerprint(f"{command.codec.route.path}\x1f{target}\x1f".encode() + content)

    def _done(self, decided: Decided, append: Append, appended: Appended) -> CommandOutcome:
        self._regulation_cache.learn_day(local_day(appended.recorded_at))
        return outcome_of(decided, append.events[0], appended.first_position, appended.recorded_at)


def outcome_of(decided: Decided, first: NewEvent, position: int, recorded_at: datetime) -> CommandOutcome:
    """The answer of a command whose first event was recorded there just now."""
    return CommandOutcome(
        id=first.originator_id,
        aggregate=decided.aggregate,
        version=first.version,
        position=position,
        recorded_at=recorded_at,
        receipt_code=getattr(decided.facts[0].event, "receipt_code", ""),
    )


def first_answer(place: EventPlace, *, known_reference: bool = False) -> CommandOutcome:
    """The answer that a command got whose first event stands there."""
    return CommandOutcome(
        id=place.originator_id,
        aggregate=place.aggregate,
        version=place.version,
        position=place.position,
        recorded_at=place.recorded_at,
        receipt_code=receipt_code(place.originator_id) if place.aggregate == "petition" and place.version == 1 else "",
        known_reference=known_reference,
    )
