"""What the use cases need from outside; the adapters bring it."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from services.intake.domain import AnyFact
from shared.event_store.append import Append, Appended, NewKey
from shared.event_store.errors import KeyRecord
from shared.events import Event
from shared.sealing import BrokenSeal


class StoredKey(msgspec.Struct, frozen=True):
    """A wrapped data key as the store keeps it; the owner is a petitioner, or nobody: the aggregate's own words."""

    key_id: UUID
    owner_id: str
    originator_id: UUID
    wrapped: bytes


class EventPlace(msgspec.Struct, frozen=True):
    """Where an event stands in the log."""

    originator_id: UUID
    version: int
    position: int
    recorded_at: datetime
    topic: str
    aggregate: str
    jurisdiction: str
    actor: str
    source: str


class UploadedFile(msgspec.Struct, frozen=True):
    """A stored file with what opens it: its key under a sealing key or, where there is none, under the master key."""

    stored_name: str
    wrapped: bytes
    key: StoredKey | None


class NamedFile(msgspec.Struct, frozen=True):
    """A file that a recorded event of a case names. `uploaded` is missing once its keys were erased."""

    digest: str
    size: int
    media_type: str
    name: bytes  # sealed under the file's key
    uploaded: UploadedFile | None


class FileKey(msgspec.Struct, frozen=True):
    """A file's key under a sealing key, for the event that names the file."""

    stored_name: str
    event_id: UUID
    originator_id: UUID
    key_id: UUID
    wrapped: bytes


