"""How far a caller has read a feed of which it may see a part: an opaque word that the store signs. Pure."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

#: What a restored log may have recorded of before: re-read where a cursor stands in a history that is gone.
MARGIN = timedelta(minutes=10)
LONGEST = 400  # characters of a cursor that is looked at

_MAC_BYTES = 16
_VERSION = 1


class FeedFilter(msgspec.Struct, frozen=True):
    """What a caller asks for of what it may see: kinds of events, a subtree, and only petitions that it pushed."""

    types: tuple[str, ...] = ()
    jurisdiction: str = ""
    mine: bool = False
    #: Who asks: another caller's cursor has passed over what that one may not see.
    reader: str = ""

    @property
    def digest(self) -> bytes:
        """The same for the same filter: a cursor of another one would have passed over what this one shows."""
        asked = (sorted(set(self.types)), self.jurisdiction, self.mine, self.reader)
        return hashlib.sha256(msgspec.json.encode(asked)).digest()[:8]


class FeedCursor(msgspec.Struct, frozen=True, array_like=True):
    """A place in one log. `event_id` and `recorded_at` are of the event at the position; None at the beginning."""

    version: int
    source: str
    position: int
    event_id: UUID | None
    recorded_at: datetime | None
    filter: bytes


class ForeignCursor(ValueError):
    """A cursor that this store did not give for this question."""


def beginning(source: str, asked: FeedFilter) -> FeedCursor:
    """Before the first event."""
    return FeedCursor(_VERSION, source, 0, None, None, asked.digest)


def moved(cursor: FeedCursor, position: int, event_id: UUID, recorded_at: datetime) -> FeedCursor:
    """The same reading, at a later event."""
    return FeedCursor(_VERSION, cursor.source, position, event_id, recorded_at, cursor.filter)


def written(cursor: FeedCursor, key: bytes) -> str:
    """The word that the caller keeps."""
    content = msgspec.msgpack.encode(cursor)
    return base64.urlsafe_b64encode(content + _mac(content, key)).rstrip(b"=").decode()


def read(word: str, source: str, asked: FeedFilter, key: bytes) -> FeedCursor:
    """What a word stands for. Raises ForeignCursor: each cursor is written in one way alone."""
    content, mac = _parts(word)
    if not hmac.compare_digest(mac, _mac(content, key)):
        raise ForeignCursor
    cursor = _cursor(content)
    if written(cursor, key) != word:  # the decoder passes over what is no letter of its alphabet
        raise ForeignCursor
    if (cursor.source, cursor.filter) != (source, asked.digest):
        raise ForeignCursor
    return cursor


def place_in(word: str) -> FeedCursor:
    """The place in whatever log a word names, for who checks it against that log. Raises ForeignCursor.

    Other stores' words can be read too, but nobody says that they gave them, or for which question.
    """
    content, _ = _parts(word)
    return _cursor(content)


def _parts(word: str) -> tuple[bytes, bytes]:
    if len(word) > LONGEST or not word.isascii():
        raise ForeignCursor
    try:
        whole = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
    except binascii.Error as error:
        raise ForeignCursor from error
    return whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]


def _cursor(content: bytes) -> FeedCursor:
    try:
        cursor = msgspec.msgpack.decode(content, type=FeedCursor)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ForeignCursor from error
    if cursor.version != _VERSION or not 0 <= cursor.position < 2**63:
        raise ForeignCursor
    return cursor


def _mac(content: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"feed cursor\0" + content, "sha256")[:_MAC_BYTES]
