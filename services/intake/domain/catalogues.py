"""The fields whose values a catalogue lists: what may stand in them, and as which code it is recorded."""

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.context import DecisionContext
from shared.cases.catalogues import CatalogueLog, offered
from shared.events import DatedEvent
from shared.events.conference import PreparationTaskAssigned
from shared.events.petition import PetitionClassified, PetitionCorrected, PetitionReceived
from shared.events.regulation import CatalogueKind

E = TypeVar("E", bound=DatedEvent)

#: By the event: its fields, each with the kind of catalogue that lists the values of it.
CATALOGUE_FIELDS: Mapping[type[DatedEvent], Mapping[str, CatalogueKind]] = {
    PetitionClassified: {"field": "field"},
    PetitionReceived: {"channel": "channel", "village": "village"},
    PetitionCorrected: {"channel": "channel", "village": "village"},
    PreparationTaskAssigned: {"kind": "task"},
}


def with_code(event: E, jurisdiction: str, context: DecisionContext) -> E:
    """The event with the codes of what its fields say; as they are where no catalogue stands there on its day.

    A code, a title and a text that was mapped will do. A register of the past may say what no catalogue has.
    Raises NotInCatalogue.
    """
    catalogues = context.regulation.catalogues
    if context.historic:
        return canonical(event, jurisdiction, catalogues)
    for name, kind in CATALOGUE_FIELDS[type(event)].items():
        text = getattr(event, name)
        standing = catalogues.standing(jurisdiction, kind, event.effective_on) if text else None
        if standing is None:
            continue
        entry = catalogues.meant(jurisdiction, kind, text, event.effective_on)
        choices = offered(standing, event.effective_on)
        if entry is None or entry not in choices:
            raise errors.NotInCatalogue(name, tuple(each.code for each in choices))
        if entry.code != text:
            event = replace(event, **{name: entry.code})
    return event


def canonical(event: E, jurisdiction: str, catalogues: CatalogueLog) -> E:
    """The event with the codes that its values mean as known now: two that are alike so say the same."""
    for name, kind in CATALOGUE_FIELDS.get(type(event), {}).items():
        entry = catalogues.known(jurisdiction, kind, text) if (text := getattr(event, name)) else None
        if entry is not None:
            event = replace(event, **{name: entry.code})
    return event
