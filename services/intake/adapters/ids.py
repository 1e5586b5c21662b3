"""Time-ordered ids, many in a moment: entropy by the block, in the driver's own type, which it encodes fastest."""

import os
import time
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverId

BLOCK = 4096  # ids for which entropy is drawn at once
_ENTROPY = 10  # bytes an id
# Version 7 and variant of every id of a block: the upper bits of its first and third byte.
_FORM = int.from_bytes((b"\x70\x00\x80" + bytes(_ENTROPY - 3)) * BLOCK)
_FREE = int.from_bytes((b"\x0f\xff\x3f" + b"\xff" * (_ENTROPY - 3)) * BLOCK)


class OrderedIds:
    """Draws ids in the form of UUIDv7 (RFC 9562)."""

    def __init__(self) -> None:
        self._block, self._used = b"", 0
        # Two processes that drew from one block would draw the same ids.
        os.register_at_fork(after_in_child=self._draw)

    def __call__(self) -> UUID:
        used = self._used
        if used == len(self._block):
            self._draw()
            used = 0
        self._used = end = used + _ENTROPY
        made: UUID = DriverId((time.time_ns() // 1_000_000).to_bytes(6) + self._block[used:end])
        return made

    def _draw(self) -> None:
        drawn = int.from_bytes(os.urandom(BLOCK * _ENTROPY))
        self._block, self._used = (drawn & _FREE | _FORM).to_bytes(BLOCK * _ENTROPY), 0
