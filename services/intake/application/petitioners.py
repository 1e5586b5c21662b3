"""Petitioner ids are opaque: those that a command gives stand, an identity under any other label gets a new one."""

from collections.abc import Callable, Mapping

import msgspec

from services.intake.domain.errors import InvalidValue
from shared.events import DatedEvent
from shared.events.petition import Identity, PetitionReceived
from shared.identifiers import normalised

MAX_ID = 100  # characters
MAX_PETITIONERS = 1_000  # a collective petition has a list of signatures, not a register


def with_petitioner_ids(event: DatedEvent, mint: Callable[[], str]) -> DatedEvent:
    """The event with an id for each petitioner. Other events come back as they are. Raises InvalidValue.

    A label that is not among `petitioner_ids` is no id: taken as one, "1" would join the petitions of strangers.
    """
    given: tuple[str, ...] = getattr(event, "petitioner_ids", ())
    if given and (len(given) > MAX_PETITIONERS or any(not i.strip() or len(i) > MAX_ID for i in given)):
        raise InvalidValue("petitioner_ids", "petitioner-ids", most=MAX_PETITIONERS, length=MAX_ID)
    if not isinstance(event, PetitionReceived):
        return event
    if len(event.identities) > MAX_PETITIONERS:
        raise InvalidValue("identities", "identities", most=MAX_PETITIONERS)
    ids = dict.fromkeys(map(_addressable, given))
    labelled = _labelled(event.identities)
    identities = {label if label in ids else mint(): identity for label, identity in labelled.items()}
    ids.update(dict.fromkeys(identities))
    found = tuple(ids) or (mint(),)
    return msgspec.structs.replace(event, petitioner_ids=found, identities=identities)


def _addressable(petitioner_id: str) -> str:
    """An id as it is kept: their erasure is asked for at an address that ends with it. Raises InvalidValue."""
    found = normalised(petitioner_id)
    if not found.isprintable() or found in ("", ".", "..") or "/" in found or "\\" in found:
        raise InvalidValue("petitioner_ids", "no-address")
    return found


def _labelled(identities: Mapping[str, Identity]) -> dict[str, Identity]:
    """The identities by their normalised labels. Raises InvalidValue where that would lose one."""
    found = {normalised(label): identity for label, identity in identities.items()}
    if len(found) != len(identities):
        raise InvalidValue("identities", "labels")
    return found
