"""Bodies and places as registers write them: by code, or by name."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches

from services.intake.application.importing.headings import folded
from services.intake.application.importing.refusals import RowRefused, shortened, shown
from services.intake.domain.regulation import PublicBody, Regulation
from shared.identifiers import MalformedCode, agency_code, is_within
from shared.sentences import Sentence

MOST_OFFERED = 3  # registered names like one that is not
ALIKE = 0.85  # of two spellings, from 0 to 1
LEAST_WORDS = 2  # that a name shares with another
LONGEST_NAME = 300  # characters: what is longer is no name


class Bodies:
    """Names to codes, under one state of the regulation."""

    def __init__(self, regulation: Regulation, within: str) -> None:
        self.regulation = regulation
        self._within = within
        self._agencies = _by_name(regulation.agencies)
        self._places = _by_name(regulation.jurisdictions)
        self._found: dict[tuple[str, date, str], str | Sentence] = {}

    def agency(self, text: str, on: date, field: str) -> str:
        """The code of an agency on a day. Raises RowRefused."""
        return self._code(text, on, field, self._agencies, self.regulation.agencies, "")

    def place(self, text: str, on: date, field: str) -> str:
        """The code of a jurisdiction on a day; of several of one name the office's own. Raises RowRefused."""
        return self._code(text, on, field, self._places, self.regulation.jurisdictions, self._within)

    def _code(
        self,
        text: str,
        on: date,
        field: str,
        names: Mapping[str, list[PublicBody]],
        codes: Mapping[str, PublicBody],
        within: str,
    ) -> str:
        key = (text, on, field)
        if (known := self._found.get(key)) is None:
            known = self._found[key] = _resolved(text, on, field, names, codes, within)
        if isinstance(known, Sentence):
            raise RowRefused(field, *known)
        return known


def _resolved(
    text: str, on: date, field: str, names: Mapping[str, list[PublicBody]], codes: Mapping[str, PublicBody], within: str
) -> str | Sentence:
    """The code, or why there is none: names that are wrong stand in many rows, and each is looked for once."""
    try:
        if (code := agency_code(text)) in codes:
            return code
    except MalformedCode:
        pass
    named = names.get(folded(text), [])
    fitting = [body.code for body in named if body.existed(on)] or [body.code for body in named]
    nearer = [code for code in fitting if not within or is_within(code, within)] or fitting
    if len(nearer) == 1:
        return nearer[0]
    if not nearer:
        return _unknown(text, field, names)
    codes_of_name = ", ".join(sorted(nearer))
    return Sentence(
        f"{shown(text)} là tên của {codes_of_name}; hãy ghi mã",
        f"{shown(text)} is the name of {codes_of_name}: write the code",
    )


def _unknown(text: str, field: str, names: Mapping[str, list[PublicBody]]) -> Sentence:
    """A name that nobody has; where others are like it, those are offered, so that no body is registered twice."""
    near = [body for name in _near(folded(text), names) for body in names[name]][:MOST_OFFERED]
    if not near:
        return Sentence(
            f"{shown(text)} không phải là mã hay tên đã đăng ký; hãy đăng ký trước",
            f"{shown(text)} is neither a registered code nor a registered name: register it first",
        )
    offered = "; ".join(f"{body.name} ({body.code})" for body in near)
    entry = f"values: {{ {field}: {{ {json.dumps(shortened(text), ensure_ascii=False)}: {near[0].code} }} }}"
    return Sentence(
        f"{shown(text)} không phải là mã hay tên đã đăng ký; gần giống: {offered}. Nếu là cơ quan, địa bàn đó thì ghi "
        f"tên hoặc mã đã đăng ký, hoặc thêm vào tệp --mapping: {entry}; nếu không thì đăng ký trước",
        f"{shown(text)} is neither a registered code nor a registered name; near it: {offered}. If it is that one, "
        f"write the registered name or code, or put into the mapping file: {entry}; if not, register it first",
    )


def _near(name: str, names: Iterable[str]) -> list[str]:
    """The names that hold all the words of the other, or are held, or are spelt much like it; the nearest first."""
    words = set(name.split())
    if not words or len(name) > LONGEST_NAME:
        return []
    held: dict[str, float] = {}
    rest: list[str] = []
    for other in names:
        theirs = set(other.split())
        shorter = min(len(words), len(theirs))
        if shorter >= LEAST_WORDS and (words <= theirs or theirs <= words):
            held[other] = shorter / max(len(words), len(theirs))
        else:
            rest.append(other)
    nearest = sorted(held, key=lambda other: (-held[other], other))
    return [*nearest, *get_close_matches(name, rest, MOST_OFFERED, ALIKE)]


def _by_name(bodies: Mapping[str, PublicBody]) -> dict[str, list[PublicBody]]:
    names: dict[str, list[PublicBody]] = {}
    for body in bodies.values():
        names.setdefault(folded(body.name), []).append(body)
    return names
