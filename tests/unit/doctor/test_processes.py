"""A feed is an intake's and read by an auditor; an address outside is answered by the service behind it."""

import json
from typing import Any

import httpx
import pytest

from services.doctor import processes
from services.doctor.findings import Finding, State

FEED = "http://intake:8570"
PAGE = {"source": "lai-chau", "head": 7}
ME = {"caller": "followup", "roles": ["auditor"], "jurisdiction": "VN"}


def answering(answers: dict[str, Any]) -> httpx.MockTransport:
    """What answers by path: a body, or a status."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.path, 404)
        return httpx.Response(found) if isinstance(found, int) else httpx.Response(200, json=found)

    return httpx.MockTransport(answer)


async def looked_at(answers: dict[str, Any], *known: str) -> list[Finding]:
    async with httpx.AsyncClient(transport=answering(answers)) as client:
        found = await processes._feed(client, FEED, set(known))
    assert all(finding.remedy for finding in found if finding.state is not State.RIGHT)
    return found


@pytest.mark.parametrize("known", [(), ("lai-chau", "dien-bien")])
async def test_feed__that_is_right_is_said_to_be(known: tuple[str, ...]) -> None:
    (found,) = await looked_at({"/v1/events": PAGE, "/v1/me": ME}, *known)
    assert found.state is State.RIGHT and found.said.en == f"{FEED}: the source lai-chau with 7 events"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"/v1/sources": {"items": []}}, "is a followup, no intake"),
        ({"/v1/me": ME | {"caller": "portal", "roles": ["system"]}}, "the token is portal's, of the role system"),
        ({"/v1/me": ME | {"jurisdiction": "H35"}}, "the token is followup's, for H35 alone"),
        ({"/v1/events": 403}, "refuses the token (403)"),
        ({"/v1/events": 502}, "answers 502"),
    ],
)
async def test_feed__of_a_followup_or_with_another_token_is_told(changed: dict[str, Any], expected: str) -> None:
    found = await looked_at({"/v1/events": PAGE, "/v1/me": ME} | changed)
    assert found[-1].state is State.WRONG and expected in found[-1].said.en


async def test_feed__of_a_source_that_was_never_followed_is_told() -> None:
    (found,) = await looked_at({"/v1/events": PAGE, "/v1/me": ME}, "dien-bien")
    assert found.state is State.NOTE and "which was never followed here (known: dien-bien)" in found.said.en


async def test_developer__without_tokens_is_told_nothing() -> None:
    everybody = {"caller": "local", "roles": ["admin", "auditor"], "jurisdiction": "VN"}
    (found,) = await looked_at({"/v1/events": PAGE, "/v1/me": everybody})
    assert found.state is State.RIGHT


@pytest.mark.parametrize(
    ("status", "content", "state", "expected"),
    [
        (200, {"status": "ready"}, State.RIGHT, "the service answers there"),
        (503, {"type": "/problems/not-ready", "status": 503}, State.RIGHT, "the service answers there"),
        # The balancer's own problem, and a page of the proxy's.
        (503, {"type": "about:blank", "status": 503}, State.WRONG, "it is not this service that answers"),
        (404, "<html>", State.WRONG, "at https://so.vn/so/readyz (404)"),
        (200, ["x"], State.WRONG, "it is not this service that answers"),
        (None, None, State.NOTE, "cannot be reached from this machine (ConnectError)"),
    ],
)
async def test_address_outside__is_asked_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, status: int | None, content: Any, state: State, expected: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("no route")
        text = content if isinstance(content, str) else json.dumps(content)
        return httpx.Response(status, text=text)

    def client(**_: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    monkeypatch.setattr(processes, "_client", client)
    (found,) = await processes.look_at_public("FOLLOWUP_PUBLIC_URL", "https://so.vn/so")
    assert found.state is state and expected in found.said.en
