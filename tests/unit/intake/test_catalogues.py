"""What a catalogue may say, and what a field may hold where one stands."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from services.intake.domain import decide, errors
from shared.events import DatedEvent
from shared.events.petition import PetitionClassified, PetitionReceived
from shared.events.regulation import CatalogueAdopted, CatalogueEntry, CatalogueKind, CatalogueMapped, MappedText
from shared.identifiers import derived_id
from tests.unit.intake.plan import COMMUNE, DISTRICT, EDUCATION, NOTICE, OTHER, PLANNED, RECEIVED, A, C, Register

SINCE = date(2019, 7, 10)
LAND = CatalogueEntry(code="dat-dai", title="Đất đai")
GONE = CatalogueEntry(code="dien", title="Điện", valid_until=date(2019, 8, 1))


def entry(**fields: Any) -> CatalogueEntry:
    return CatalogueEntry(**({"code": "a", "title": "A"} | fields))


def catalogue(
    kind: CatalogueKind = "field", *entries: CatalogueEntry, on: date = SINCE, place: str = DISTRICT
) -> CatalogueAdopted:
    return CatalogueAdopted(effective_on=on, jurisdiction=place, kind=kind, entries=entries or (LAND, GONE))


def mapping(text: str, code: str, place: str = DISTRICT) -> CatalogueMapped:
    entries = (MappedText(text=text, code=code),)
    return CatalogueMapped(effective_on=NOTICE, jurisdiction=place, kind="field", entries=entries)


def decided(r: Register, event: DatedEvent) -> DatedEvent:
    (fact, *_) = decide(event, None, r.context(), derived_id("catalogue", 1))
    return fact.event


def classified(r: Register, field: str, on: date = NOTICE) -> str:
    r.receive().do(A, "PetitionClassified", on, subject="x", field=field)
    event = r.facts[A][-1].event
    assert isinstance(event, PetitionClassified)
    return event.field


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ((), "entries"),
        ((entry(code="đất"),), "entries[0].code"),
        ((entry(code="a b"),), "entries[0].code"),
        ((entry(code="x" * 36),), "entries[0].code"),
        ((entry(), entry(code="b", title="")), "entries[1].title"),
        ((entry(), entry(title="B")), "entries[1]"),
        ((entry(parent="z"),), "entries[0].parent"),
        ((entry(parent="a"),), "entries[0].parent"),
        ((entry(parent="b"), entry(code="b", title="B", parent="a")), "entries[0].parent"),
    ],
)
def test_catalogue__that_contradicts_itself(entries: tuple[CatalogueEntry, ...], field: str) -> None:
    event = CatalogueAdopted(effective_on=SINCE, jurisdiction=DISTRICT, kind="field", entries=entries)
    with pytest.raises(errors.InvalidValue) as refused:
        decided(Register(), event)
    assert refused.value.field == field


def test_catalogue__of_no_place() -> None:
    with pytest.raises(errors.UnknownJurisdiction):
        decided(Register(), catalogue(place="H99"))


def test_mapping__where_no_catalogue_stands() -> None:
    with pytest.raises(errors.InvalidValue) as refused:
        decided(Register(), mapping("đất", "dat-dai"))
    assert (refused.value.field, refused.value.sentence) == ("kind", "no-catalogue")


def test_mapping__to_a_code_that_there_is_not() -> None:
    with pytest.raises(errors.NotInCatalogue) as refused:
        decided(Register().rule(catalogue()), mapping("đất", "ruong"))
    assert refused.value.field == "entries[0].code"
    assert refused.value.allowed == ("dat-dai", "dien")


@pytest.mark.parametrize("field", ["dat-dai", "Đất đai", "ĐẤT ĐAI", "ruộng nương"])
def test_field__is_recorded_as_its_code(field: str) -> None:
    r = Register().rule(catalogue()).rule(mapping("Ruộng nương", "dat-dai"))
    assert classified(r, field) == "dat-dai"


def test_field__before_the_catalogue_is_as_written() -> None:
    assert classified(Register().rule(catalogue()), "ruộng", on=date(2019, 7, 9)) == "ruộng"


@pytest.mark.parametrize("field", ["ruộng", "dien", "Điện"])
def test_field__that_cannot_be_chosen(field: str) -> None:
    with pytest.raises(errors.NotInCatalogue) as refused:
        classified(Register().rule(catalogue()), field)
    assert (refused.value.field, refused.value.allowed) == ("field", ("dat-dai",))


def test_field__of_another_place_stays_free() -> None:
    assert classified(Register().rule(catalogue(place=OTHER)), "ruộng") == "ruộng"


def test_field__of_the_nearest_catalogue() -> None:
    own = catalogue("field", entry(code="rung", title="Rừng"), place=COMMUNE)
    r = Register().rule(catalogue()).rule(own)
    assert classified(r, "Rừng") == "rung"


@pytest.mark.parametrize(("field", "recorded"), [("Đất đai", "dat-dai"), ("ruộng", "ruộng"), ("điện", "dien")])
def test_field__of_a_register_of_the_past(field: str, recorded: str) -> None:
    assert classified(Register(historic=True).rule(catalogue()), field) == recorded


def test_village__is_chosen_beside_the_channel() -> None:
    villages = catalogue("village", entry(code="ta-leng", title="Bản Tả Lèng"), on=RECEIVED)
    r = Register().rule(villages).rule(catalogue("channel", entry(code="tru-so", title="Tại trụ sở"), on=RECEIVED))
    r.do(A, "PetitionReceived", NOTICE, jurisdiction=COMMUNE, channel="Tại trụ sở", village="bản tả lèng")
    event = r.facts[A][0].event
    assert isinstance(event, PetitionReceived)
    assert (event.channel, event.village) == ("tru-so", "ta-leng")
    with pytest.raises(errors.NotInCatalogue) as refused:
        r.do(derived_id("other"), "PetitionReceived", NOTICE, jurisdiction=COMMUNE, village="Bản Khác")
    assert refused.value.field == "village"


@pytest.mark.parametrize(("channel", "recorded"), [("", ""), ("Tại trụ sở", "tru-so"), ("tru-so", "tru-so")])
def test_channel__is_recorded_as_its_code(channel: str, recorded: str) -> None:
    offices = catalogue("channel", entry(code="tru-so", title="Tại trụ sở"), on=RECEIVED)
    r = Register().rule(offices)
    r.do(A, "PetitionReceived", NOTICE, jurisdiction=COMMUNE, channel=channel)
    event = r.facts[A][0].event
    assert isinstance(event, PetitionReceived)
    assert event.channel == recorded
    with pytest.raises(errors.NotInCatalogue):
        r.do(derived_id("other"), "PetitionReceived", NOTICE, jurisdiction=COMMUNE, channel="Zalo")


def rules(r: Register) -> None:
    r.rule(catalogue("task", entry(code="hau-can", title="Hậu cần")))


@pytest.mark.parametrize(
    ("begin", "kind", "recorded"),
    [
        (lambda r: None, "other", "other"),
        (lambda r: None, "hau-can", None),
        (rules, "Hậu cần", "hau-can"),
        (rules, "other", None),
    ],
)
def test_task__is_one_of_the_fixed_kinds_or_of_the_catalogue(
    begin: Callable[[Register], None], kind: str, recorded: str | None
) -> None:
    r = Register()
    begin(r)
    r.planned()
    task = {"task": "t", "kind": kind, "agency": EDUCATION}
    if recorded is None:
        with pytest.raises(errors.NotInCatalogue):
            r.do(C, "PreparationTaskAssigned", PLANNED, **task)
    else:
        r.do(C, "PreparationTaskAssigned", PLANNED, **task)
        assert getattr(r.facts[C][-1].event, "kind") == recorded  # noqa: B009


def test_refusal__shows_some_codes_and_names_all() -> None:
    refused = errors.NotInCatalogue("field", tuple(f"c{n}" for n in range(50)))
    assert len(refused.allowed) == 50
    assert "c19, …" in refused.text.detail.vi and "c20" not in refused.text.detail.vi
