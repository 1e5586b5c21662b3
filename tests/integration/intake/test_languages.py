"""A refusal is said in the language that the caller asks for, and in both beside it, by every door."""

import json

from tests.support.intake import COMMUNE, Intake

FORWARDING = {"agency": "H35.77"}
VIETNAMESE = "Cơ quan “H35.77” chưa được đăng ký; hãy đăng ký trước."
ENGLISH = "no agency 'H35.77' is registered; register it first"


async def test_refusal__over_http(intake: Intake) -> None:
    petition = (await intake.done("/v1/petitions", {"jurisdiction": COMMUNE, "text": "Đường."}))["id"]
    path = f"/v1/petitions/{petition}/forwarding"
    english, vietnamese = (
        await intake.post(path, FORWARDING),
        await intake.post(path, FORWARDING, accept_language="vi"),
    )
    assert (english.headers["content-language"], english.json()["detail"]) == ("en", ENGLISH)
    assert (vietnamese.headers["content-language"], vietnamese.json()["detail"]) == ("vi", VIETNAMESE)
    assert english.json()["field"] == vietnamese.json()["field"] == "agency"
    said = {language: text["detail"] for language, text in english.json()["translations"].items()}
    assert said == {"vi": VIETNAMESE, "en": ENGLISH}


async def test_body__that_does_not_fit_names_its_field(intake: Intake) -> None:
    missing = await intake.post("/v1/petitions", {})
    assert (missing.status_code, missing.json()["field"]) == (422, "jurisdiction")
    unknown = await intake.post("/v1/petitions", {"jurisdiction": COMMUNE, "nobody": 1})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "nobody")
    petition = (await intake.done("/v1/petitions", {"jurisdiction": COMMUNE}))["id"]
    reply = {"number": "1", "signatory": "x", "digest": "d" * 64, "reports": [{"recipient": "chair", "on": "gần đây"}]}
    deep = await intake.post(f"/v1/petitions/{petition}/reply", reply)
    assert (deep.status_code, deep.json()["field"]) == (422, "reports[0].on")
    whole = await intake.post("/v1/petitions", [])
    assert (whole.status_code, "field" in whole.json()) == (422, False)


async def test_refusal__over_the_queue(intake: Intake) -> None:
    body = {"command": "PetitionForwarded", "id": "00000000-0000-7000-8000-000000000000", "data": FORWARDING}
    answer = await intake.commands.take(json.dumps(body).encode(), "nobody", "m1")
    assert not answer.accepted
    problem = json.loads(answer.body)
    assert (problem["field"], problem["translations"]["en"]["detail"]) == ("user_id", problem["detail"])
