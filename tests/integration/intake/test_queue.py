"""Commands by queue: decided as over HTTP; a refused one is answered and kept, sealed, with its reason."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.intake.bootstrap import seals_of
from shared.http.auth import mint_token
from tests.support.intake import COMMUNE, Intake, served, tokens_file


@pytest.fixture
async def queued(database: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """An intake that knows two users of the broker."""
    entries = [mint_token("portal", "system", "H35", amqp_user="portal")[1]]
    entries.append(mint_token("office", "office", "H35.10", amqp_user="office")[1])
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, *entries))) as running:
        await running.places()
        yield running


def received(**fields: Any) -> bytes:
    return json.dumps(
        {"command": "PetitionReceived", "data": {"jurisdiction": COMMUNE, "text": "Của tôi."} | fields}
    ).encode()


async def test_an_accepted_command_is_answered_like_over_http(queued: Intake) -> None:
    answer = await queued.commands.take(received(), "portal", "m1")
    told = json.loads(answer.body)
    assert answer.accepted and told["version"] == 1 and told["receipt_code"]
    head = await queued.head()
    # Delivered again: the message id is the idempotency key.
    assert await queued.commands.take(received(), "portal", "m1") == answer
    assert await queued.head() == head
    facts = (await queued.get(f"/v1/petitions/{told['id']}")).json()["facts"]
    assert [fact["topic"] for fact in facts] == ["PetitionReceived"]


async def test_a_command_on_a_petition(queued: Intake) -> None:
    petition = json.loads((await queued.commands.take(received(), "portal", "m1")).body)["id"]
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
        (b"{", "portal", "m1", "malformed-json"),
        (b"\xff", "portal", "m1", "malformed-json"),
        (b'{"command": "Nothing"}', "portal", "m1", "unknown-command"),
        (b'{"command": "PetitionReceived", "data": {}}', "portal", "m1", "invalid-body"),
        (b'{"command": "JurisdictionRegistered", "data": {"code": "H36", "name": "x", "level": "province", '
         b'"valid_from": "2004-01-01"}}', "portal", "m1", "role-may-not"),
        (received(jurisdiction="H99"), "portal", "m1", ""),
    ],
)  # fmt: skip
async def test_a_refused_command_is_kept_sealed_with_its_reason(
    queued: Intake, body: bytes, user: str | None, message_id: str | None, code: str
) -> None:
    head = await queued.head()
    answer = await queued.commands.take(body, user, message_id)
    problem = json.loads(answer.body)
    assert not answer.accepted and (not code or problem["type"].endswith(":" + code))
    (row,) = await queued.rows("SELECT * FROM refused_commands")
    assert str(row["refused_id"]) == problem["refused_id"]
    assert row["reason_code"] and row["reason"] == problem["detail"]
    assert body not in row["sealed"]
    assert seals_of(queued.settings).open_refused(row["refused_id"], row["sealed"]) == body
    assert await queued.head() == head
