"""Composite acts over HTTP: recorded whole in one append, refused whole with the field of the part, answered again."""

from typing import Any

from tests.support.intake import COMMUNE, Intake

RECEIVED = {"command": "PetitionReceived", "body": {"jurisdiction": COMMUNE, "text": "Đường vào bản bị sạt lở."}}
CLASSIFIED = {"command": "PetitionClassified", "target": "#0", "body": {"subject": "Đường", "field": "transport"}}
RECEIVE = [RECEIVED, CLASSIFIED]


def slip(conference: str, speaker: str = "S-1") -> list[dict[str, Any]]:
    """The parts of a slip at the door of the hall."""
    return [
        *RECEIVE,
        {"command": "PetitionScheduled", "target": "#0", "body": {"conference_id": conference}},
        {
            "command": "SpeakerRegistered",
            "target": conference,
            "body": {"speaker": speaker, "matter": "Đường vào bản", "petition_id": "#0"},
        },
    ]


async def act(intake: Intake, name: str, parts: list[dict[str, Any]], **headers: str) -> Any:
    return await intake.post(f"/v1/acts/{name}", {"parts": parts}, **headers)


async def test_slip__is_recorded_whole_at_one_instant(intake: Intake) -> None:
    conference, head = await intake.conference(), await intake.head()
    answer = await act(intake, "record-slip", slip(conference), Idempotency_Key="s1")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    petition = told["parts"][0]["id"]
    assert [(part["command"], part["id"], part["version"]) for part in told["parts"]] == [
        ("PetitionReceived", petition, 1),
        ("PetitionClassified", petition, 2),
        ("PetitionScheduled", petition, 3),
        ("SpeakerRegistered", conference, 3),
    ]
    assert [part["position"] for part in told["parts"]] == [head + 1, head + 2, head + 3, head + 4]
    assert len(told["parts"][0]["receipt_code"]) == 10
    assert all("receipt_code" not in part for part in told["parts"][1:])
    rows = await intake.rows("SELECT DISTINCT recorded_at FROM stored_events WHERE notification_id > $1", head)
    assert len(rows) == 1
    content = (await intake.get(f"/v1/petitions/{petition}/content")).json()
    assert "sạt lở" in str(content)
