"""An adoption is annulled like any record: over HTTP, once, by who may adopt, and nothing counts by it any more."""

from uuid import uuid4

from tests.support.intake import Intake

POLICY = {
    "policy_id": "wrong",
    "document": {"number": "9/QĐ", "issued_on": "2019-01-01"},
    "valid_from": "2019-01-01",
    "rules": [{"duty": "reply", "form": "deadline", "length": 99}],
}


async def test_policy__is_annulled_by_the_id_of_its_adoption(intake: Intake) -> None:
    await intake.done("/v1/policies", {"jurisdiction": "H35.10", "policy": POLICY})
    adopted = (await intake.get("/v1/policies")).json()["items"][-1]
    address = "/v1/policies/H35.10/annulments"
    unknown = await intake.post(address, {"event_id": str(uuid4()), "reason": "sai"})
    assert (unknown.status_code, unknown.json()["field"]) == (409, "event_id"), unknown.text
    elsewhere = await intake.post("/v1/policies/H35.11/annulments", {"event_id": adopted["event_id"], "reason": "sai"})
    assert elsewhere.status_code == 404
    done = await intake.done(address, {"event_id": adopted["event_id"], "reason": "nhầm số ngày"})
    assert done["version"] == 2
    items = (await intake.get("/v1/policies")).json()["items"]
    assert [item["topic"] for item in items][-2:] == ["PolicyAdopted", "RecordAnnulled"]
    again = await intake.post(address, {"event_id": adopted["event_id"], "reason": "sai"})
    assert again.json()["type"].endswith("already-annulled")
