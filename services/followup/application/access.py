"""Whose cases a caller may see."""

import msgspec

from shared.identifiers import NATION, is_within


class Scope(msgspec.Struct, frozen=True):
    """What a caller may see: a subtree, and where it is an agency only what this leads or owes."""

    jurisdiction: str = NATION
    agency: str = ""

    def narrowed(self, jurisdiction: str) -> "Scope | None":
        """The same within a subtree that was asked for; None where nothing of that may be seen."""
        if not jurisdiction or is_within(self.jurisdiction, jurisdiction):
            return self
        return Scope(jurisdiction, self.agency) if is_within(jurisdiction, self.jurisdiction) else None
