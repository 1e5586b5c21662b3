"""Pages of a listing: an opaque cursor that names the last row, and reads that a rebuild does not disturb."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec

T = TypeVar("T")

#: Whoever puts the tables of a rebuild in the place of others waits for this lock first, so for the end of the read.
_HOLD = "LOCK TABLE ONLY facts IN ACCESS SHARE MODE"


class InvalidCursor(ValueError):
    """A cursor that no listing of this kind gave."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some rows in order; `next` is the cursor of the following page, or "" on the last one."""

    items: list[T]
    next: str = ""


def encode_cursor(*key: object) -> str:
    """Return a sort key as an opaque word for a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str, kind: type[T]) -> T:
    """Return the sort key in a cursor. Raises InvalidCursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        written = base64.b64decode(padded, altchars=b"-_", validate=True)
        key = msgspec.json.decode(written, type=kind)
    except (binascii.Error, ValueError) as error:  # msgspec's errors are ValueErrors too
        raise InvalidCursor("this cursor was not given by this listing") from error
    # Well formed, and yet no column of a row can hold it: PostgreSQL would refuse the statement.
    if b"\\u0000" in written or any(isinstance(part, int) and not 0 <= part < 2**63 for part in _parts(key)):
        raise InvalidCursor("this cursor was not given by this listing")
    return key


def _parts(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


async def read(pool: "asyncpg.Pool[asyncpg.Record]", work: Callable[[Any], Awaitable[T]]) -> T:
    """Do some reading in one snapshot of the projection, whose tables no rebuild replaces meanwhile."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_HOLD)  # a lock takes no snapshot yet
        return await work(connection)
