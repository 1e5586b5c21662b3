"""Commands by queue: decided as over HTTP; a refused one is answered and kept, sealed, with its reason."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from services.intake.adapters.seals import Kept
from services.intake.bootstrap import seals_of
from shared.http.auth import mint_token
from tests.support.intake import COMMUNE, Intake, reason_of, served, tokens_file
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def queued(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Intake]:
    """An intake that knows two users of the broker."""
    database, tmp_path = await pg_server.fresh("shared.postgres"), tmp_path_factory.mktemp("queued")
    entries = [mint_token("portal", "system", "H35", amqp_user="portal", sources=("portal", "cong-tinh"))[1]]
    entries.append(mint_token("office", "office", "H35.10", amqp_user="office")[1])
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
    assert json.loads(stale.body)["status"] == 412


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
    assert json.loads(other.body)["type"].endswith(":idempotency-key-reused")


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
