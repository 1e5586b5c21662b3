"""Bodies and places as registers write them: by code, or by name."""

from collections.abc import Mapping
from datetime import date

from services.intake.application.importing.headings import folded
from services.intake.application.importing.refusals import RowRefused, shown
from services.intake.domain.regulation import PublicBody, Regulation
from shared.identifiers import MalformedCode, agency_code, is_within


class Bodies:
    """Names to codes, under one state of the regulation."""

    def __init__(self, regulation: Regulation, within: str) -> None:
        self.regulation = regulation
        self._within = within
        self._agencies = _by_name(regulation.agencies)
        self._places = _by_name(regulation.jurisdictions)
        self._found: dict[tuple[str, date, str], str] = {}

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
        return known


def _resolved(
    text: str, on: date, field: str, names: Mapping[str, list[PublicBody]], codes: Mapping[str, PublicBody], within: str
) -> str:
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
        raise RowRefused(field, f"{shown(text)} is neither a registered code nor a registered name: register it first")
    raise RowRefused(field, f"{shown(text)} is the name of {', '.join(sorted(nearer))}: write the code")


def _by_name(bodies: Mapping[str, PublicBody]) -> dict[str, list[PublicBody]]:
    names: dict[str, list[PublicBody]] = {}
    for body in bodies.values():
        names.setdefault(folded(body.name), []).append(body)
    return names
