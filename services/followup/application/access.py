"""Whose cases a caller may see."""

from collections.abc import Mapping

import msgspec

from shared.identifiers import NATION, is_within


class Heirs(msgspec.Struct, frozen=True):
    """Who has taken over from the bodies that are no more, by their codes: jurisdictions and agencies."""

    jurisdictions: Mapping[str, str] = {}
    agencies: Mapping[str, str] = {}


class Scope(msgspec.Struct, frozen=True):
    """What a caller may see: a subtree, and where it is an agency only what this leads or owes.

    What an abolished body left, ended cases included, its heir sees too: `inherited` are the places of that subtree's
    predecessors, `predecessors` the agencies from which the agency has taken over. `reached` finds them.
    """

    jurisdiction: str = NATION
    agency: str = ""
    inherited: tuple[str, ...] = ()
    predecessors: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The subtrees within the scope."""
        return (self.jurisdiction, *self.inherited)

    @property
    def agencies(self) -> tuple[str, ...]:
        """The agencies as whom the caller sees; none where it sees whole subtrees."""
        return (self.agency, *self.predecessors) if self.agency else ()

    def holds(self, jurisdiction: str) -> bool:
        """Whether a place is within the scope."""
        return any(is_within(jurisdiction, place) for place in self.places)

    def reached(self, heirs: Heirs, jurisdiction: str = "") -> "Scope | None":
        """The same with what was inherited, within a subtree if one is asked for; None where none of it may be seen."""
        whole = self._with(heirs)
        if not jurisdiction or is_within(self.jurisdiction, jurisdiction):
            return whole
        return Scope(jurisdiction, self.agency)._with(heirs) if whole.holds(jurisdiction) else None

    def _with(self, heirs: Heirs) -> "Scope":
        inherited = [
            code
            for code, heir in heirs.jurisdictions.items()
            if is_within(heir, self.jurisdiction) and not is_within(code, self.jurisdiction)
        ]
        predecessors = [code for code, heir in heirs.agencies.items() if self.agency and heir == self.agency != code]
        return Scope(self.jurisdiction, self.agency, tuple(sorted(inherited)), tuple(sorted(predecessors)))
