"""The order of Vietnamese words as a dictionary has it: letters first, then tones. Pure."""

import unicodedata
from collections.abc import Iterable
from typing import Protocol, TypeVar

from shared.identifiers import composed

_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_LETTERS = {letter: number for number, letter in enumerate(_ALPHABET)}
#: No tone, grave, hook above, tilde, acute, dot below.
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str:
        """The name."""
        ...


N = TypeVar("N", bound=Named)
Key = tuple[list[tuple[int, str]], list[int], str]


def vietnamese_order(text: str) -> Key:
    """The key by which to sort: `đường` comes after `dân`, `bà` before `bá`, capitals with small letters."""
    letters: list[tuple[int, str]] = []
    tones: list[int] = []
    for letter in composed(text).casefold():
        parts = unicodedata.normalize("NFD", letter)
        tone = next((mark for mark in parts if mark in _TONES), "")
        bare = unicodedata.normalize("NFC", parts.replace(tone, "") if tone else parts)
        # What is no letter stands before all letters, by its code point.
        letters.append((_LETTERS.get(bare, -1), "" if bare in _LETTERS else bare))
        tones.append(_TONES.get(tone, 0))
    return letters, tones, text


def by_name(things: Iterable[N]) -> list[N]:
    """Things in the order of their names."""
    return sorted(things, key=lambda thing: vietnamese_order(thing.name))
