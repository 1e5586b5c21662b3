"""Time-ordered ids, many in a moment: entropy by the block, in the driver's own type, which it encodes fastest."""

import os
import time
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverId

BLOCK = 4096  # ids for which entropy is drawn at once
_ENTROPY = 10  # bytes an id
_FORM = 7 << 76 | 2 << 62  # version and variant
_FREE = ~(0xF << 76 | 0x3 << 62)


class OrderedIds:
    """Draws ids in the form of UUIDv7 (RFC 9562)."""

    def __init__(self) -> None:
        self._entropy, self._used = b"", 0
        # Two processes that drew from one block would draw the same ids.
        os.register_at_fork(after_in_child=self._draw)

    def __call__(self) -> UUID:
        if self._used >= len(self._entropy):
            self._draw()
        drawn = int.from_bytes(self._entropy[self._used : self._used + _ENTROPY])
        self._used += _ENTROPY
        milliseconds = time.time_ns() // 1_000_000
        made: UUID = DriverId(((milliseconds << 80 | drawn) & _FREE | _FORM).to_bytes(16))
        return made

    def _draw(self) -> None:
        self._entropy, self._used = os.urandom(BLOCK * _ENTROPY), 0
