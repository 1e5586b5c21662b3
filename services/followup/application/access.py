"""Whose cases a caller may see."""

from collections.abc import Mapping

import msgspec

from shared.identifiers import NATION, is_within

#: A code as a source has it: what one source has closed another goes on with.
Coded = tuple[str, str]


def by_code_alone(names: Mapping[Coded, str]) -> dict[str, str]:
    """Names by code, in the order of the codes: what two sources call differently has both names."""
    found: dict[str, dict[str, None]] = {}
    for (_, code), name in sorted(names.items()):
        found.setdefault(code, {})[name] = None
    return {code: " / ".join(each) for code, each in sorted(found.items())}


class Heirs(msgspec.Struct, frozen=True):
    """Who has taken over from the bodies that are no more, by their sources and codes: jurisdictions and agencies."""

    jurisdictions: Mapping[Coded, str] = {}
    agencies: Mapping[Coded, str] = {}


class Scope(msgspec.Struct, frozen=True):
    """What a caller may see: a subtree, and where it is an agency only what this leads or owes.

    What an abolished body left, ended cases included, its heir sees too: `inherited` are the places of that subtree's
    predecessors, `predecessors` the agencies from which the agency has taken over, each in the source that says so.
    `reached` finds them.
    """

    jurisdiction: str = NATION
    agency: str = ""
    inherited: tuple[Coded, ...] = ()
    predecessors: tuple[Coded, ...] = ()
    #: The sources in which alone the subtree is meant, since it is an inherited one of theirs; none for every source.
    sources: tuple[str, ...] = ()

    @property
    def agencies(self) -> tuple[str, ...]:
        """The agencies as whom the caller sees, of whatever source; none where it sees whole subtrees."""
        return (self.agency, *(code for _, code in self.predecessors)) if self.agency else ()

    def holds(self, jurisdiction: str, source: str) -> bool:
        """Whether a place of a source is within the scope."""
        is_own = is_within(jurisdiction, self.jurisdiction) and (not self.sources or source in self.sources)
        return is_own or any(of == source and is_within(jurisdiction, place) for of, place in self.inherited)

    def is_seen_by(self, agency: str, source: str) -> bool:
        """Whether the caller sees as an agency of a source."""
        return bool(self.agency) and (agency == self.agency or (source, agency) in self.predecessors)

    def reached(self, heirs: Heirs, jurisdiction: str = "") -> "Scope | None":
        """The same with what was inherited, within a subtree if one is asked for; None where none of it may be seen."""
        whole = self._with(heirs)
        if not jurisdiction or is_within(self.jurisdiction, jurisdiction):
            return whole
        narrowed = Scope(jurisdiction, self.agency)._with(heirs)
        if is_within(jurisdiction, self.jurisdiction):
            return narrowed
        sources = {of for of, place in whole.inherited if is_within(jurisdiction, place)}
        inherited = tuple(each for each in narrowed.inherited if each[0] in sources)
        narrowed = msgspec.structs.replace(narrowed, sources=tuple(sorted(sources)), inherited=inherited)
        return narrowed if sources else None

    def _with(self, heirs: Heirs) -> "Scope":
        inherited = [
            (source, code)
            for (source, code), heir in heirs.jurisdictions.items()
            if is_within(heir, self.jurisdiction) and not is_within(code, self.jurisdiction)
        ]
        predecessors = [
            (source, code)
            for (source, code), heir in heirs.agencies.items()
            if self.agency and heir == self.agency != code
        ]
        return Scope(self.jurisdiction, self.agency, tuple(sorted(inherited)), tuple(sorted(predecessors)))
