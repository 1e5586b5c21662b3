"""What a petition brings from a portal: what is recorded of it, and what is refused under which field."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.application.command_body import CODECS
from services.intake.domain import DecisionContext, errors
from services.intake.domain.receipt_fields import MAX_ATTRIBUTES, with_receipt_fields
from services.intake.settings import IntakeSettings
from shared.events.petition import Consent, Identity, PetitionReceived, Place
from shared.invalid_body import InvalidBody, wrong_field
from tests.unit.intake.plan import COMMUNE, RECEIVED, TODAY, Register

DECLARED = frozenset({"lai-chau.ho-ngheo", "lai-chau.ghi-chu", *(f"lai-chau.so-{i}" for i in range(40))})
CODEC = CODECS["/v1/petitions"]


def recorded(**fields: Any) -> PetitionReceived:
    """The receipt as it is recorded."""
    context = DecisionContext(Register().regulation, TODAY, {}, {}, attributes=DECLARED)
    return with_receipt_fields(PetitionReceived(effective_on=RECEIVED, jurisdiction=COMMUNE, **fields), context)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("submitted_at", datetime(2019, 12, 2, 17, 0, tzinfo=UTC)),  # 00:00 of the next day in Viet Nam
        ("place", Place()),
        ("place.longitude", Place(latitude=21.38)),
        ("place.latitude", Place(longitude=103.02)),
        ("place.latitude", Place(latitude=103.02, longitude=21.38)),
        ("place.longitude", Place(latitude=21.38, longitude=2.35)),
        ("area", "Bản Thẳm"),
        ("area", "Lò"),
        ("area", "21.381,103.02"),
        ("area", "103.02,21.38"),
        ("area", "21.38"),
        ("area", "21.38,"),
        ("language", "tiếng Thái"),
        ("language", "v"),
        ("language", "vi_VN"),
        ("language", "vi-" + "x" * 40),
        ("consent.told_by", Consent(told_by=(), on=RECEIVED)),
        ("consent.on", Consent(told_by=("sms",), on=date(2019, 12, 3))),
        ("consent.on", Consent(told_by=("sms",), on=date(1899, 1, 1))),
        ("attributes", {"ho-ngheo": True}),
        ("attributes", {"lai-chau.khac": 1}),
        ("attributes", {f"lai-chau.so-{i}": i for i in range(MAX_ATTRIBUTES + 1)}),
        ("attributes", {"lai-chau.ghi-chu": "ă" * 2_048}),
        ("identities[...].email", {"p1": Identity(name="Lò Văn X", email="lo.van.x")}),
        ("identities[...].email", {"p1": Identity(name="Lò Văn X", email="a@b@c.vn")}),
        ("identities[...].email", {"p1": Identity(name="Lò Văn X", email="a@" + "b" * 250 + ".vn")}),
    ],
)
def test_wrong_field__is_refused_by_its_name_in_both_languages(field: str, value: Any) -> None:
    with pytest.raises(errors.WrongContent) as refused:
        recorded(**{field.split(".")[0].split("[")[0]: value})
    assert refused.value.field == field
    assert refused.value.text.detail.vi and refused.value.text.detail.en


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("submitted_at", datetime.fromisoformat("2019-07-01T08:15:00+07:00"), datetime(2019, 7, 1, 1, 15, tzinfo=UTC)),
        ("area", "21.4,103.02", "21.40,103.02"),
        ("area", "000.10.31.H35", "H35.31.10"),
        ("area", COMMUNE, COMMUNE),
        ("place", Place(latitude=8.64, longitude=111.92), Place(latitude=8.64, longitude=111.92)),  # Trường Sa
        ("language", "hmn-Latn", "hmn-Latn"),
        ("language", "vi-VN-x-lai-chau", "vi-VN-x-lai-chau"),
        ("consent", Consent(told_by=("sms", "sms"), on=RECEIVED), Consent(told_by=("sms",), on=RECEIVED)),
        ("attributes", {"lai-chau.ho-ngheo": False}, {"lai-chau.ho-ngheo": False}),
        (
            "identities",
            {"p1": Identity(name="Lò Văn X", email="lo@example.vn")},
            {"p1": Identity(name="Lò Văn X", email="lo@example.vn")},
        ),
    ],
)
def test_field__is_recorded_in_its_canonical_form(field: str, value: Any, kept: Any) -> None:
    assert getattr(recorded(**{field: value}), field) == kept
    assert getattr(recorded(**{field: kept}), field) == kept


@given(st.text(max_size=40))
def test_public_area__is_a_code_with_digits_a_rounded_point_or_refused(text: str) -> None:
    try:
        kept = recorded(area=text).area
    except errors.WrongContent as refused:
        assert refused.field == "area"
    else:
        assert not kept or any(character.isdigit() for character in kept)


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("submitted_at", {"submitted_at": "2019-07-01T08:15:00"}),
        ("submitted_at", {"submitted_at": "hôm qua"}),
        ("place.latitude", {"place": {"latitude": "21.38", "longitude": 103.02}}),
        ("place.point", {"place": {"point": [21.38, 103.02]}}),
        ("consent.told_by[0]", {"consent": {"told_by": ["fax"], "on": "2019-07-01"}}),
        ("attributes[...]", {"attributes": {"lai-chau.ho-ngheo": {"a": 1}}}),
        ("attributes[...]", {"attributes": {"lai-chau.ho-ngheo": 1.5}}),
    ],
)
def test_value_of_another_type__is_refused_by_the_field(field: str, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidBody) as refused:
        CODEC.decode(msgspec.json.encode({"jurisdiction": COMMUNE, **body}))
    found = wrong_field(refused.value)
    assert found.field == field
    assert found.sentence


def test_attributes__are_declared_by_names_within_a_namespace() -> None:
    settings = IntakeSettings(database_url="postgresql:///x", attributes="lai-chau.ho-ngheo, lai-chau.so_ho")
    assert settings.declared_attributes == {"lai-chau.ho-ngheo", "lai-chau.so_ho"}
    assert IntakeSettings(database_url="postgresql:///x").declared_attributes == frozenset()
    with pytest.raises(ValueError, match="attributes"):
        IntakeSettings(database_url="postgresql:///x", attributes="ho-ngheo")
