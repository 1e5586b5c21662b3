"""From decided facts to an append: metadata, versions, sealing, keys, references."""

from uuid import UUID

import msgspec

from services.intake.application.command import Command
from services.intake.application.decision import Decided
from services.intake.application.ports import History, Ids, KeyRing, Seals
from shared.events import SEALED, Deed, Event, Metadata, encode_state, sealed_data
from shared.postgres.append import Append, NewEvent


class Recorder:
    """Makes the append of a decided command."""

    def __init__(self, history: History, seals: Seals, new_id: Ids) -> None:
        self._history = history
        self._seals = seals
        self._new_id = new_id

    async def prepare(self, command: Command, decided: Decided, fingerprint: bytes) -> Append:
        """Seal and encode every event of a command."""
        body = command.body
        ring = await self._ring(decided)
        versions = dict(decided.expected)
        first_id = self._new_id()
        correlation = body.correlation_id or first_id
        events: list[NewEvent] = []
        for fact in decided.facts:
            version = versions.get(fact.originator_id, 0) + 1
            versions[fact.originator_id] = version
            event_id = self._new_id() if events else first_id
            event = _naming_notice(fact.event, first_id)
            petitioners = decided.petitioners.get(fact.originator_id, ())
            sealed = self._seals.seal(event, fact.originator_id, version, ring, petitioners)
            meta = Metadata(
                event_id=event_id,
                aggregate=fact.aggregate,
                jurisdiction=fact.jurisdiction,
                actor=command.caller.name,
                on_behalf_of=body.on_behalf_of,
                correlation_id=correlation,
                causation_id=first_id if events else None,
                source=command.reference[0] if command.reference else body.source,
                external_id=body.external_id,
                sealed_sha256=self._seals.digest(sealed) if sealed else "",
            )
            events.append(
                NewEvent(
                    originator_id=fact.originator_id,
                    version=version,
                    topic=event.TOPIC,
                    state=encode_state(event, meta),
                    event_id=event_id,
                    sealed=sealed,
                    effective_on=event.effective_on if isinstance(event, Deed) else None,
                )
            )
        return Append(
            events=tuple(events),
            expected=decided.expected,
            # Only a decision that took the day for granted depends on it.
            today=decided.day if body.effective_on is None else None,
            caller=command.caller.name if command.key else "",
            key=command.key,
            fingerprint=fingerprint,
            references=(command.reference,) if command.reference else (),
            new_keys=tuple(ring.new),
            used_keys=tuple(sorted(ring.used)),
            erase_owner=decided.erase_owner,
            erase_key_ids=decided.erase_key_ids,
        )

    async def _ring(self, decided: Decided) -> KeyRing:
        """The keys that exist for what is to be sealed; a new aggregate has none yet, so nobody is asked."""
        existing: set[UUID] = {
            fact.originator_id
            for fact in decided.facts
            if decided.expected.get(fact.originator_id, 0) and _seals_something(fact.event)
        }
        return KeyRing(await self._history.keys_of(existing) if existing else ())


def _seals_something(event: Event) -> bool:
    return bool(SEALED[event.TOPIC]) and bool(sealed_data(event))


def _naming_notice(event: Event, first_id: UUID) -> Event:
    """An assignment that a conclusion notice makes names the notice; the domain draws no ids."""
    if event.TOPIC == "PetitionAssigned" and getattr(event, "notice_id", None) == UUID(int=0):
        return msgspec.structs.replace(event, notice_id=first_id)
    return event
