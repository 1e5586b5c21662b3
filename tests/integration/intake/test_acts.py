"""Composite acts over HTTP: recorded whole in one append, refused whole with the field of the part, answered again."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.intake.application.composite_acts import COMPOSITE_ACTS
from shared.http.auth import mint_token
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, Intake, served, tokens_file

RECEIVED: dict[str, Any] = {
    "command": "PetitionReceived",
    "body": {"jurisdiction": COMMUNE, "text": "Đường vào bản bị sạt lở."},
}
CLASSIFIED: dict[str, Any] = {
    "command": "PetitionClassified",
    "target": "#0",
    "body": {"subject": "Đường", "field": "transport"},
}
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


async def refused(
    intake: Intake, name: str, parts: list[dict[str, Any]], status: int, code: str, field: str | None, **headers: str
) -> dict[str, Any]:
    """An act that must be refused, and leave nothing."""
    head = await intake.head()
    answer = await act(intake, name, parts, **headers)
    problem: dict[str, Any] = answer.json()
    found = (answer.status_code, problem["type"].rpartition(":")[2], problem.get("field"))
    assert found == (status, code, field), answer.text
    assert {"vi", "en"} <= problem["translations"].keys()
    assert await intake.head() == head
    return problem


async def test_act_of_one_part__records_what_the_command_records(intake: Intake) -> None:
    body = {"jurisdiction": COMMUNE, "text": "Nước.", "petitioner_ids": ["p-1"], "on_behalf_of": "Lò Thị Mai"}
    alone = await intake.done("/v1/petitions", body)
    (part,) = (await act(intake, "receive-and-classify", [RECEIVED | {"body": body}])).json()["parts"]
    assert part.keys() - {"command"} == alone.keys() - {"recorded_at"}
    states = []
    for each in (alone["id"], part["id"]):
        (row,) = await intake.rows("SELECT topic, state FROM stored_events WHERE originator_id = $1", each)
        state = msgspec.json.decode(row["state"])
        meta = state["meta"]
        assert meta.pop("event_id") == meta.pop("correlation_id")
        meta.pop("sealed_sha256")
        state["data"].pop("receipt_code")
        states.append((row["topic"], state))
        keys = await intake.rows("SELECT owner_id FROM sealing_keys WHERE originator_id = $1", each)
        assert [key["owner_id"] for key in keys] == ["p-1"]
    assert states[0] == states[1]


async def test_events_of_an_act__share_a_correlation_and_each_part_causes_what_it_brings(intake: Intake) -> None:
    conference, petitions = await raised(intake, 2)
    before = await intake.head()
    await act(intake, "conclude", conclusion(conference, petitions))
    rows = await intake.rows("SELECT state FROM stored_events WHERE notification_id > $1 ORDER BY 1", before)
    metas = [msgspec.json.decode(row["state"])["meta"] for row in rows]
    assert len({meta["correlation_id"] for meta in metas}) == 1
    causes = [meta.get("causation_id") for meta in metas]
    assert sum(cause is None for cause in causes) == 3 and len(set(causes)) == 2


async def raised(intake: Intake, count: int) -> tuple[str, list[str]]:
    """A conference that is open, and petitions raised there."""
    conference = await intake.conference()
    petitions = [str((await intake.petition())["id"]) for _ in range(count)]
    for petition in petitions:
        await intake.done(f"/v1/petitions/{petition}/raising", {"conference_id": conference})
    return conference, petitions


def conclusion(conference: str, petitions: list[str]) -> list[dict[str, Any]]:
    """The parts of the end of a conference."""
    lines = [{"petition_id": petition, "agency": EDUCATION} for petition in petitions]
    notice = {"number": "12/TB", "signatory": "Chủ tịch", "digest": "a" * 64, "assignments": lines}
    started = {"what": "result", "channel": "portal", "evidence": "https://tamduong.example/12"}
    return [
        {"command": "ConferenceClosed", "target": conference, "body": {}},
        {"command": "ConclusionNoticeIssued", "target": conference, "body": notice},
        {"command": "PublicationStarted", "target": "#1", "body": started},
    ]


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"),
    [
        ({1: {"body": {"field": "transport"}}}, 422, "invalid-body", "parts[1].subject"),
        ({1: {"body": {"subject": " ", "field": "transport"}}}, 422, "invalid-value", "parts[1].subject"),
        ({0: {"body": {"jurisdiction": "H99", "text": "x"}}}, 422, "unknown-jurisdiction", "parts[0].jurisdiction"),
        ({1: {"target": "#1"}}, 422, "invalid-value", "parts[1].target"),
        ({1: {"target": ""}}, 404, "not-found", "parts[1].target"),
        ({1: {"target": "01890a5d-ac96-774b-bcce-b302099a8057"}}, 404, "not-found", "parts[1].target"),
        ({1: {"if_match": 2}}, 412, "stale-version", "parts[1].if_match"),
        ({1: {"command": "PetitionWithdrawn"}}, 422, "invalid-value", "parts[1].command"),
        ({1: {"colour": "red"}}, 422, "invalid-body", "parts[1].colour"),
        ({1: {"aggregate": "policy"}}, 422, "invalid-value", "parts[1].aggregate"),
        ({2: {"body": {"conference_id": "#0"}}}, 409, "unknown-conference", "parts[2].conference_id"),
        ({3: {"body": {"speaker": "", "petition_id": "#0"}}}, 422, "invalid-value", "parts[3].speaker"),
    ],
)
async def test_slip__is_refused_whole_with_the_field_of_its_part(
    intake: Intake, changed: dict[int, dict[str, Any]], status: int, code: str, field: str
) -> None:
    parts = slip(await intake.conference())
    for number, fields in changed.items():
        parts[number] = parts[number] | fields
    await refused(intake, "record-slip", parts, status, code, field)


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"parts": []}, 422, "invalid-body", "parts"),
        ({"parts": [RECEIVED] * 501}, 422, "invalid-body", "parts"),
        ({}, 422, "invalid-body", "parts"),
        ({"parts": [{"body": {}}]}, 422, "invalid-body", "parts[0].command"),
        ({"parts": [RECEIVED, 5]}, 422, "invalid-body", "parts[1]"),
        (b"{", 400, "malformed-json", None),
    ],
)
async def test_body__that_is_no_act(intake: Intake, body: Any, status: int, code: str, field: str | None) -> None:
    answer = await intake.post("/v1/acts/receive-and-classify", body)
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition(":")[2], problem.get("field")) == (status, code, field)
    assert (await intake.post("/v1/acts/nothing", {"parts": [RECEIVED]})).status_code == 404


async def test_part__rests_on_the_version_that_an_earlier_part_leaves(intake: Intake) -> None:
    petition = (await intake.petition())["id"]
    parts = [CLASSIFIED | {"target": petition, "if_match": version} for version in (1, 2)]
    answer = await act(intake, "receive-and-classify", parts)
    assert [part["version"] for part in answer.json()["parts"]] == [2, 3]
    problem = await refused(
        intake, "receive-and-classify", parts, 412, "stale-version", "parts[0].if_match", Idempotency_Key="other"
    )
    assert problem["version"] == 3


async def test_retry__gets_the_first_answer_also_after_a_restart_and_whatever_refuses_it_now(
    database: str, tmp_path: Path
) -> None:
    async with served(database, tmp_path) as intake:
        await intake.places()
        conference, petitions = await raised(intake, 3)
        slip_answer = await act(intake, "record-slip", slip(conference), Idempotency_Key="slip")
        # It brings three assignments with it, which are no parts.
        end = await act(intake, "conclude", conclusion(conference, petitions), Idempotency_Key="end")
        assert (slip_answer.status_code, end.status_code) == (201, 201), end.text
        assert [part["position"] - end.json()["parts"][0]["position"] for part in end.json()["parts"]] == [0, 1, 5]
        head = await intake.head()
    async with served(database, tmp_path) as intake:
        for _ in range(2):
            again = await act(intake, "conclude", conclusion(conference, petitions), Idempotency_Key="end")
            assert (again.status_code, again.json()) == (201, end.json())
            again = await act(intake, "record-slip", slip(conference), Idempotency_Key="slip")
            assert (again.status_code, again.json()) == (201, slip_answer.json())
        assert await intake.head() == head
        await refused(
            intake, "conclude", conclusion(conference, petitions), 409, "conference-already-closed", "parts[0]"
        )


async def test_key__of_another_act_or_command_is_refused(intake: Intake) -> None:
    first = await act(intake, "receive-and-classify", RECEIVE, Idempotency_Key="k1")
    reordered = [dict(reversed(part.items())) for part in RECEIVE]
    assert (await act(intake, "receive-and-classify", reordered, Idempotency_Key="k1")).json() == first.json()
    reused = ("idempotency-key-reused", "Idempotency-Key")
    await refused(intake, "receive-and-classify", RECEIVE[:1], 422, *reused, Idempotency_Key="k1")
    await refused(intake, "record-slip", RECEIVE, 422, *reused, Idempotency_Key="k1")
    assert (await intake.post("/v1/petitions", RECEIVED["body"], Idempotency_Key="k1")).status_code == 422
    await intake.done("/v1/petitions", RECEIVED["body"], Idempotency_Key="k2")
    await refused(intake, "receive-and-classify", RECEIVE[:1], 422, *reused, Idempotency_Key="k2")


async def test_many_retries_at_once__record_once(intake: Intake) -> None:
    conference, head = await intake.conference(), await intake.head()
    answers = await asyncio.gather(
        *(act(intake, "record-slip", slip(conference), Idempotency_Key="k1") for _ in range(12))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await intake.head() == head + 4


async def test_many_slips_at_once__none_is_decided_on_a_stale_state(intake: Intake) -> None:
    conference, head = await intake.conference(), await intake.head()
    answers = await asyncio.gather(*(act(intake, "record-slip", slip(conference)) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {a.json()["field"] for a in answers if a.status_code == 409} == {"parts[3].speaker"}
    assert await intake.head() == head + 4


async def test_role__a_caller_who_may_not_give_one_part_may_not_give_the_act(database: str, tmp_path: Path) -> None:
    portal, entry = mint_token("cong", "system", "H35")
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        await intake.places()
        head = await intake.head()
        parts = {"parts": RECEIVE}
        answer = await intake.post("/v1/acts/receive-and-classify", parts, token=portal)
        assert (answer.status_code, answer.json()["field"]) == (403, "parts[1]")
        assert await intake.head() == head
        foreign = RECEIVED | {"body": RECEIVED["body"] | {"source": "ai-do"}}
        answer = await intake.post("/v1/acts/receive-and-classify", {"parts": [RECEIVED, foreign]}, token=portal)
        assert (answer.status_code, answer.json()["field"]) == (403, "parts[1].source")
        parts = {"parts": [RECEIVED, RECEIVED]}
        assert (await intake.post("/v1/acts/receive-and-classify", parts, token=portal)).status_code == 201


def pushed(text: str = "Nước.", subject: str = "Nước", *, second: bool = True) -> list[dict[str, Any]]:
    """Parts with references of their own."""
    own = {"source": "cong-tinh", "external_id": "TN-1"}
    return [
        {"command": "PetitionReceived", "body": {"jurisdiction": COMMUNE, "text": text} | own},
        CLASSIFIED
        | {
            "body": {"subject": subject, "field": "water"}
            | ({"source": "cong-tinh", "external_id": "TN-1/pl"} if second else {})
        },
    ]


async def test_references__each_finds_its_part_and_all_of_them_known_add_nothing(intake: Intake) -> None:
    first = await act(intake, "receive-and-classify", pushed())
    assert first.status_code == 201
    head = await intake.head()
    for key in ("", "k1", "k1", "k2"):
        again = await act(intake, "receive-and-classify", pushed(), **({"Idempotency_Key": key} if key else {}))
        assert (again.status_code, again.json()) == (200, first.json()), again.text
    assert await intake.head() == head
    found = await intake.get("/v1/petitions", source="cong-tinh", external_id="TN-1")
    assert found.json()["id"] == first.json()["parts"][0]["id"]
    (one,) = pushed()[:1]
    single = await intake.post("/v1/petitions", one["body"])
    assert (single.status_code, single.json()["id"]) == (200, found.json()["id"])
    changed = await refused(
        intake, "receive-and-classify", pushed(subject="Điện"), 409, "reference-differs", "parts[1].subject"
    )
    assert changed["fields"] == ["subject"]
    await intake.done("/v1/petitions", RECEIVED["body"], Idempotency_Key="used")
    reused = ("idempotency-key-reused", "Idempotency-Key")
    await refused(intake, "receive-and-classify", pushed(), 422, *reused, Idempotency_Key="used")


async def test_references__partly_known_refuse_the_act(intake: Intake) -> None:
    await intake.done("/v1/petitions", pushed()[0]["body"])
    for second in (True, False):
        parts = pushed(second=second)
        await refused(intake, "receive-and-classify", parts, 409, "partly-recorded", "parts[0].external_id")
    twice = [pushed()[0] | {"body": pushed()[0]["body"] | {"external_id": "TN-2"}}] * 2
    await refused(intake, "receive-and-classify", twice, 409, "reference-used", "parts[1].external_id")


async def test_words__are_sealed_for_the_petitioners_of_their_own_part(intake: Intake) -> None:
    conference = await intake.conference()
    parts: list[dict[str, Any]] = []
    for number, who in enumerate(("p-1", "p-2")):
        first = len(parts)
        body = RECEIVED["body"] | {"petitioner_ids": [who]}
        speaker = {"speaker": f"S-{number}", "matter": f"Việc của {who}", "petition_id": f"#{first}"}
        parts.append(RECEIVED | {"body": body})
        parts.append({"command": "SpeakerRegistered", "target": conference, "body": speaker})
    answer = await act(intake, "record-slip", parts)
    assert answer.status_code == 201, answer.text
    await intake.done("/v1/petitioners/p-1/erasure", {"ground": "yêu cầu"})
    content = (await intake.get(f"/v1/conferences/{conference}/content")).text
    assert "Việc của p-2" in content and "Việc của p-1" not in content


async def test_act__of_as_many_parts_as_may_be(intake: Intake) -> None:
    parts: list[dict[str, Any]] = []
    for number in range(250):
        parts += [RECEIVED, CLASSIFIED | {"target": f"#{2 * number}"}]
    head = await intake.head()
    answer = await act(intake, "receive-and-classify", parts, Idempotency_Key="many")
    assert answer.status_code == 201, answer.text
    assert [part["position"] for part in answer.json()["parts"]] == list(range(head + 1, head + 501))
    again = await act(intake, "receive-and-classify", parts, Idempotency_Key="many")
    assert (again.status_code, again.json()) == (201, answer.json())


async def test_every_act__can_be_done(intake: Intake) -> None:
    today = await intake.today()
    planned = await intake.done(
        "/v1/conferences",
        {"jurisdiction": DISTRICT, "kind": "periodic", "first_day": today, "last_day": today, "place": "Hội trường"},
    )
    conference = planned["id"]
    received = (await act(intake, "receive-and-classify", RECEIVE)).json()["parts"]
    petition, notice = received[0]["id"], {"number": "1/TB", "signatory": "Chủ tịch", "digest": "b" * 64}
    done = {
        "forward-for-preparation": [
            {"command": "PetitionForwarded", "target": petition, "body": {"agency": EDUCATION}},
        ],
        "notify-and-invite": [
            {
                "command": "PublicNoticePublished",
                "target": conference,
                "body": {"for_date": today, "channel": "media", "evidence": "Số 12"},
            },
            {"command": "InvitationsSent", "target": "#0", "body": {"for_date": today}},
        ],
        "": [],
        "record-slip": slip(conference),
        "conduct": [
            {"command": "SpeakerCalled", "target": conference, "body": {"speaker": "S-1"}},
            {"command": "PetitionRaised", "target": petition, "body": {"conference_id": "#0"}},
            {"command": "PetitionAssigned", "target": "#1", "body": {"agency": EDUCATION}},
        ],
        "conclude": conclusion(conference, []),
        "extend": [
            {
                "command": "ExtensionGranted",
                "target": petition,
                "body": {"petitioner_told_on": today, "committee_told_on": today, "expected_on": "2027-03-31"},
            }
        ],
        "remind": [
            {
                "command": "ReminderSent",
                "target": petition,
                "aggregate": "petition",
                "body": {"deadline_id": petition, "to": EDUCATION},
            }
        ],
        "reply-and-report": [
            {"command": "WrittenReplyIssued", "target": petition, "body": notice},
            {
                "command": "ReplyReported",
                "target": "#0",
                "body": {"reply_number": "1/TB", "reports": [{"recipient": "superior", "on": today}]},
            },
            {"command": "AgencyResultReported", "target": "#0", "body": {"agency": EDUCATION, "result": "resolved"}},
        ],
    }
    assert {*done, "receive-and-classify"} - {""} == COMPOSITE_ACTS.keys()
    for name, parts in done.items():
        if not name:
            await intake.done(f"/v1/conferences/{conference}/opening")
            continue
        answer = await act(intake, name, parts)
        assert answer.status_code == 201, f"{name}: {answer.text}"


async def test_commands__name_the_acts(intake: Intake) -> None:
    told = (await intake.get("/v1/commands")).json()["acts"]
    assert [each["name"] for each in told] == list(COMPOSITE_ACTS)
    assert told[0]["path"] == "/v1/acts/record-slip" and told[0]["title"]["vi"]
    assert told[0]["commands"] == list(COMPOSITE_ACTS["record-slip"].commands)
