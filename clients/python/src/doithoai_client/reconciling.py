"""Whether both sides hold the same of a day, by digests that two systems count for themselves. No I/O.

A line is `external_id TAB source_version TAB state LF`, in UTF-8 and NFC. However you write a version, a number stands
there without leading zeros and an instant in UTC to the microsecond. The lines of a day are sorted by their bytes;
SHA-256 over them is its digest. A bucket holds the records whose SHA-256(external_id) begins with that byte.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, order=True)
class DayRecord:
    """One of your petitions as you know it: the version of your last push, the state that you read last."""

    external_id: str
    source_version: str
    state: str

    @property
    def line(self) -> bytes:
        """As both sides write it."""
        text = f"{self.external_id}\t{_written(self.source_version)}\t{self.state}\n"
        return unicodedata.normalize("NFC", text).encode()

    @property
    def bucket(self) -> int:
        """From 0 to 255."""
        return hashlib.sha256(unicodedata.normalize("NFC", self.external_id).encode()).digest()[0]


@dataclass(frozen=True)
class DayDifference:
    """A record on which the sides do not agree; None where a side has none."""

    external_id: str
    ours: DayRecord | None
    theirs: DayRecord | None


@dataclass(frozen=True)
class DayComparison:
    """What a comparison found: none differ where both sides hold the same.

    `is_final` says that no petition joins the day any more. `digest` and `position` name what was compared: the
    service's statement of the day for that position says the same digest.
    """

    is_final: bool
    position: int
    digest: str
    differences: tuple[DayDifference, ...]


def digest_of(records: Iterable[DayRecord]) -> str:
    """SHA-256 over the sorted lines, in hexadecimal digits."""
    return hashlib.sha256(b"".join(sorted(record.line for record in records))).hexdigest()


def by_bucket(records: Iterable[DayRecord]) -> Mapping[int, list[DayRecord]]:
    """The records of each bucket that has some."""
    found: dict[int, list[DayRecord]] = {}
    for record in records:
        found.setdefault(record.bucket, []).append(record)
    return found


def differing_buckets(ours: Iterable[DayRecord], theirs: Mapping[int, str]) -> list[int]:
    """The buckets whose digests differ; one that the other side does not name is empty there."""
    own = by_bucket(ours)
    empty = digest_of(())
    return [
        number
        for number in sorted(own.keys() | theirs.keys())
        if digest_of(own.get(number, ())) != theirs.get(number, empty)
    ]


def differences(ours: Iterable[DayRecord], theirs: Iterable[DayRecord]) -> list[DayDifference]:
    """The records on which two sides do not agree, in order."""
    own = {unicodedata.normalize("NFC", record.external_id): record for record in ours}
    other = {unicodedata.normalize("NFC", record.external_id): record for record in theirs}
    return [
        DayDifference(name, own.get(name), other.get(name))
        for name in sorted(own.keys() | other.keys())
        if name not in own or name not in other or own[name].line != other[name].line
    ]


def _written(version: str) -> str:
    version = version.strip()
    if version.isascii() and version.isdigit():
        return version.lstrip("0") or "0"
    try:
        instant = datetime.fromisoformat(version)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        pass
    return version
