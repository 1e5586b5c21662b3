"""What intake says of places and agencies by their codes, said by their names."""

import re
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from services.followup.adapters.read.queries import Queries

_CODE = re.compile(r"(?<![\w./-])[A-Z]\d+(?:\.\d+)*(?![\w/-])(?!\.\w)")


class BothLanguages(Protocol):
    """One thing said in both languages."""

    @property
    def vi(self) -> str:
        """In Vietnamese."""
        ...

    @property
    def en(self) -> str:
        """In English."""
        ...


S = TypeVar("S", bound=BothLanguages)


class NamedCodes:
    """The names of the codes that some sentences hold; what nobody registered stays a code."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    @classmethod
    async def of(cls, queries: Queries, source: str, sentences: Iterable[BothLanguages]) -> "NamedCodes":
        """Look up the codes of sentences that the intake of a source has said; of an unnamed one they stay codes."""
        found = sorted({code for said in sentences for code in _CODE.findall(said.vi)})
        if not found or not source:
            return cls({})
        places = {code: name for code in found if (name := await queries.place_name(code, source))}
        agencies = await queries.agency_names([(source, code) for code in found])
        return cls(places | {code: name for (_, code), name in agencies.items()})

    def said(self, sentence: S) -> S:
        """A sentence with names for codes."""
        kind: Any = type(sentence)
        named = kind(self._named(sentence.vi), self._named(sentence.en))
        return sentence if named == sentence else named

    def _named(self, text: str) -> str:
        return _CODE.sub(lambda found: self._names.get(found[0], found[0]), text)
