"""A command whose external reference is known: is it the same again, something else, or was it taken back?"""

import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from services.intake.application.case_queries import Opener
from services.intake.application.command import Command
from services.intake.application.commands import ERASURE
from services.intake.application.errors import KeyReused, ReferenceAnnulled, ReferenceDiffers, ReferenceUsed
from services.intake.application.petitioners import with_petitioner_ids
from services.intake.application.ports import EventPlace, History
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import AnyFact
from services.intake.domain.catalogues import canonical
from shared.cases.facts import annulled_ids
from shared.events import SEALED, DatedEvent
from shared.events.person import PersonNameErased
from shared.events.petition import PersonalDataErased
from shared.identifiers import MalformedCode, agency_code, normalised

_DIGEST = re.compile(r"[0-9A-Fa-f]{64}")  # kept in small letters


class SealedRows(Protocol):
    """What is sealed of aggregates."""

    async def sealed_of(self, *originator_ids: UUID) -> Sequence[Any]: ...


class KnownReferences:
    """Holds a command against what was recorded under its reference."""

    def __init__(self, history: History, sealed: SealedRows, opener: Opener, regulation_cache: RegulationCache) -> None:
        self._history, self._sealed, self._opener = history, sealed, opener
        self._regulation_cache = regulation_cache

    async def require_same(self, command: Command, place: EventPlace) -> None:
        """Pass a command that says what is recorded under its reference: there is nothing to do.

        Raises ReferenceUsed, ReferenceAnnulled, ReferenceDiffers.
        """
        if place.topic != command.codec.route.topic or not await self._regulation_cache.lies_within(
            place.jurisdiction, command.caller.jurisdiction
        ):
            raise ReferenceUsed
        facts = (await self._history.facts([place.originator_id]))[place.originator_id]
        fact = next(fact for fact in facts if fact.version == place.version)
        if fact.event_id in annulled_ids(facts):
            raise ReferenceAnnulled
        if command.codec.route is ERASURE:
            return
        left_out = {*command.codec.route.decided, *(SEALED[place.topic] if is_erased(facts) else ())}
        opened: Mapping[str, Any] = {}
        if SEALED[place.topic] and not is_erased(facts):
            opened = (await self.opened([place.originator_id])).get((place.originator_id, place.version), {})
        # What was erased cannot be held against anything: then the fields that are public must do.
        fields = [name for name in fact.event.__struct_fields__ if name not in left_out]
        if not (found := self._differing(command, fact, place.jurisdiction, opened, fields)):
            return
        # A catalogue that this process has not read may say that both mean the same.
        if await self._regulation_cache.refresh():
            found = self._differing(command, fact, place.jurisdiction, opened, fields)
        if found:
            raise ReferenceDiffers(found)

    async def keep_key(self, caller: str, key: str, fingerprint: bytes, place: EventPlace) -> None:
        """Keep a key for the answer that a record was known by its reference. Raises KeyReused."""
        await self._history.keep_known_reference(caller, key, fingerprint, place)
        record = await self._history.key_record(caller, key)
        if record is not None and record.fingerprint != fingerprint:
            raise KeyReused

    def _differing(
        self, command: Command, fact: AnyFact, jurisdiction: str, opened: Mapping[str, Any], fields: Sequence[str]
    ) -> list[str]:
        """The fields in which a command differs from its record; a title and its code say the same."""
        catalogues = self._regulation_cache.regulation.catalogues
        given, recorded = (
            msgspec.to_builtins(canonical(event, jurisdiction, catalogues))
            for event in (_event(command, fact), fact.event)
        )
        return differing(given, recorded | opened, fields)

    async def opened(self, originator_ids: Sequence[UUID]) -> dict[tuple[UUID, int], dict[str, Any]]:
        """What can still be read of the sealed words of some aggregates, by aggregate and version.

        Nobody is shown it: it is held against what is given, so no reading is recorded.
        """
        if not originator_ids or not (rows := await self._sealed.sealed_of(*originator_ids)):
            return {}
        keys = {key.key_id: key for key in await self._history.keys_of(originator_ids)}
        return {(row.originator_id, row.version): self._opener.opened(row, keys) for row in rows}


def _event(command: Command, recorded: AnyFact) -> DatedEvent:
    """What the command asks for, with the day and the ids of the record where it leaves them to us."""
    codec, body = command.codec, command.body
    event = codec.event(body, body.effective_on or recorded.event.effective_on, **command.in_path)
    return with_recorded_ids(event, recorded.event)


def with_recorded_ids(event: DatedEvent, recorded: DatedEvent) -> DatedEvent:
    """The event with the ids of the record for the petitioners to whom it gives none. Raises InvalidValue."""
    named = getattr(event, "petitioner_ids", ())
    minted = iter([i for i in getattr(recorded, "petitioner_ids", ()) if i not in named])
    return with_petitioner_ids(event, lambda: next(minted, ""))


def differing(
    given: Mapping[str, Any], recorded: Mapping[str, Any], fields: Iterable[str], codes: Collection[str] | None = None
) -> list[str]:
    """The fields in which what is given says something else than what is recorded.

    `codes` are the fields whose texts may be codes and digests; None: any.
    """
    return [
        name
        for name in fields
        if not _is_same(given.get(name), recorded.get(name), coded=codes is None or name in codes)
    ]


def is_erased(facts: Iterable[AnyFact]) -> bool:
    """Whether somebody of a stream was erased: then what is sealed of it cannot be held against anything."""
    return any(isinstance(fact.event, PersonalDataErased | PersonNameErased) for fact in facts)


def _is_same(given: Any, recorded: Any, *, coded: bool) -> bool:
    """The same value as it is kept; a field left out is its default, and a code may be written in either order."""
    same = functools.partial(_is_same, coded=coded)
    match given, recorded:
        case (dict(), dict()):
            return all(same(given.get(name), recorded.get(name)) for name in given.keys() | recorded.keys())
        case (list() | tuple(), list() | tuple()):
            return len(given) == len(recorded) and all(map(same, given, recorded))
        case (str(), str()) if given != recorded:
            return _code(given) == _code(recorded) if coded else normalised(given) == normalised(recorded)
        case _:
            return (given or None) == (recorded or None)


def _code(text: str) -> str:
    try:
        return agency_code(text)
    except MalformedCode:
        kept = normalised(text)
        return kept.lower() if _DIGEST.fullmatch(kept) else kept
