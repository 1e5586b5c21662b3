"""How two systems compare what they hold of a day: a line for each petition, and digests over the lines. Pure."""

import hashlib
from collections.abc import Iterator

import msgspec

BUCKETS = 256


def line_of(external_id: str, source_version: str, state: str) -> bytes:
    """The line of one petition: UTF-8, tabs between its parts, a line feed at its end."""
    return f"{external_id}\t{source_version}\t{state}\n".encode()


def bucket_of(external_id: str) -> int:
    """In which of the buckets a petition stands, whatever its version and state: the first byte of the id's SHA-256."""
    return hashlib.sha256(external_id.encode()).digest()[0]


class LinesDigest(msgspec.Struct, frozen=True):
    """How many lines there are, and the SHA-256 of them, one after another."""

    count: int
    digest: str


class LineDigests:
    """Takes the lines of a day in the order of their ids' bytes; they are not kept."""

    def __init__(self) -> None:
        self._all = hashlib.sha256()
        self._buckets = [hashlib.sha256() for _ in range(BUCKETS)]
        self._counts = [0] * BUCKETS

    def add(self, external_id: str, source_version: str, state: str) -> None:
        """Add the next line."""
        line, bucket = line_of(external_id, source_version, state), bucket_of(external_id)
        self._all.update(line)
        self._buckets[bucket].update(line)
        self._counts[bucket] += 1

    @property
    def total(self) -> LinesDigest:
        """That of all lines."""
        return LinesDigest(sum(self._counts), self._all.hexdigest())

    @property
    def buckets(self) -> Iterator[tuple[int, LinesDigest]]:
        """Those of the buckets that have lines."""
        for number, count in enumerate(self._counts):
            if count:
                yield number, LinesDigest(count, self._buckets[number].hexdigest())
