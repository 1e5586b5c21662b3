"""What a push says beside what is known: when the two are the same."""

from datetime import date
from typing import Any

import pytest

from services.intake.application.pushing.reading import applied, unlike
from shared.cases.catalogues import CatalogueLog
from shared.events.petition import Identity, PetitionCorrected, PetitionReceived

DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {"lai-chau.ho-ngheo": False}, ["attributes"]),
        ({"lai-chau.ho-ngheo": False}, {}, ["attributes"]),
        ({"lai-chau.ho-ngheo": True}, {"lai-chau.ho-ngheo": 1}, ["attributes"]),
        ({"lai-chau.so-ho": "aB1"}, {"lai-chau.so-ho": "AB1"}, ["attributes"]),
        ({"lai-chau.so-ho": "aB1"}, {"lai-chau.so-ho": " aB1"}, []),
    ],
)
def test_attributes__say_what_they_say(before: dict[str, Any], after: dict[str, Any], found: list[str]) -> None:
    known = PetitionReceived(effective_on=DAY, jurisdiction="H35", attributes=before)
    given = PetitionReceived(effective_on=DAY, jurisdiction="H35", attributes=after)
    assert unlike(given, known, ["text", "attributes"], CatalogueLog({})) == found


def test_correction_of_one_person__leaves_what_is_known_of_the_others() -> None:
    an, binh, other = Identity(name="An"), Identity(name="Bình"), Identity(name="Bình", phone="0900000000")
    receipt = PetitionReceived(effective_on=DAY, jurisdiction="H35", identities={"a": an, "b": binh})
    correction = PetitionCorrected(effective_on=DAY, corrected=("identities",), identities={"b": other})
    assert applied(receipt, correction).identities == {"a": an, "b": other}
