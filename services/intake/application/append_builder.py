"""From decided facts to an append: metadata, versions, sealing, keys, references."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from services.intake.application.command import Command
from services.intake.application.deciding import Decided
from services.intake.application.ports import FileKey, FileSeals, History, Ids, KeyRing, Seals, UploadedFiles
from services.intake.domain import AnyNewFact, files_named
from services.intake.domain.errors import InvalidValue
from shared.event_store.append import Append, NewEvent
from shared.events import SEALED, DatedEvent, Event, Metadata, PetitionReference, Visibility, encode_state, sealed_data
from shared.identifiers import normalised
from shared.trace import ORIGIN

MAX_STATE = 512 * 1024  # bytes of what is not sealed: pages, batches and rebuilds hold many events at once
MAX_SEALED = 4_000_000  # characters of one text, over all who have it under their key

#: The fields of each event that belong to all petitioners.
_SHARED = {
    topic: tuple(name for name, kind in fields.items() if kind is Visibility.SEALED_ALL)
    for topic, fields in SEALED.items()
}


class Authorship(msgspec.Struct, frozen=True, kw_only=True):
    """Who records events, for whom, from where: what the metadata of one command's events have in common."""

    actor: str
    correlation_id: UUID
    on_behalf_of: str = ""
    post: UUID | None = None
    delegation: UUID | None = None
    source: str = ""
    external_id: str = ""
    backfilled: bool = False
    source_version: str = ""


class Recorder:
    """Makes the append of a decided command."""

    def __init__(self, history: History, seals: Seals, new_id: Ids, files: "FileNaming") -> None:
        self._history = history
        self._seals = seals
        self._new_id = new_id
        self._files = files

    async def prepare(self, command: Command, decided: Decided, fingerprint: bytes) -> Append:
        """Seal and encode every event of a command."""
        ring = await self.ring(decided.facts, decided.expected)
        events = self.events(command, decided, dict(decided.expected), ring, self._new_id())
        await self.name_files(command.caller.name, decided, events, ring)
        return Append(
            events=tuple(events),
            expected=decided.expected,
            # Only a decision that took the day for granted depends on it.
            today=decided.day if command.body.effective_on is None else None,
            caller=command.caller.name if command.key else "",
            key=command.key,
            fingerprint=fingerprint,
            references=(command.reference,) if command.reference else (),
            new_keys=tuple(ring.new),
            used_keys=tuple(sorted(ring.used)),
            erase_owner=decided.erasure.owner if decided.erasure else "",
            erase_key_ids=decided.erasure.key_ids if decided.erasure else (),
        )

    def events(
        self,
        command: Command,
        decided: Decided,
        versions: dict[UUID, int],
        ring: KeyRing,
        first_id: UUID,
        correlation_id: UUID | None = None,
    ) -> list[NewEvent]:
        """The events of a command, the first of them with `first_id`; `versions` goes on with them."""
        body, reference = command.body, command.reference
        said = Authorship(
            actor=command.caller.name,
            on_behalf_of=command.on_behalf_of,
            post=command.caller.post,
            delegation=command.caller.delegation_for(command.codec.route.roles),
            correlation_id=body.correlation_id or correlation_id or first_id,
            source=reference[0] if reference else normalised(body.source),
            external_id=reference[1] if reference else "",
            backfilled=command.backfilled,
            source_version=command.source_version,
        )
        events: list[NewEvent] = []
        for fact in decided.facts:
            version = versions.get(fact.originator_id, 0) + 1
            versions[fact.originator_id] = version
            petitioners = decided.petitioners.get(fact.originator_id, ())
            # The first event of a command is the cause of those that it brings with it.
            cause = first_id if events else None
            event_id = self._new_id() if events else first_id
            pushed_as = decided.references.get(fact.originator_id)
            events.append(self.event(fact, version, event_id, said, ring, petitioners, cause, pushed_as))
        return events

    def event(
        self,
        fact: AnyNewFact,
        version: int,
        event_id: UUID,
        said: Authorship,
        ring: KeyRing,
        petitioners: tuple[str, ...],
        causation_id: UUID | None = None,
        pushed_as: PetitionReference | None = None,
    ) -> NewEvent:
        """One event, sealed and encoded; the ring learns the keys that it needed.

        `pushed_as` is the reference of the petition that it is on; the first event of one gives its own.
        """
        if fact.aggregate == "petition" and version == 1 and said.external_id:
            pushed_as = PetitionReference(said.source, said.external_id)
        event = _naming_notice(fact.event, causation_id)
        _check_size(event, len(petitioners))
        sealed = self._seals.seal(event, fact.originator_id, version, ring, petitioners)
        meta = Metadata(
            event_id=event_id,
            aggregate=fact.aggregate,
            jurisdiction=fact.jurisdiction,
            actor=said.actor,
            on_behalf_of=said.on_behalf_of,
            post=said.post,
            delegation=said.delegation,
            correlation_id=said.correlation_id,
            causation_id=causation_id,
            source=said.source,
            external_id=said.external_id,
            backfilled=said.backfilled,
            petition_reference=pushed_as,
            source_version=said.source_version,
            traceparent=ORIGIN.get().traceparent,
            sealed_sha256=self._seals.digest(sealed) if sealed else "",
        )
        state = encode_state(event, meta)
        if len(state) > MAX_STATE:
            raise _too_large(event)
        return NewEvent(
            originator_id=fact.originator_id,
            version=version,
            topic=event.TOPIC,
            state=state,
            event_id=event_id,
            sealed=sealed,
            effective_on=event.effective_on if isinstance(event, DatedEvent) else None,
        )

    async def name_files(self, caller: str, decided: Decided, events: Sequence[NewEvent], ring: KeyRing) -> None:
        """Name the files of the caller's that the events of a command name, before these are appended."""
        await self._files.name(caller, decided, events, ring)

    async def ring(self, facts: Iterable[AnyNewFact], expected: Mapping[UUID, int]) -> KeyRing:
        """The keys that exist for what is to be sealed; a new aggregate has none yet, so nobody is asked."""
        existing: set[UUID] = {
            fact.originator_id
            for fact in facts
            if expected.get(fact.originator_id, 0) and (seals_something(fact.event) or files_named(fact.event))
        }
        return KeyRing(await self._history.keys_of(existing) if existing else ())


