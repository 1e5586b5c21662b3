"""Identifiers and local days: agency codes, deterministic and time-ordered ids, Asia/Ho_Chi_Minh dates. Pure."""

import functools
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# Viet Nam has kept +07:00 since 1975; the fixed offset keeps every printed midnight in one form.
FIRST_YEAR, LAST_YEAR = 1900, 2100
NATION = "VN"


def _ranges(characters: str) -> str:
    """Characters, in order, as an expression names them between brackets."""
    bounds: list[tuple[str, str]] = []
    for each in characters:
        if bounds and ord(bounds[-1][1]) == ord(each) - 1:
            bounds[-1] = bounds[-1][0], each
        else:
            bounds.append((each, each))
    return "".join(f"{first}-{last}" for first, last in bounds)


# What nobody sees tells no two texts apart: soft hyphens, zero-width characters, direction marks, byte order marks go.
# So do the joiners inside a few emoji, whose parts stay. Blanks that may not be broken are blanks.
_UNSEEN: dict[int, str | None] = {
    **dict.fromkeys(
        [0xAD, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
    ),
    **dict.fromkeys([0xA0, 0x2007, 0x202F], " "),
}
_IS_UNSEEN = re.compile(f"[{''.join(map(chr, _UNSEEN))}]")

# Marks that combine with the letter before them, by their places: none stands outside these blocks (a test looks).
_MARKS = "".join(chr(c) for c in range(0x300, 0x1F000) if unicodedata.combining(chr(c)))
_LONG_RUN = re.compile(r"[^\x00-\x7f]{31,}")
_LONG_MARKS = re.compile(f"[{_ranges(_MARKS)}]{{31,}}")

_CODE = re.compile(r"[A-Z0-9]+(\.[A-Z0-9]+)*")
MAX_CODE_LENGTH = 35


class MalformedCode(ValueError):
    """An electronic identifier that Decision 20/2020/QĐ-TTg does not allow; `text` is what was written."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no agency code: dotted letters and digits, at most {MAX_CODE_LENGTH} characters")
        self.text = text


@functools.lru_cache(maxsize=4096)
def agency_code(text: str) -> str:
    """Return the code parent-first: `000.00.00.H35` (old order) becomes `H35`, `H35.10.2` stays.

    Source: Decision 20/2020/QĐ-TTg. Raises MalformedCode.
    """
    code = normalised(text).upper()
    if len(code) > MAX_CODE_LENGTH or not _CODE.fullmatch(code):
        raise MalformedCode(text)
    parts = code.split(".")
    if len(parts) == 4 and re.fullmatch(r"[A-Z]\d+", parts[3]) and all(re.fullmatch(r"\d+", p) for p in parts[:3]):
        # The old order runs from the smallest unit to the ministry or province, zeros meaning "none".
        significant = [p for p in reversed(parts) if not re.fullmatch(r"0+", p)]
        return ".".join(significant)
    return code


def code_or_text(text: str) -> str:
    """The code parent-first, or the text as it is where it is none: whoever checks it says what is wrong."""
    try:
        return agency_code(text)
    except MalformedCode:
        return text


def is_within(code: str, ancestor: str) -> bool:
    """Whether `code` is in the subtree of `ancestor` (parent-first codes; the nation holds all)."""
    return ancestor == NATION or code == ancestor or code.startswith(ancestor + ".")


@functools.lru_cache(maxsize=4096)
def lineage(code: str) -> tuple[str, ...]:
    """The code, then each ancestor, then the nation: `H35.10` gives `H35.10`, `H35`, `VN`."""
    parts = code.split(".")
    chain = tuple(".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return chain if chain[-1] == NATION else (*chain, NATION)


def derived_id(*parts: object) -> UUID:
    """A deterministic id: SHA-256 over the parts, shaped as a version 8 UUID (RFC 9562)."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return _shaped(int.from_bytes(digest[:16], "big"), version=8)


def ordered_id(instant: datetime, entropy: bytes) -> UUID:
    """A time-ordered id (UUIDv7, RFC 9562): 48 bits of `instant` in milliseconds, then 10 bytes of `entropy`.

    The form begins in 1970; what was earlier stands there.
    """
    return _shaped(max(int(instant.timestamp() * 1000), 0) << 80 | int.from_bytes(entropy[:10], "big"), version=7)


def ordered_derived_id(instant: datetime, *parts: object) -> UUID:
    """Deterministic and time-ordered: the instant's milliseconds, then a hash of the parts."""
    return ordered_id(instant, hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest())


_FREE = ~(0xF << 76 | 0x3 << 62)  # all but version and variant


def _shaped(value: int, version: int) -> UUID:
    return UUID(int=value & _FREE | version << 76 | 0x2 << 62)


def sorted_ids(ids: Iterable[UUID]) -> list[UUID]:
    """Ids in the order of their text, which is that of their numbers."""
    return sorted(ids, key=attrgetter("int"))


def local_day(instant: datetime) -> date:
    """The day in Asia/Ho_Chi_Minh on which an aware instant falls."""
    if instant.tzinfo is None:
        raise ValueError("a naive time has no day: give an offset")
    return instant.astimezone(LOCAL_ZONE).date()


@functools.lru_cache(maxsize=4096)
def midnight(day: date) -> datetime:
    """00:00 local of a day, as a UTC instant."""
    return datetime.combine(day, time(), LOCAL_ZONE).astimezone(UTC)


@functools.lru_cache(maxsize=4096)
def breach_instant(due_on: date) -> datetime:
    """The local midnight that ends the due date: a duty done at any time of its due date is in time."""
    return midnight(due_on + timedelta(days=1))


@functools.lru_cache(maxsize=4096)
def local_iso(instant: datetime) -> str:
    """RFC 3339 with `+07:00`."""
    return instant.astimezone(LOCAL_ZONE).isoformat()


def normalised(text: str) -> str:
    """A text as it is kept and compared: NFC, without what nobody sees, without blanks around it.

    Every door does this to what comes in: bodies, addresses, queries, options, files and queues.
    """
    if not text.isascii():
        text = composed(text)
        if _IS_UNSEEN.search(text) is not None:
            text = composed(text.translate(_UNSEEN))
    return text.strip()


def composed(text: str) -> str:
    """A text in NFC, in a time that grows with its length alone.

    The interpreter sorts the marks on one letter by moving each past those before it: a hundred thousand of them in
    the wrong order would take minutes. Sorted here first, they are the same text. No letter of a language has thirty.
    """
    return unicodedata.normalize("NFC", _LONG_RUN.sub(_with_marks_in_order, text))


def _with_marks_in_order(run: re.Match[str]) -> str:
    return _LONG_MARKS.sub(lambda marks: "".join(sorted(marks[0], key=unicodedata.combining)), run[0])


def kept_forms(text: str) -> tuple[str, ...]:
    """The forms under which a store may keep a name that a caller gives: as releases up to 0.2 did, then today's.

    Those composed characters and left the rest: blanks and unseen characters around a name are kept there.
    """
    return tuple(dict.fromkeys((composed(text), normalised(text))))


def snake(name: str) -> str:
    """`PetitionReceived` as `petition_received`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
