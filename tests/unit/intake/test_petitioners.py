"""Ids of petitioners: those that a command gives stand, if an address can name them."""

from datetime import date
from itertools import count
from typing import Any

import pytest

from services.intake.application.petitioners import with_petitioner_ids
from services.intake.domain import errors
from shared.events.petition import Identity, PetitionReceived


def received(**fields: Any) -> PetitionReceived:
    event = PetitionReceived(effective_on=date(2019, 7, 1), jurisdiction="H35", **fields)
    minted = count(1)
    found = with_petitioner_ids(event, lambda: f"new-{next(minted)}")
    assert isinstance(found, PetitionReceived)
    return found


@pytest.mark.parametrize("given", ["a/b", "/", "a\\b", ".", "..", " .. ", "a\nb", "a\x7f", "\u200b"])
def test_id__that_no_address_can_name_is_refused(given: str) -> None:
    with pytest.raises(errors.InvalidValue) as refused:
        received(petitioner_ids=(given,))
    assert refused.value.field == "petitioner_ids"


def test_id_and_label__are_the_same_however_they_are_written() -> None:
    found = received(petitioner_ids=(" P\u200b-Lo\u0300",), identities={"P-Lò ": Identity(name="Lò Văn X")})
    assert (found.petitioner_ids, list(found.identities)) == (("P-Lò",), ["P-Lò"])


def test_labels__that_would_be_one_are_refused() -> None:
    with pytest.raises(errors.InvalidValue, match="one label"):
        received(identities={"1": Identity(name="A"), "1 ": Identity(name="B")})


def test_labels__that_are_no_ids_get_new_ones() -> None:
    found = received(identities={"1": Identity(name="A"), "2": Identity(name="B")})
    assert found.petitioner_ids == ("new-1", "new-2")
