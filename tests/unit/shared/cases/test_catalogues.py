"""Which catalogue stands where and when, and what a text means in it."""

from datetime import date
from typing import NamedTuple

import pytest

from shared.cases import catalogues
from shared.cases.catalogues import CatalogueLog, clashing, offered
from shared.cases.shipped_catalogues import shipped_fields
from shared.events.regulation import CatalogueAdopted, CatalogueEntry, CatalogueMapped, MappedText

DISTRICT, COMMUNE = "H35.10", "H35.10.31"
LAND = CatalogueEntry(code="dat-dai", title="Đất đai", title_en="Land")
ROADS = CatalogueEntry(code="giao-thong", title="Giao thông")


class ClosedPlace(NamedTuple):
    closed_on: date | None
    successor: str = ""


def adopted(place: str, on: date, *entries: CatalogueEntry) -> CatalogueAdopted:
    return CatalogueAdopted(effective_on=on, jurisdiction=place, kind="field", entries=entries)


def mapped(place: str, **texts: str) -> CatalogueMapped:
    entries = tuple(MappedText(text=text.replace("_", " "), code=code) for text, code in texts.items())
    return CatalogueMapped(effective_on=date(2025, 1, 1), jurisdiction=place, kind="field", entries=entries)


def log(*events: CatalogueAdopted | CatalogueMapped, **closed: date) -> CatalogueLog:
    found = CatalogueLog({code.replace("_", "."): ClosedPlace(day) for code, day in closed.items()})
    for event in events:
        found.add(event)
    return found


@pytest.mark.parametrize(
    ("place", "day", "expected"),
    [
        (COMMUNE, date(2023, 12, 31), None),
        (COMMUNE, date(2024, 1, 1), 0),
        (COMMUNE, date(2024, 5, 1), 1),
        (COMMUNE, date(2024, 7, 1), 2),
        (DISTRICT, date(2024, 7, 1), 1),
        ("H35", date(2024, 7, 1), None),
        ("H35.11", date(2024, 7, 1), None),
    ],
)
def test_standing__is_the_newest_of_the_nearest_place(place: str, day: date, expected: int | None) -> None:
    events = (
        adopted(DISTRICT, date(2024, 1, 1), LAND),
        adopted(DISTRICT, date(2024, 5, 1), LAND, ROADS),
        adopted(COMMUNE, date(2024, 6, 1), ROADS),
    )
    # Recorded in another order than they count.
    known = log(events[1], events[0], events[2])
    assert known.standing(place, "field", day) == (None if expected is None else events[expected])
    assert known.standing(place, "channel", day) is None


def test_standing__of_two_of_one_day_the_later_recorded() -> None:
    first, second = adopted(DISTRICT, date(2024, 1, 1), LAND), adopted(DISTRICT, date(2024, 1, 1), ROADS)
    assert log(first, second).standing(DISTRICT, "field") == second


def test_standing__of_a_place_that_ended_binds_itself_alone() -> None:
    event = adopted(DISTRICT, date(2024, 1, 1), LAND)
    known = log(event, H35_10=date(2025, 7, 1))
    assert known.standing(COMMUNE, "field", date(2025, 6, 30)) == event
    assert known.standing(COMMUNE, "field", date(2025, 7, 1)) is None
    assert known.standing(DISTRICT, "field", date(2025, 7, 1)) == event


@pytest.mark.parametrize("text", ["dat-dai", "Đất đai", " đất  ĐAI ", "land", "ruộng đất"])
def test_meant__by_code_title_or_mapping(text: str) -> None:
    known = log(adopted(DISTRICT, date(2024, 1, 1), LAND, ROADS), mapped(DISTRICT, ruộng_đất="dat-dai"))
    assert known.meant(COMMUNE, "field", text) == LAND
    assert known.meant("H36", "field", text) is None


def test_meant__by_the_mapping_of_the_nearest_place_and_the_last_record() -> None:
    known = log(
        adopted(DISTRICT, date(2024, 1, 1), LAND, ROADS),
        mapped(DISTRICT, đường="dat-dai", ngõ="dat-dai"),
        mapped(DISTRICT, đường="giao-thong"),
        mapped(COMMUNE, ngõ="giao-thong"),
    )
    assert known.meant(DISTRICT, "field", "đường") == ROADS
    assert known.meant(DISTRICT, "field", "ngõ") == LAND
    assert known.meant(COMMUNE, "field", "ngõ") == ROADS


def test_known__of_a_code_that_is_no_more() -> None:
    old = CatalogueEntry(code="03", title="Đường sá")
    known = log(adopted(DISTRICT, date(2024, 1, 1), old), adopted(DISTRICT, date(2025, 1, 1), ROADS))
    assert known.meant(DISTRICT, "field", "03") is None
    assert known.known(COMMUNE, "field", "03") == old
    known.add(CatalogueMapped(
        effective_on=date(2025, 1, 1), jurisdiction=DISTRICT, kind="field",
        entries=(MappedText(text="03", code="giao-thong"),),
    ))  # fmt: skip
    assert known.known(COMMUNE, "field", "03") == ROADS


def test_texts__are_all_that_may_be_recorded_for_an_entry() -> None:
    known = log(adopted(DISTRICT, date(2024, 1, 1), LAND, ROADS), mapped(DISTRICT, Ruộng_đất="dat-dai"))
    expected = {"dat-dai", "Đất đai", "đất đai", "Ruộng đất"}
    for text in ("dat-dai", "Đất đai", "Ruộng đất"):
        assert set(known.texts_of("field", text)) == expected
    assert known.texts_of("field", "khác") == ("khác",)


def test_offered__until_the_last_day() -> None:
    ending = CatalogueEntry(code="x", title="X", valid_until=date(2024, 6, 30))
    catalogue = adopted(DISTRICT, date(2024, 1, 1), LAND, ending)
    assert offered(catalogue, date(2024, 6, 30)) == [LAND, ending]
    assert offered(catalogue, date(2024, 7, 1)) == [LAND]


def test_clashing__is_an_entry_whose_name_is_taken() -> None:
    assert clashing((LAND, ROADS)) is None
    assert clashing((LAND, ROADS, CatalogueEntry(code="x", title="dat-dai"))) == 2
    assert clashing((LAND, CatalogueEntry(code="LAND", title="x"))) == 1


def test_shipped_fields__can_be_told_apart() -> None:
    entries = tuple(CatalogueEntry(**entry) for entry in shipped_fields()["entries"])
    assert clashing(entries) is None
    assert {entry.parent for entry in entries} <= {"", *(entry.code for entry in entries)}


def test_known__looks_a_text_up_and_does_not_read_every_entry_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [CatalogueEntry(code=f"c{n}", title=f"Lĩnh vực {n}") for n in range(500)]
    known = log(adopted(DISTRICT, date(2024, 1, 1), *entries), mapped(DISTRICT, đường_xá="c7"))
    assert known.known(DISTRICT, "field", "c1") is entries[1]
    folded: list[str] = []
    monkeypatch.setattr(catalogues, "_folded", lambda text: folded.append(text) or text.casefold())
    for text, expected in (("Lĩnh vực 499", 499), ("đường xá", 7), ("c3", 3)):
        assert known.known(DISTRICT, "field", text) is entries[expected]
    assert len(folded) == 3