class FileNaming:
    """Names the caller's files in its events: from then on they open under the keys of the events' own words."""

    def __init__(self, files: UploadedFiles, seals: FileSeals) -> None:
        self._files, self._seals = files, seals

    async def name(self, caller: str, decided: Decided, events: Sequence[NewEvent], ring: KeyRing) -> None:
        """Write the keys down before the append, which alone makes them count. The ring learns the keys they are under.

        Only what the caller itself uploaded is named: a digest is no secret, and no proof of having the file.
        """
        named = [
            (fact, event, digests)
            for fact, event in zip(decided.facts, events, strict=True)
            if (digests := files_named(fact.event))
        ]
        if not named:
            return
        found = await self._files.openable(caller, {digest for _, _, digests in named for digest in digests})
        keys: list[FileKey] = []
        for fact, event, digests in named:
            # What is told at a conference belongs to it, what is told in a petition to those who petition.
            owners = decided.petitioners.get(fact.originator_id, ()) if fact.aggregate == "petition" else ()
            for digest in digests:
                if (file := found.get(digest)) is not None:
                    keys += self._seals.file_keys(file, event.event_id, event.originator_id, ring, owners)
        if keys:
            await self._files.name(keys)


def _too_large(event: Event) -> InvalidValue:
    """The refusal that names the largest field."""
    sizes = {name: len(msgspec.json.encode(getattr(event, name))) for name in event.__struct_fields__}
    largest = max(sizes, key=lambda name: sizes[name])
    return InvalidValue(largest, "too-large", size=sizes[largest], most=MAX_STATE)


def _check_size(event: Event, petitioners: int) -> None:
    """What belongs to all petitioners is sealed once for each. Raises InvalidValue."""
    for name in _SHARED[event.TOPIC]:
        value = getattr(event, name)
        size = len(value) if isinstance(value, str) else len(msgspec.json.encode(value))
        if size * petitioners > MAX_SEALED:
            most = MAX_SEALED // petitioners
            raise InvalidValue(name, "too-long-for-petitioners", most=most, petitioners=petitioners)


def seals_something(event: Event) -> bool:
    """Whether recording the event needs a sealing key."""
    return bool(sealed_data(event))


def _naming_notice(event: Event, notice_id: UUID | None) -> Event:
    """An assignment that a conclusion notice makes names the notice; the domain draws no ids."""
    if getattr(event, "notice_id", None) == UUID(int=0):
        return msgspec.structs.replace(event, notice_id=notice_id)
    return event
