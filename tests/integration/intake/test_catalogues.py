"""Catalogues over HTTP: adopted, inherited, asked for; what may stand in a field, and what is the same again."""

from typing import Any

from shared.cases.shipped_catalogues import shipped_fields
from tests.support.intake import COMMUNE, DISTRICT, PROVINCE, Intake

CHANNELS = {"kind": "channel", "entries": [{"code": "cong", "title": "Cổng thông tin", "title_en": "Portal"}]}


async def standing(intake: Intake, place: str) -> dict[str, dict[str, Any]]:
    answer = await intake.get(f"/v1/jurisdictions/{place}/catalogues")
    assert answer.status_code == 200, answer.text
    return {item["kind"]: item for item in answer.json()["items"]}


async def test_catalogues__of_a_place_and_those_above_it(intake: Intake) -> None:
    assert await standing(intake, COMMUNE) == {}
    await intake.done("/v1/catalogues", {"jurisdiction": PROVINCE, "number": "1/QĐ"} | CHANNELS)
    await intake.done("/v1/catalogues", {"jurisdiction": DISTRICT, **shipped_fields()})
    found = await standing(intake, COMMUNE)
    assert {kind: (each["adopted_by"], each["inherited"]) for kind, each in found.items()} == {
        "channel": (PROVINCE, True),
        "field": (DISTRICT, True),
    }
    assert found["channel"] == {
        "kind": "channel",
        "adopted_by": PROVINCE,
        "inherited": True,
        "effective_on": await intake.today(),
        "number": "1/QĐ",
        "entries": [{"code": "cong", "title": "Cổng thông tin", "title_en": "Portal"}],
    }
    assert (await standing(intake, PROVINCE)).keys() == {"channel"}
    assert not (await standing(intake, DISTRICT))["field"]["inherited"]
    missing = await intake.get("/v1/jurisdictions/H99/catalogues")
    assert missing.status_code == 404


async def test_field__is_refused_with_the_codes_that_may_stand_there(intake: Intake) -> None:
    await intake.done("/v1/catalogues", {"jurisdiction": DISTRICT, **shipped_fields()})
    petition = (await intake.petition())["id"]
    path = f"/v1/petitions/{petition}/classification"
    refused = await intake.post(path, {"subject": "Đường vào bản", "field": "linh tinh"})
    problem = refused.json()
    assert refused.status_code == 422
    assert problem["type"].endswith("not-in-catalogue") and problem["field"] == "field"
    assert problem["allowed"] == [entry["code"] for entry in shipped_fields()["entries"]]
    assert "giao-thong" in problem["translations"]["vi"]["detail"]
    await intake.done(path, {"subject": "Đường vào bản", "field": "GIAO thông"})
    (row,) = await intake.rows("SELECT state FROM stored_events WHERE topic = 'PetitionClassified'")
    assert b'"field":"giao-thong"' in row["state"]


async def test_catalogue__adopted_nearer_counts_from_then_on(intake: Intake) -> None:
    await intake.done("/v1/catalogues", {"jurisdiction": DISTRICT, **shipped_fields()})
    petition = (await intake.petition())["id"]
    await intake.done(
        "/v1/catalogues", {"jurisdiction": COMMUNE, "kind": "field", "entries": [{"code": "x", "title": "X"}]}
    )
    refused = await intake.post(f"/v1/petitions/{petition}/classification", {"subject": "A", "field": "giao-thong"})
    assert (refused.status_code, refused.json()["allowed"]) == (422, ["x"])


async def test_petition__pushed_again_says_the_same_by_its_title(intake: Intake) -> None:
    pushed = {"channel": "Cổng thông tin", "source": "cong-tinh", "external_id": "LC-1"}
    before = await intake.petition(**pushed)
    await intake.done("/v1/catalogues", {"jurisdiction": PROVINCE} | CHANNELS)
    body = {"jurisdiction": COMMUNE, "text": "Đường vào bản bị sạt lở."}
    for again in (pushed, pushed | {"channel": "cong"}):
        answer = await intake.post("/v1/petitions", body | again)
        assert (answer.status_code, answer.json()["id"]) == (200, before["id"]), answer.text
    second = await intake.petition(**pushed | {"external_id": "LC-2"})
    again = await intake.post("/v1/petitions", body | pushed | {"external_id": "LC-2"})
    assert (again.status_code, again.json()["id"]) == (200, second["id"])
    refused = await intake.post("/v1/petitions", body | pushed | {"external_id": "LC-3", "channel": "Zalo"})
    assert (refused.status_code, refused.json()["allowed"]) == (422, ["cong"])
