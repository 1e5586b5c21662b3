"""Sealing of intake's events: one part for each petitioner under a key of their own, the rest under the aggregate's."""

import hashlib
import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.adapters.contents import SealedRow
from services.intake.application.ports import DamagedFile, FileKey, KeyRing, StoredKey, UnopenedSeal, UploadedFile
from shared.event_store.append import NewKey
from shared.events import SEALED, Event, Visibility, sealed_data
from shared.sealing import (
    KEY_BYTES,
    NONCE_BYTES,
    BrokenSeal,
    derived_key,
    key_fingerprint,
    opened_bytes,
    sealed_bytes,
)

VERSION = 1  # of the plaintext inside a part
MOST_TOLD = 10_000  # places of which it is remembered that the log names them
OWN = ""  # owns the key of an aggregate's own words: no petitioner has this id, so no erasure names it


log = structlog.get_logger("seals")


class _Part(msgspec.Struct, frozen=True, array_like=True):
    key_id: bytes
    nonce: bytes
    ciphertext: bytes


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    v: int
    parts: tuple[_Part, ...]


class _Plain(msgspec.Struct, frozen=True):
    v: int
    data: dict[str, Any]


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A refused command: why, and its bytes as they came."""

    reason: str
    body: bytes


_json = msgspec.json.Encoder()
_blob = msgspec.msgpack.Encoder()
_blobs = msgspec.msgpack.Decoder(_Sealed)


class PetitionSeals:
    """Everything under one master key: wrapping data keys, sealing parts, keyed fingerprints."""

    def __init__(self, master: bytes, new_id: Callable[[], UUID]) -> None:
        if len(master) != KEY_BYTES:
            raise ValueError(f"the master key has {KEY_BYTES} bytes, this one has {len(master)}")
        self._new_id = new_id
        self.key_fingerprint = key_fingerprint(master)
        self.unopened_total = 0  # how often something sealed did not open
        self._told = set[tuple[UUID, int]]()
        self._wrapping = AESGCM(_derived(master, b"wrap"))
        self._refused = AESGCM(_derived(master, b"refused"))
        self._conflicts = AESGCM(_derived(master, b"conflict"))
        self._uploads = AESGCM(_derived(master, b"upload"))
        self._mac = hmac.new(_derived(master, b"fingerprint"), digestmod="sha256")

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed fingerprint (HMAC-SHA-256): it tells nothing of a body to whoever reads the table."""
        mac = self._mac.copy()  # the key is taken in once
        mac.update(content)
        return mac.digest()

    def digest(self, sealed: bytes) -> str:
        """The SHA-256 of sealed bytes, as messages carry it."""
        return hashlib.sha256(sealed).hexdigest()

    def seal(
        self, event: Event, originator_id: UUID, version: int, ring: KeyRing, petitioners: tuple[str, ...]
    ) -> bytes | None:
        """The sealed bytes of an event; None when it has nothing to seal. The ring learns the keys."""
        data = sealed_data(event)
        if not data:
            return None
        parts: dict[str, dict[str, Any]] = {}
        kinds = SEALED[event.TOPIC]
        for name, value in data.items():
            kind = kinds[name]
            if kind is Visibility.SEALED_EACH:
                for petitioner, theirs in value.items():
                    parts.setdefault(petitioner, {})[name] = {petitioner: theirs}
            elif kind is Visibility.SEALED_ALL:
                for owner in petitioners or (OWN,):
                    parts.setdefault(owner, {})[name] = value
            else:
                parts.setdefault(OWN, {})[name] = value
        place = _bound_to(originator_id, version, event.TOPIC)
        sealed = [self._part(parts[owner], self._key(owner, originator_id, ring), place) for owner in sorted(parts)]
        return _blob.encode(_Sealed(VERSION, tuple(sealed)))

    def opened(self, row: SealedRow, keys: Mapping[UUID, StoredKey]) -> dict[str, Any]:
        """What can still be read of a sealed row: the parts whose keys exist, put together. Raises UnopenedSeal."""
        try:
            return self._opened(row, keys)
        except BrokenSeal:
            raise self._unopened(row.originator_id, row.version) from None

    def _opened(self, row: SealedRow, keys: Mapping[UUID, StoredKey]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in _blobs.decode(row.sealed).parts:
            key_id = UUID(bytes=part.key_id)
            if (stored := keys.get(key_id)) is None:
                continue  # erased
            bound = _bound_to(row.originator_id, row.version, row.topic) + key_id.bytes
            content = opened_bytes(AESGCM(self._data_key(stored)), part.nonce + part.ciphertext, bound)
            plain = msgspec.json.decode(content, type=_Plain)
            for name, value in plain.data.items():
                # Each petitioner's part holds their own entry of a mapping and the whole of everything else.
                found[name] = {**found[name], **value} if isinstance(found.get(name), dict) else value
        return found

    def check_key(self, stored: StoredKey) -> None:
        """Whether a data key opens under this master key. Raises BrokenSeal."""
        self._data_key(stored)

    def keys_in(self, sealed: bytes) -> set[UUID]:
        """The ids of the keys under which the parts of an event's sealed bytes are."""
        return {UUID(bytes=part.key_id) for part in _blobs.decode(sealed).parts}

    def seal_refused(self, refused_id: UUID, kept: Kept) -> bytes:
        """A refused command, under the master key."""
        return sealed_bytes(self._refused, _blob.encode(kept), refused_id.bytes)

    def open_refused(self, refused_id: UUID, content: bytes) -> Kept:
        """A refused command, opened. Raises BrokenSeal."""
        return msgspec.msgpack.decode(opened_bytes(self._refused, content, refused_id.bytes), type=Kept)

    def seal_conflict(self, conflict_id: UUID, content: bytes) -> bytes:
        """What a push would change against the office, under the master key."""
        return sealed_bytes(self._conflicts, content, conflict_id.bytes)

    def open_conflict(self, conflict_id: UUID, sealed: bytes) -> bytes:
        """The same, opened. Raises BrokenSeal."""
        return opened_bytes(self._conflicts, sealed, conflict_id.bytes)

    def wrap_upload(self, stored_name: str, file_key: bytes) -> bytes:
        """A file's key under the master key, until an event names the file."""
        return sealed_bytes(self._uploads, file_key, stored_name.encode())

    def file_key(self, file: UploadedFile) -> bytes:
        """A file's key, opened. Raises DamagedFile, and UnopenedSeal where the key of its case does not open."""
        box, bound = self._uploads, file.stored_name.encode()
        if file.key is not None:
            box, bound = AESGCM(self._known_key(file.key)), _file_under(file.stored_name, file.key.key_id)
        try:
            return opened_bytes(box, file.wrapped, bound)
        except BrokenSeal:
            raise DamagedFile from None

    def file_keys(
        self, file: UploadedFile, event_id: UUID, originator_id: UUID, ring: KeyRing, owners: Sequence[str]
    ) -> list[FileKey]:
        """A file's key under the key of each owner; where there are none, under the aggregate's own."""
        file_key, found = self.file_key(file), []
        for owner in owners or (OWN,):
            key_id, box = self._key(owner, originator_id, ring)
            wrapped = sealed_bytes(box, file_key, _file_under(file.stored_name, key_id))
            found.append(FileKey(file.stored_name, event_id, originator_id, key_id, wrapped))
        return found

    def seal_name(self, file_key: bytes, name: str) -> bytes:
        """The name of a file, under a key derived from the file's."""
        return sealed_bytes(AESGCM(_derived(file_key, b"name")), name.encode(), b"")

    def open_name(self, file_key: bytes, name: bytes) -> str:
        """The name of a file. Raises DamagedFile."""
        try:
            return opened_bytes(AESGCM(_derived(file_key, b"name")), name, b"").decode()
        except BrokenSeal:
            raise DamagedFile from None

    def _data_key(self, stored: StoredKey) -> bytes:
        bound = _wrapped_for(stored.key_id, stored.owner_id, stored.originator_id)
        return opened_bytes(self._wrapping, stored.wrapped, bound)

    def _known_key(self, stored: StoredKey) -> bytes:
        """A data key of an aggregate that exists. Raises UnopenedSeal."""
        try:
            return self._data_key(stored)
        except BrokenSeal:
            raise self._unopened(stored.originator_id) from None

    def _unopened(self, originator_id: UUID, version: int = 0) -> UnopenedSeal:
        """Count it, and name its place in the log once; without a version it is a key of the aggregate."""
        self.unopened_total += 1
        if (place := (originator_id, version)) not in self._told:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            self._told.add(place)
            log.error("seal_unopened", subject_id=str(originator_id), version=version)
        return UnopenedSeal()

    def _key(self, owner: str, originator_id: UUID, ring: KeyRing) -> tuple[UUID, AESGCM]:
        known = ring.known.get((owner, originator_id))
        if known is not None:
            raw = self._known_key(known)
            if all(key.key_id != known.key_id for key in ring.new):
                ring.used.add(known.key_id)
            return known.key_id, AESGCM(raw)
        drawn = os.urandom(KEY_BYTES + NONCE_BYTES)
        raw, nonce = drawn[:KEY_BYTES], drawn[KEY_BYTES:]
        key_id = self._new_id()
        wrapped = nonce + self._wrapping.encrypt(nonce, raw, _wrapped_for(key_id, owner, originator_id))
        ring.known[owner, originator_id] = StoredKey(key_id, owner, originator_id, wrapped)
        ring.new.append(NewKey(key_id=key_id, owner_id=owner, originator_id=originator_id, wrapped=wrapped))
        return key_id, AESGCM(raw)

    def _part(self, data: dict[str, Any], key: tuple[UUID, AESGCM], place: bytes) -> _Part:
        (key_id, box), nonce = key, os.urandom(NONCE_BYTES)
        plain = _json.encode(_Plain(VERSION, data))
        return _Part(key_id.bytes, nonce, box.encrypt(nonce, plain, place + key_id.bytes))


def _derived(master: bytes, purpose: bytes) -> bytes:
    return derived_key(master, b"doithoai:" + purpose)


def _file_under(stored_name: str, key_id: UUID) -> bytes:
    """The associated data of a file's key: it opens that file's key, under that sealing key, and nothing else."""
    return b"\x1f".join((b"file", stored_name.encode(), key_id.bytes))


def _wrapped_for(key_id: UUID, owner: str, originator_id: UUID) -> bytes:
    return b"\x1f".join((key_id.bytes, owner.encode(), originator_id.bytes))


def _bound_to(originator_id: UUID, version: int, topic: str) -> bytes:
    """The associated data, before the id of the key: a part opens only where it was sealed."""
    return b"\x1f".join((originator_id.bytes, b"%d" % version, topic.encode(), b""))
