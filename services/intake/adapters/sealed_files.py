"""How a file is sealed: chunks of 64 KiB under a key of its own, each with its number and whether it is the last.

One byte of version, then the chunks: each is AES-256-GCM of up to 64 KiB of the file. The nonce is the chunk's number
in eleven bytes and a byte that is 1 for the last chunk and 0 for all others; the key is drawn for the one file, so no
nonce comes twice. A chunk that was altered, left out, moved, or taken from another file does not open, and neither does
a file that was cut short or added to.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.application.ports import DamagedFile

CHUNK = 64 * 1024  # bytes of the file
TAG = 16  # bytes that a chunk is longer when it is sealed
VERSION = b"\x01"


class SealingWriter:
    """Seals a file as it comes, and knows it by both its digests at the end."""

    def __init__(self, output: BinaryIO, key: bytes) -> None:
        self._output, self._box, self._count = output, AESGCM(key), 0
        self._waiting = bytearray()
        self._plain, self._sealed = hashlib.sha256(), hashlib.sha256()
        self.size = 0
        self._put(VERSION)

    def write(self, data: bytes) -> None:
        """Seal what is known not to be the end."""
        self.size += len(data)
        self._plain.update(data)
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Seal the last chunk."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    @property
    def digest(self) -> str:
        """The SHA-256 of the file itself."""
        return self._plain.hexdigest()

    @property
    def stored_name(self) -> str:
        """The SHA-256 of the sealed bytes."""
        return self._sealed.hexdigest()

    def _seal(self, data: bytes, *, last: bool) -> None:
        self._put(self._box.encrypt(_nonce(self._count, last=last), data, VERSION))
        self._count += 1

    def _put(self, data: bytes) -> None:
        self._sealed.update(data)
        self._output.write(data)


class SealedReader(io.RawIOBase):
    """A sealed file as the file itself, read from any place. Every chunk is verified before a byte of it is given."""

    def __init__(self, source: BinaryIO, key: bytes) -> None:
        self._source, self._box, self._at = source, AESGCM(key), 0
        sealed = os.fstat(source.fileno()).st_size - len(VERSION)
        self._count, rest = divmod(sealed, CHUNK + TAG)
        self._count += rest > 0
        if source.read(len(VERSION)) != VERSION or sealed < TAG or 0 < rest < TAG:
            raise DamagedFile
        self.size = sealed - self._count * TAG
        self._held: tuple[int, bytes] = (-1, b"")

    def chunk(self, number: int) -> bytes:
        """One chunk, opened. Raises DamagedFile."""
        if self._held[0] != number:
            self._source.seek(len(VERSION) + number * (CHUNK + TAG))
            sealed = self._source.read(CHUNK + TAG)
            try:
                data = self._box.decrypt(_nonce(number, last=number == self._count - 1), sealed, VERSION)
            except InvalidTag:
                raise DamagedFile from None
            self._held = (number, data)
        return self._held[1]

    def chunks(self) -> Iterator[bytes]:
        """The whole file. Raises DamagedFile."""
        yield from map(self.chunk, range(self._count))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        if self._at >= self.size:
            return 0
        number, begin = divmod(self._at, CHUNK)
        view = memoryview(buffer)
        found = self.chunk(number)[begin : begin + len(view)]
        view[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        self._source.close()
        super().close()


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])
