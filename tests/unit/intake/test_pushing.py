"""What a push says beside what is known: when the two are the same."""

from datetime import date
from typing import Any

import pytest

from services.intake.application.pushing.reading import unlike
from shared.cases.catalogues import CatalogueLog
from shared.events.petition import PetitionReceived

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
