"""Connecting: a push that is a synchronisation beside a plain one, and the page of a caller who sees nothing.

Fairness. One intake in a process of its own, with tokens, as in production. The same petitions go in by POST and by
PUT, over 32 kept connections by the same client, in turn; then all that were put are put again, and nothing has
changed. Of the feed, the same five thousand events are passed in one page by somebody who sees none of them, and read
in one page by somebody who sees them all.
"""

import tempfile
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import httpx
import msgspec
import uvloop

from benchmarks.accept import PLACES
from benchmarks.client import load, request
from benchmarks.history import SOURCE as HISTORY
from benchmarks.history import SyntheticHistory
from benchmarks.intake import intake_on, stored
from benchmarks.lines import ROUNDS, Line, at_least, at_most, interleaved, median_seconds
from benchmarks.payloads import TEXT
from benchmarks.servers import database, postgres
from shared.http.tokens import Role, change_tokens, mint_token

CONNECTIONS = 32
COUNT = 200  # requests a round
SOURCE = "portal"
HIDDEN = 5_000  # events that a page passes at most
CONFERENCES = 21  # with so many events
TIMES = 15  # pages


def measure() -> list[Line]:
    """Medians of the rounds."""
    with postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, Path(folder)))


async def _measure(dsn: Callable[[str], str], folder: Path) -> list[Line]:
    return [*await _pushes(dsn, folder), *await _pages(dsn, folder)]


async def _pushes(dsn: Callable[[str], str], folder: Path) -> list[Line]:
    tokens, file = _tokens(folder / "pushing.json", ("portal", "system", "H35"), ("operations", "operations", "VN"))
    store = await database(dsn, "pushing", "shared.postgres", "services.intake")
    numbers = count(1)
    put: list[bytes] = []
    with intake_on(store, folder, TOKENS_FILE=str(file), RATE="0") as url:
        _places(url, tokens["operations"])

        async def side(requests: Sequence[bytes], status: int) -> float:
            return (await load(url, requests, CONNECTIONS, status))[0]

        async def by_put() -> float:
            put[:] = [_push(tokens["portal"], next(numbers)) for _ in range(COUNT)]
            return await side(put, 201)

        async def by_post() -> float:
            return await side([_receipt(tokens["portal"], next(numbers)) for _ in range(COUNT)], 201)

        await by_post()
        sides = {"POST": by_post, "PUT, new": by_put, "PUT, unchanged": lambda: side(put, 200)}
        medians = await interleaved(sides, ROUNDS)
    return [
        at_least("PUT of a new petition / POST of it", medians["PUT, new"], medians["POST"], 0.6, unit="requests/s"),
        at_least("PUT of what is known / POST", medians["PUT, unchanged"], medians["POST"], 1, unit="requests/s"),
    ]


async def _pages(dsn: Callable[[str], str], folder: Path) -> list[Line]:
    tokens, file = _tokens(folder / "reading.json", ("nation", "auditor", "VN"), ("other", "system", "H36"))
    store = await database(dsn, "reading", "shared.postgres", "services.intake")
    await stored(store, list(SyntheticHistory().events(CONFERENCES)))
    spent: dict[str, float] = {}
    with intake_on(store, folder, TOKENS_FILE=str(file), SOURCE=HISTORY, RATE="0") as url:
        for name, expected in (("nation", HIDDEN), ("other", 0)):
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:

                async def page(client: httpx.AsyncClient = client, expected: int = expected) -> None:
                    answer = await client.get("/v1/events", params={"cursor": "", "limit": HIDDEN})
                    assert answer.status_code == 200, answer.text[:500]
                    assert answer.text.count('"specversion"') == expected, answer.text[:500]

                await page()
                spent[name] = await median_seconds(page, TIMES) * 1000
    return [at_most("feed page past 5,000 hidden events / the page of them", spent["other"], spent["nation"], 1)]


def _tokens(file: Path, *callers: tuple[str, Role, str]) -> tuple[dict[str, str], Path]:
    made = {name: mint_token(name, role, place) for name, role, place in callers}
    change_tokens(file, lambda _: tuple(entry for _, entry in made.values()))
    return {name: token for name, (token, _) in made.items()}, file


def _places(url: str, token: str) -> None:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for code, level, parent in PLACES:
            body = {"code": code, "name": code, "level": level, "parent": parent, "valid_from": "2004-01-01"}
            answer = client.post("/v1/jurisdictions", json=body)
            assert answer.status_code == 201, answer.text


def _receipt(token: str, number: int) -> bytes:
    return _sent("POST", "/v1/petitions", {}, token, number)


def _push(token: str, number: int) -> bytes:
    return _sent("PUT", f"/v1/petitions/by-reference/{SOURCE}/{number}", {"source_version": "1"}, token, number)


def _sent(method: str, path: str, more: dict[str, object], token: str, number: int) -> bytes:
    petitioner = f"p-{number}"
    body = more | {
        "jurisdiction": "H35.10.31", "channel": "portal", "petitioner_ids": [petitioner], "text": TEXT,
        "identities": {petitioner: {"name": "Lò Thị Phương", "address": "Bản Nà Đa", "phone": "0912345678"}},
    }  # fmt: skip
    if method == "POST":
        body |= {"source": SOURCE, "external_id": f"{number}"}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{number}"}
    return request(method, path, msgspec.json.encode(body), headers)
