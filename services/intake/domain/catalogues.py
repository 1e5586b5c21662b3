"""The fields whose values a catalogue lists: what may stand in them, and as which code it is recorded."""

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.context import DecisionContext
from shared.cases.catalogues import CatalogueLog, offered
from shared.events import DatedEvent
from shared.events.conference import PreparationTaskAssigned
from shared.events.petition import PetitionClassified, PetitionReceived
from shared.events.regulation import CatalogueKind

E = TypeVar("E", bound=DatedEvent)

#: By the event: its field, and the kind of catalogue that lists the values of it.
CATALOGUE_FIELDS: Mapping[type[DatedEvent], tuple[str, CatalogueKind]] = {
    PetitionClassified: ("field", "field"),
    PetitionReceived: ("channel", "channel"),
    PreparationTaskAssigned: ("kind", "task"),
}


def with_code(event: E, jurisdiction: str, context: DecisionContext) -> E:
    """The event with the code of what its field says; as it is where no catalogue stands there on its day.

    A code, a title and a text that was mapped will do. A register of the past may say what no catalogue has.
    Raises NotInCatalogue.
    """
    name, kind = CATALOGUE_FIELDS[type(event)]
    catalogues, text = context.regulation.catalogues, getattr(event, name)
    if not text:
        return event
    if context.historic:
        return canonical(event, jurisdiction, catalogues)
    standing = catalogues.standing(jurisdiction, kind, event.effective_on)
    if standing is None:
        return event
    entry = catalogues.meant(jurisdiction, kind, text, event.effective_on)
    choices = offered(standing, event.effective_on)
    if entry is None or entry not in choices:
        raise errors.NotInCatalogue(name, tuple(each.code for each in choices))
    return event if entry.code == text else replace(event, **{name: entry.code})


def canonical(event: E, jurisdiction: str, catalogues: CatalogueLog) -> E:
    """The event with the code that its value means as known now: two that are alike so say the same."""
    if (found := CATALOGUE_FIELDS.get(type(event))) is None:
        return event
    name, kind = found
    entry = catalogues.known(jurisdiction, kind, getattr(event, name))
    return replace(event, **{name: entry.code}) if entry is not None else event
