"""Commands by queue: decided as over HTTP; a refused one is answered and kept, sealed, with its reason."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from services.intake.adapters.seals import Kept
from services.intake.configured import seals_of
from shared.http.auth import Role, mint_token
from tests.support.intake import COMMUNE, Intake, reason_of, served, tokens_file
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


CALLERS: list[tuple[str, Role, str, str, str]] = [
    ("portal", "system", "H35", "", "portal"),
    ("office", "office", "H35.10", "", "office"),
    ("far", "office", "H35.99", "", ""),
    ("agency", "agency", "H35.10", "H35.10.4", ""),
    ("all", "operations", "VN", "", ""),
]
TOKENS: dict[str, str] = {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def queued(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Intake]:
    """An intake that knows two users of the broker."""
    database, tmp_path = await pg_server.fresh("shared.postgres"), tmp_path_factory.mktemp("queued")
    entries = []
    for name, role, place, agency, user in CALLERS:
        sources = ("portal", "cong-tinh") if name == "portal" else ()
        TOKENS[name], entry = mint_token(name, role, place, agency, amqp_user=user, sources=sources)
        entries.append(entry)
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, *entries))) as running:
        await running.places()
        yield running


def received(**fields: Any) -> bytes:
    return json.dumps(
        {"command": "PetitionReceived", "data": {"jurisdiction": COMMUNE, "text": "Của tôi."} | fields}
    ).encode()


async def test_an_accepted_command_is_answered_like_over_http(queued: Intake) -> None:
    answer = await queued.commands.take(received(), "portal", "first")
    told = json.loads(answer.body)
    assert answer.accepted and told["version"] == 1 and told["receipt_code"]
    head = await queued.head()
    # Delivered again: the message id is the idempotency key, the same as over HTTP.
    assert await queued.commands.take(received(), "portal", "first") == answer
    assert await queued.head() == head
    facts = (await queued.get(f"/v1/petitions/{told['id']}")).json()["facts"]
    assert [fact["topic"] for fact in facts] == ["PetitionReceived"]


async def test_a_command_on_a_petition(queued: Intake) -> None:
    petition = json.loads((await queued.commands.take(received(), "portal", "second")).body)["id"]
    body = {"command": "PetitionClassified", "id": petition, "if_match": 1, "data": {"subject": "S", "field": "land"}}
    assert (await queued.commands.take(json.dumps(body).encode(), "office", "m2")).accepted
    stale = await queued.commands.take(json.dumps(body).encode(), "office", "m3")
    told = json.loads(stale.body)
    assert (told["status"], told["field"], told["version"]) == (412, "if_match", 2)


async def test_a_version_of_what_is_created__is_not_looked_at(queued: Intake) -> None:
    body = json.loads(received()) | {"if_match": 7}
    assert (await queued.commands.take(json.dumps(body).encode(), "portal", "created")).accepted


@pytest.mark.parametrize(
    ("body", "user", "message_id", "code"),
    [
        (received(), None, "m1", "unauthenticated"),
        (received(), "stranger", "m1", "unauthenticated"),
        (received(), "portal", None, "message-id-missing"),
        (received(), "portal", "m\0", "invalid-message-id"),
        (received(), "portal", "m" * 201, "invalid-message-id"),
        (received(text="x" * 1024 * 1024), "portal", "m1", "body-too-large"),
        (received(jurisdiction="H36"), "portal", "m1", "jurisdiction-may-not"),
        (b"{", "portal", "m1", "malformed-json"),
        (b"\xff", "portal", "m1", "malformed-json"),
        (b'{"command": "Nothing"}', "portal", "m1", "unknown-command"),
        (b'{"command": "PetitionReceived", "data": {}}', "portal", "m1", "invalid-body"),
        (b'{"command": "JurisdictionRegistered", "data": {"code": "H36", "name": "x", "level": "province", '
         b'"valid_from": "2004-01-01"}}', "portal", "m1", "role-may-not"),
        (received(jurisdiction="H35.99"), "portal", "m1", "unknown-jurisdiction"),
        (received(external_id="a\tb"), "portal", "m1", "invalid-value"),
    ],
)  # fmt: skip
async def test_a_refused_command_is_kept_sealed_with_its_reason(
    queued: Intake, body: bytes, user: str | None, message_id: str | None, code: str
) -> None:
    head = await queued.head()
    answer = await queued.commands.take(body, user, message_id)
    problem = json.loads(answer.body)
    assert not answer.accepted and problem["type"] == f"urn:doithoai:problem:{code}"
    (row,) = await queued.rows("SELECT * FROM refused_commands WHERE refused_id = $1", UUID(problem["refused_id"]))
    assert (row["caller"], row["reason_code"]) == (user or "", code)
    # The reason may quote what was sent, so it is sealed too.
    assert not any(part in row["sealed"] for part in (body, problem["detail"].encode()) if len(part) > 8)
    assert seals_of(queued.settings).open_refused(row["refused_id"], row["sealed"]) == Kept(reason_of(problem), body)
    assert await queued.head() == head


async def test_a_key_that_was_used_with_another_body(queued: Intake) -> None:
    assert (await queued.commands.take(received(), "portal", "used")).accepted
    other = await queued.commands.take(received(text="Khác."), "portal", "used")
    told = json.loads(other.body)
    assert told["type"].endswith(":idempotency-key-reused") and told["field"] == "message_id"
    (row,) = await queued.rows("SELECT * FROM refused_commands WHERE refused_id = $1", UUID(told["refused_id"]))
    kept = seals_of(queued.settings).open_refused(row["refused_id"], row["sealed"])
    assert kept is not None and kept.reason == reason_of(told)


async def test_the_same_reference_twice_adds_nothing(queued: Intake) -> None:
    body = received(source="cong-tinh", external_id="LC-9")
    first = await queued.commands.take(body, "portal", "r1")
    head = await queued.head()
    again = await queued.commands.take(body, "portal", "r2")
    assert again == first and await queued.head() == head


async def test_a_retry_of_a_done_command_that_is_illegal_by_now(queued: Intake) -> None:
    petition = json.loads((await queued.commands.take(received(), "portal", "w0")).body)["id"]
    body = json.dumps({"command": "PetitionWithdrawn", "id": petition, "if_match": 1}).encode()
    first = await queued.commands.take(body, "office", "w1")
    assert first.accepted and await queued.commands.take(body, "office", "w1") == first
    assert not (await queued.commands.take(body, "office", "w2")).accepted


async def test_refused__are_listed_newest_first_by_place_and_by_page(queued: Intake) -> None:
    async def listed(name: str, path: str = "/v1/refused-commands", **query: Any) -> Any:
        return await queued.client.get(path, params=query or None, headers={"Authorization": f"Bearer {TOKENS[name]}"})

    # Many, since ids that are drawn within one millisecond have no order.
    for user in ("office", "portal", "stranger") * 8:
        await queued.commands.take(received(text="Nguyễn Thị Kín", jurisdiction="H99"), user, "list")
    every = (await listed("all", limit=24)).json()["items"]
    assert [item["caller"] for item in every] == ["stranger", "portal", "office"] * 8
    items = (await listed("all", limit=3)).json()["items"]
    assert [item["caller"] for item in items] == ["stranger", "portal", "office"]
    assert items[1].keys() == {"refused_id", "refused_at", "caller", "command", "reason_code", "is_erased"}
    assert items[1]["command"] == "PetitionReceived" and items[1]["reason_code"] == "jurisdiction-may-not"
    one = await listed("all", limit=1)
    again = await listed("all", one.links["next"]["url"])
    assert [*one.json()["items"], *again.json()["items"]] == items[:2]
    # The office of a district: what came from its own caller, not what the province's portal or a stranger sent.
    assert {item["caller"] for item in (await listed("office")).json()["items"]} == {"office"}
    assert (await listed("far")).json() == {"items": []}
    assert (await listed("agency")).status_code == 403
    for cursor in ("!", "A" * 22):  # no id, and that of none
        refused = await listed("all", cursor=cursor)
        assert (refused.status_code, refused.json()["field"]) == (400, "cursor")


KIN = {"name": "Nguyễn Thị Kín", "phone": "0912345678", "address": "Bản Hon"}


@pytest.mark.parametrize(
    ("body", "is_erased"),
    [
        (received(petitioner_ids=["kin"], colour="red"), True),
        (received(source="portal", external_id="LC-KIN", colour="red"), True),
        (received(identities={"1": KIN}, colour="red"), True),
        (received(identities={"1": {"name": "N. T. K.", "phone": "0912345678"}}, colour="red"), True),
        (received(identities={"1": {"name": "N. T. K.", "phone": " 0912345678\u200b"}}, colour="red"), True),
        (received(petitioner_ids=["\u00a0kin "], colour="red"), True),
        (b'{"command": "PetitionReceived", "data": {"text": "0912345678"', True),
        (json.dumps({"command": "PetitionWithdrawn", "id": "PETITION", "if_match": 7}).encode(), True),
        (received(identities={"1": KIN | {"phone": "0987654321", "address": "Bản Bo"}}, colour="red"), False),
        (received(petitioner_ids=["kin2"], colour="red"), False),
        (b"{", False),
    ],
)  # fmt: skip
async def test_erasure__reaches_refused_commands(queued: Intake, body: bytes, is_erased: bool) -> None:
    key = str(uuid4())
    owner, reference = f"kin-{key}", f"LC-KIN-{key}"
    swap = {
        b"LC-KIN": reference.encode(),
        b'kin"': f'{owner}"'.encode(),
        b"kin ": f"{owner} ".encode(),
        b"0912345678": key[:8].encode(),
    }

    def own(raw: bytes) -> bytes:
        for old, new in swap.items():
            raw = raw.replace(old, new)
        return raw

    done = await queued.commands.take(
        own(received(source="portal", external_id="LC-KIN", petitioner_ids=["kin"], identities={"kin": KIN})),
        "portal", key,
    )  # fmt: skip
    assert done.accepted, done.body
    petition = json.loads(done.body)["id"]
    sent = own(body.replace(b"PETITION", petition.encode()))
    refused = json.loads((await queued.commands.take(sent, "portal", "r")).body)
    erasure = {"command": "PersonalDataErased", "id": owner, "data": {"ground": "đơn xin xóa"}}
    assert (await queued.commands.take(json.dumps(erasure).encode(), "office", f"e{key}")).accepted
    (row,) = await queued.rows("SELECT * FROM refused_commands WHERE refused_id = $1", UUID(refused["refused_id"]))
    assert (row["sealed"] == b"") is is_erased
    assert row["reason_code"]


def queued_act(name: str = "receive-and-classify", **changed: Any) -> bytes:
    classified = {"subject": "Rác", "field": "environment"}
    parts = [
        {"command": "PetitionReceived", "body": {"jurisdiction": COMMUNE, "text": "Rác ở chợ."}},
        {"command": "PetitionClassified", "target": "#0", "body": classified | changed},
    ]
    return json.dumps({"act": name, "parts": parts}).encode()


async def test_act__is_answered_like_over_http(queued: Intake) -> None:
    answer = await queued.commands.take(queued_act(), "office", "act-1")
    told = json.loads(answer.body)
    assert answer.accepted and [part["version"] for part in told["parts"]] == [1, 2]
    head = await queued.head()
    assert await queued.commands.take(queued_act(), "office", "act-1") == answer
    over_http = await queued.post(
        "/v1/acts/receive-and-classify", json.loads(queued_act()) | {"act": None}, token=TOKENS["office"]
    )
    assert over_http.json()["field"] == "act"  # the name is in the address there
    parts = {"parts": json.loads(queued_act())["parts"]}
    same = await queued.post("/v1/acts/receive-and-classify", parts, token=TOKENS["office"], Idempotency_Key="act-1")
    assert same.json() == told
    assert await queued.head() == head


@pytest.mark.parametrize(
    ("body", "command", "status", "field"),
    [
        (queued_act(subject=""), "receive-and-classify", 422, "parts[1].subject"),
        (queued_act(subject=None), "receive-and-classify", 422, "parts[1].subject"),
        (queued_act("tidy-up"), "", 422, "act"),
        (b'{"act": "remind"}', "remind", 422, "parts"),
        (b'{"act": "remind", "parts": [{"command": ""}], "data": {}}', "remind", 422, "data"),
        (b'{"act": 5}', "", 422, "act"),
    ],
)
async def test_act__that_is_refused_is_kept_whole(
    queued: Intake, body: bytes, command: str, status: int, field: str
) -> None:
    head, key = await queued.head(), str(uuid4())
    answer = await queued.commands.take(body, "office", key)
    problem = json.loads(answer.body)
    assert (answer.accepted, problem["status"], problem["field"]) == (False, status, field), problem
    rows = await queued.rows(
        "SELECT caller, command FROM refused_commands WHERE refused_id = $1", UUID(problem["refused_id"])
    )
    assert [tuple(row) for row in rows] == [("office", command)]
    assert await queued.head() == head
