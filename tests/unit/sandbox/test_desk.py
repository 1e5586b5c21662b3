"""The desk of a sandbox: whom it answers, what it refuses and how it says so. What it does is acceptance's."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar.testing import TestClient

from services.sandbox.acts import RefusedByPair, SandboxActs
from services.sandbox.callers import PORTAL, kept_tokens, known_callers, take_over, tokens_file
from services.sandbox.desk import SandboxDesk, sandbox_app
from services.sandbox.page import HOLDS, environment_of, page_of
from services.sandbox.seed import OTHER_PLACES
from services.story.places import PLACES
from shared.events.field_samples import FIELD_SAMPLES
from shared.http.problems import problem
from shared.http.tokens import change_tokens, load_tokens, mint_token

NOW = datetime.fromisoformat("2026-03-02T08:00:00+07:00")
PETITION = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
URLS = ("http://127.0.0.1:1", "http://127.0.0.1:2")


class ActsStub(SandboxActs):
    """Acts that reach no pair: what they were asked for, and the answer that a test gives them."""

    def __init__(self, tokens: dict[str, str]) -> None:
        super().__init__(*URLS, tokens)
        self.moved: list[datetime] = []
        self.refusal: Exception | None = None

    def now(self) -> datetime:
        return NOW

    def move_to(self, instant: datetime) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.moved.append(instant)

    def settle(self, instant: datetime | None = None) -> None:
        pass

    def petition_of(self, petition_id: UUID | None, source: str, external_id: str) -> UUID:
        return petition_id or PETITION

    def deadlines(self, petition_id: UUID | None = None, status: str = "") -> list[dict[str, Any]]:
        return []


class DeskRig:
    """A desk before the stub, and a client with a token of it."""

    def __init__(self, folder: Path) -> None:
        self.tokens = kept_tokens(folder)
        self.acts = ActsStub(self.tokens)
        self.page = page_of(folder, *URLS, "http://127.0.0.1:3", "amqp://portal@127.0.0.1:4/")
        desk = SandboxDesk(self.acts)
        self.callers = known_callers(folder)
        self.client = TestClient(sandbox_app(desk, self.callers, self.page), base_url="http://127.0.0.1:3")
        self.own = {"Authorization": f"Bearer {self.tokens[PORTAL.name]}"}

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.client.post(f"/sandbox/{path}", json=body, headers=self.own)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[DeskRig]:
    made = DeskRig(tmp_path)
    with made.client:
        yield made
    made.acts.close()


def test_desk__asks_each_act_for_a_token(rig: DeskRig) -> None:
    for path in ("clock", "conference", "reply", "refusal", "redirection", "reset"):
        refused = rig.client.post(f"/sandbox/{path}", json={})
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:doithoai:problem:unauthenticated"), path
    assert rig.acts.moved == []


def test_caller__that_is_added_to_the_tokens_file_is_let_in(rig: DeskRig, tmp_path: Path) -> None:
    token, entry = mint_token("cong-thu-hai", "system", "H36")
    headers = {"Authorization": f"Bearer {token}"}

    def status() -> int:
        take_over(rig.callers, tmp_path)
        return rig.client.post("/sandbox/clock", json={"by": "P1D"}, headers=headers).status_code

    assert status() == 401
    change_tokens(tokens_file(tmp_path), lambda entries: (*entries, entry))
    assert status() == 200
    tokens_file(tmp_path).write_text("{")  # as an editor may leave it for a moment
    assert status() == 200


def test_page__names_files_and_no_token(rig: DeskRig) -> None:
    shown = rig.client.get("/sandbox", headers={"Accept": "text/html"})
    # A command is longer than a narrow window, and wraps.
    assert "white-space:pre-wrap" in shown.text and "<pre>curl" in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    for accept, kind in (("application/json", "application/json"), ("text/html", "text/html; charset=utf-8")):
        shown = rig.client.get("/sandbox", headers={"Accept": accept})
        assert (shown.status_code, shown.headers["content-type"]) == (200, kind)
        assert "cong-thu-nghiem" in shown.text
        assert not [token for token in rig.tokens.values() if token in shown.text]


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "to"),
        ({"to": "next-deadline", "by": "P1D"}, "to"),
        ({"to": "tomorrow"}, "to"),
        ({"to": "2026-03-05T08:00:00"}, "to"),
        ({"to": "2026-03-05"}, "to"),
        ({"by": "-P1D"}, "by"),
        ({"by": "P999999999D"}, "by"),
        ({"by": "soon"}, "by"),
        ({"at": "now"}, "at"),
        ({"to": 5}, "to"),
        ({"to": "next-deadline", "source": "cong-thu-nghiem"}, "petition_id"),
        ({"by": "P1D", "external_id": "TN-1"}, "petition_id"),
    ],
)
def test_clock__refuses_what_is_no_time_ahead(rig: DeskRig, body: dict[str, Any], field: str) -> None:
    refused = rig.post("clock", body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert refused.json()["translations"]["vi"]["detail"]
    assert rig.acts.moved == []


def test_clock__moves_to_an_instant_or_by_a_duration(rig: DeskRig) -> None:
    assert rig.post("clock", {"to": "2026-03-05T08:00:00+07:00"}).status_code == 200
    assert rig.post("clock", {"by": "PT36H"}).json() == {"now": "2026-03-02T08:00:00+07:00", "today": "2026-03-02"}
    assert [each.isoformat() for each in rig.acts.moved] == ["2026-03-05T08:00:00+07:00", "2026-03-03T20:00:00+07:00"]


@pytest.mark.parametrize("path", ["conference", "reply", "refusal", "redirection"])
@pytest.mark.parametrize("body", [{}, {"source": "cong-thu-nghiem"}, {"external_id": "TN-1"}])
def test_act__asks_for_a_petition(rig: DeskRig, path: str, body: dict[str, str]) -> None:
    refused = rig.post(path, body)
    assert (refused.status_code, refused.json()["field"]) == (422, "petition_id")


@pytest.mark.parametrize(
    "content, kind, status", [(b"{", "application/json", 400), (b"to=1", "text/plain", 415), (b"[1]", None, 422)]
)
def test_body__that_is_no_json_is_refused(rig: DeskRig, content: bytes, kind: str | None, status: int) -> None:
    headers = rig.own | {"Content-Type": kind or "application/json"}
    assert rig.client.post("/sandbox/clock", content=content, headers=headers).status_code == status


def test_refusal_of_the_pair__is_passed_on_as_it_came(rig: DeskRig) -> None:
    body = {"type": "urn:doithoai:problem:case-ended", "status": 409}
    answer = httpx.Response(409, json=body, headers={"Content-Type": "application/problem+json"})
    rig.acts.refusal = RefusedByPair(answer)
    refused = rig.post("clock", {"by": "P1D"})
    assert (refused.status_code, refused.json()) == (409, body)
    assert refused.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("error", [httpx.ConnectError("gone"), problem(503, "not-ready", missing="followup")])
def test_service_that_is_away__is_told_as_such(rig: DeskRig, error: Exception) -> None:
    rig.acts.refusal = error
    refused = rig.post("clock", {"by": "P1D"})
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:doithoai:problem:not-ready")


def test_tokens__are_made_once_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    first = kept_tokens(tmp_path)
    assert kept_tokens(tmp_path) == first
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tokens").iterdir()} == {0o600}
    (tmp_path / "tokens" / PORTAL.name).unlink()  # lost: the caller gets another one, and the old one ends
    second = kept_tokens(tmp_path)
    assert {name for name in first if first[name] != second[name]} == {PORTAL.name}
    assert len(load_tokens(str(tokens_file(tmp_path)))) == len(first)


def test_environment__is_quoted_for_a_shell(rig: DeskRig) -> None:
    text = environment_of(rig.page, rig.tokens, "amqp://portal:a'b@127.0.0.1/%2F")
    assert "export BROKER='amqp://portal:a'\"'\"'b@127.0.0.1/%2F'\n" in text
    assert f"export TOKEN={rig.tokens[PORTAL.name]}\n" in text


def test_place__is_called_by_the_name_that_it_is_registered_under() -> None:
    names = {place.code: place.name for place in (*PLACES, *OTHER_PLACES)}
    for said in (text for holds in HOLDS for text in holds):
        for code in re.findall(r"H35\.\d+(?:\.\d+)?", said):
            assert names[code].removeprefix("Huyện ") in said, f"{code} is {names[code]}"
    assert FIELD_SAMPLES["name"] == names[FIELD_SAMPLES["code"]]
