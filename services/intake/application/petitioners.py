"""Petitioner ids are opaque: those that a command gives stand, an identity under any other label gets a new one."""

from collections.abc import Callable

import msgspec

from services.intake.application.errors import WrongValue
from shared.events import DatedEvent
from shared.events.petition import PetitionReceived

MAX_ID = 100  # characters
MAX_PETITIONERS = 1_000  # a collective petition has a list of signatures, not a register


def with_petitioner_ids(event: DatedEvent, mint: Callable[[], str]) -> DatedEvent:
    """The deed with an id for each petitioner. Other deeds come back as they are. Raises WrongValue.

    A label that is not among `petitioner_ids` is no id: taken as one, "1" would join the petitions of strangers.
    """
    given: tuple[str, ...] = getattr(event, "petitioner_ids", ())
    if given and (len(given) > MAX_PETITIONERS or any(not i.strip() or len(i) > MAX_ID for i in given)):
        raise WrongValue(f"petitioner_ids: at most {MAX_PETITIONERS} ids of 1 to {MAX_ID} characters")
    if not isinstance(event, PetitionReceived):
        return event
    if len(event.identities) > MAX_PETITIONERS:
        raise WrongValue(f"identities: at most {MAX_PETITIONERS}")
    ids = dict.fromkeys(given)
    identities = {label if label in ids else mint(): identity for label, identity in event.identities.items()}
    ids.update(dict.fromkeys(identities))
    found = tuple(ids) or (mint(),)
    return msgspec.structs.replace(event, petitioner_ids=found, identities=identities)
