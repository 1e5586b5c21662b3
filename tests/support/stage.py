"""A running pair with tokens, places and one petition at a conference: where other people's clients begin."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from shared.http.auth import Role, mint_token
from tests.support.intake import tokens_file
from tests.support.pair import Service, pair
from tests.support.postgres import TestServer

PROVINCE, DISTRICT, COMMUNE, AGENCY = "H35", "H35.10", "H35.10.31", "H35.10.4"
SYSTEM = "cong-tinh"
ROLES: tuple[tuple[str, Role, str], ...] = (
    ("van-hanh", "operations", "VN"),
    ("van-phong", "office", PROVINCE),
    (SYSTEM, "system", PROVINCE),
    ("followup", "system", "VN"),
    ("kiem-tra", "auditor", "VN"),
)


class GuardedPair(NamedTuple):
    """The two services, the token of each caller, and a conference that is open."""

    intake: Service
    followup: Service
    tokens: dict[str, str]
    conference: str

    def post(self, caller: str, path: str, **body: object) -> dict[str, object]:
        """A command that must be accepted."""
        return _accepted(self.intake.url + path, self.tokens[caller], body)


@contextlib.contextmanager
def stage(server: TestServer, folder: Path) -> Iterator[GuardedPair]:
    """The stage until the block ends. Nobody is served without a token."""
    made = [mint_token(name, role, place) for name, role, place in ROLES]
    tokens = {entry.name: token for token, entry in made}
    file = tokens_file(folder, *(entry for _, entry in made))
    source_token = folder / "source.token"
    source_token.write_text(tokens["followup"])
    with pair(server, folder) as running:
        intake = running.intake(TOKENS_FILE=str(file)).start()
        followup = running.followup(intake, TOKENS_FILE=str(file), SOURCE_TOKEN_FILE=str(source_token))
        _places(intake.url, tokens)
        conference = _conference(intake.url, tokens["van-phong"])
        yield GuardedPair(intake, followup.start(), tokens, conference)


def _accepted(url: str, token: str, body: object) -> dict[str, object]:
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.is_success, f"{url}: {answer.status_code} {answer.text}"
    found: dict[str, object] = answer.json()
    return found


def _places(url: str, tokens: dict[str, str]) -> None:
    for code, level, parent in (
        ("VN", "nation", ""),
        (PROVINCE, "province", "VN"),
        (DISTRICT, "district", PROVINCE),
        (COMMUNE, "commune", DISTRICT),
    ):
        body = {"code": code, "name": code, "level": level, "parent": parent, "valid_from": "2004-01-01"}
        _accepted(f"{url}/v1/jurisdictions", tokens["van-hanh"], body)
    agency = {"code": AGENCY, "name": "Phòng GD-ĐT", "jurisdiction": DISTRICT, "valid_from": "2004-01-01"}
    _accepted(f"{url}/v1/agencies", tokens["van-hanh"], agency)


def _conference(url: str, token: str) -> str:
    clock = httpx.get(f"{url}/v1/clock", headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
    days = {"first_day": clock["today"], "last_day": clock["today"], "place": "Hội trường"}
    planned = _accepted(f"{url}/v1/conferences", token, {"jurisdiction": DISTRICT, "kind": "periodic"} | days)
    _accepted(f"{url}/v1/conferences/{planned['id']}/opening", token, {})
    return str(planned["id"])