class NewUpload(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down of an upload. `wrapped` is its key under the master key."""

    stored_name: str
    digest: str
    size: int
    media_type: str
    name: bytes
    wrapped: bytes
    uploaded_by: str


class MissingFile(Exception):
    """The folder does not hold the sealed bytes of a stored file."""


class DamagedFile(Exception):
    """The sealed bytes of a stored file are not those that were stored."""


class UnopenedSeal(BrokenSeal):
    """What is sealed of a case does not open: it is under another master key, or was altered."""


class KeyRing:
    """The keys of one command: those that exist, those that it makes, those that it uses."""

    def __init__(self, known: Iterable[StoredKey] = ()) -> None:
        self.known = {(k.owner_id, k.originator_id): k for k in known}
        self.new: list[NewKey] = []
        self.used: set[UUID] = set()


class CaseHistory(Protocol):
    """What the log tells of cases: all that a decision reads."""

    async def facts(self, originators: Iterable[UUID]) -> Mapping[UUID, Sequence[AnyFact]]:
        """The facts of each aggregate, in order; none for one that does not exist."""
        ...

    async def place(self, originator_id: UUID, version: int) -> EventPlace:
        """Where one event stands."""
        ...

    async def petitions_at(self, conference_id: UUID) -> Sequence[UUID]:
        """The petitions ever scheduled for or raised at a conference."""
        ...

    async def merged_into(self, petition_ids: Iterable[UUID]) -> Sequence[UUID]:
        """The petitions ever merged into these, also where the merger was taken back."""
        ...

    async def keys_owned_by(self, owner_id: str) -> Sequence[StoredKey]:
        """Every sealing key of a petitioner."""
        ...


class History(CaseHistory, Protocol):
    """What the log and its side tables tell."""

    @property
    def epoch(self) -> str:
        """Which history is read now; another one after a fail-over or a restore."""
        ...

    async def confirm(self, position: int | None, epoch: str) -> None:
        """Return once what was read under an epoch, up to a position or all of it, is beyond loss by a fail-over.

        Raises NotConfirmed.
        """
        ...

    async def naming(self, originators: Iterable[UUID], words: Iterable[str]) -> Collection[UUID]:
        """Those of some aggregates of which an event has one of these words as a value."""
        ...

    async def regulation_after(self, position: int) -> tuple[Sequence[AnyFact], int]:
        """The facts of jurisdictions, agencies, policies, calendars, plans after a position, and the head read."""
        ...

    async def event_id_at(self, position: int) -> UUID | None:
        """The id of the event at a position; None where there is none."""
        ...

    async def today(self) -> date:
        """The store's day."""
        ...

    async def key_record(self, caller: str, key: str) -> KeyRecord | None:
        """What a caller's idempotency key was used for."""
        ...

    async def is_known_reference(self, caller: str, key: str) -> bool:
        """Whether a caller's idempotency key was answered with what its reference led to already."""
        ...

    async def keep_known_reference(self, caller: str, key: str, fingerprint: bytes, place: EventPlace) -> None:
        """Keep a key that was answered so; what it was used for before stays."""
        ...

    async def reference(self, source: str, external_id: str) -> EventPlace | None:
        """The event that an external reference belongs to."""
        ...

    async def places_from(self, position: int, commands: int) -> Sequence[EventPlace]:
        """Where the first events of some commands stand that were recorded together, from a position on."""
        ...

    async def keys_of(self, originators: Iterable[UUID]) -> Sequence[StoredKey]:
        """The sealing keys of some aggregates."""
        ...


class EventStore(Protocol):
    """The only way in."""

    async def append(self, append: Append) -> Appended:
        """Append one command's events, all or none."""
        ...


class RefusedBodies(Protocol):
    """What is kept of refused commands."""

    async def erase(self, named: str, streams: Collection[UUID]) -> None:
        """Erase what is kept of every command that names this petitioner or person, or one of their streams."""
        ...


class Seals(Protocol):
    """Sealing and keyed fingerprints."""

    def seal(
        self, event: Event, originator_id: UUID, version: int, ring: KeyRing, petitioners: tuple[str, ...]
    ) -> bytes | None:
        """The sealed bytes of an event's sealed fields; None when it has none."""
        ...

    def digest(self, sealed: bytes) -> str:
        """The SHA-256 of sealed bytes."""
        ...

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed fingerprint (HMAC) of a body."""
        ...


class UploadedFiles(Protocol):
    """What a command needs of the files that its caller uploaded."""

    async def openable(self, caller: str, digests: Collection[str]) -> Mapping[str, UploadedFile]:
        """The files with these digests that a caller uploaded and that open, by digest."""
        ...

    async def name(self, keys: Collection[FileKey]) -> None:
        """Keep the keys by which files open once the events that name them are recorded."""
        ...


class FileRecords(UploadedFiles, Protocol):
    """What is written down of files."""

    async def add(self, upload: NewUpload) -> str:
        """Write an upload down; the stored name that its caller's file has, another one where it was there before."""
        ...

    async def unnamed(self, caller: str) -> int:
        """The bytes of a caller's files that no recorded command has named, and that are kept still."""
        ...

    async def forget(self, stored_name: str) -> None:
        """Give up a file whose sealed bytes are gone: the same may be uploaded again."""
        ...

    async def named(self, originator_id: UUID, digest: str) -> NamedFile | None:
        """The file of this digest that events of a case name; None where nobody uploaded it."""
        ...

    async def settle(self) -> None:
        """Take away the master's key of every file that a recorded event names."""
        ...

    async def drop(self) -> Sequence[str]:
        """Drop what no event has named in time and what no key opens; the stored names that are to be removed."""
        ...

    async def removed(self, stored_names: Collection[str]) -> None:
        """Write down that the sealed bytes are gone."""
        ...

    async def known(self, stored_names: Collection[str]) -> Collection[str]:
        """Those of some names under which a file is stored and not dropped."""
        ...


class IncomingFile(Protocol):
    """A file that is being stored. What is not kept in the end leaves nothing behind."""

    @property
    def size(self) -> int:
        """How much of the file has come, in bytes."""
        ...

    @property
    def digest(self) -> str:
        """The SHA-256 of the file."""
        ...

    @property
    def stored_name(self) -> str:
        """The SHA-256 of its sealed bytes."""
        ...

    async def write(self, block: bytes) -> None:
        """Take in more of the file."""
        ...

    async def finish(self) -> None:
        """Write the end, and make all of it durable."""
        ...

    def has_parts_of_docx(self) -> bool:
        """Whether a finished file is a ZIP with the parts of a DOCX. It is not unpacked."""
        ...

    def blocks(self) -> Iterator[bytes]:
        """The finished file, read back."""
        ...

    async def keep(self) -> None:
        """Put the file where it stays."""
        ...


class FileFolder(Protocol):
    """Where the sealed bytes lie."""

    def incoming(self, key: bytes) -> AbstractAsyncContextManager[IncomingFile]:
        """Begin a file that is sealed under a key."""
        ...

    def holds(self, stored_name: str) -> bool:
        """Whether the sealed bytes are there."""
        ...

    def blocks(self, stored_name: str, key: bytes, size: int) -> AsyncIterator[bytes]:
        """The file, block by block, each verified. Raises MissingFile, DamagedFile."""
        ...

    def remove(self, stored_name: str) -> None:
        """Delete sealed bytes; it is none the worse where they are gone."""
        ...

    def left_over(self) -> tuple[Sequence[str], Sequence[str]]:
        """The stored names of what was not put in its place by whoever died over it, and those of them that are old."""
        ...

    def put_in_place(self, stored_name: str) -> None:
        """Finish what somebody died over."""
        ...


class FileSeals(Protocol):
    """The keys of files."""

    def wrap_upload(self, stored_name: str, file_key: bytes) -> bytes:
        """A file's key under the master key."""
        ...

    def file_key(self, file: UploadedFile) -> bytes:
        """A file's key, opened. Raises DamagedFile, and UnopenedSeal where the key of its case does not open."""
        ...

    def file_keys(
        self, file: UploadedFile, event_id: UUID, originator_id: UUID, ring: KeyRing, owners: Sequence[str]
    ) -> list[FileKey]:
        """A file's key under the keys of those to whom the event belongs. The ring learns the keys."""
        ...

    def seal_name(self, file_key: bytes, name: str) -> bytes:
        """The name of a file under its key."""
        ...

    def open_name(self, file_key: bytes, name: bytes) -> str:
        """The name of a file. Raises DamagedFile."""
        ...


class Ids(Protocol):
    """Identifiers are drawn at the edge."""

    def __call__(self) -> UUID:
        """A new time-ordered id."""
        ...
