"""Every problem that a service answers a test with is one that its OpenAPI document names for that operation."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
PROBLEM_JSON = "application/problem+json"
#: Answered before an operation is found, or when it fails: no operation names these.
OF_NO_OPERATION = frozenset({405, 408, 431, 500, 502, 504})


class Declared:
    """The operations of both services with the types of problems that each names, by status."""

    def __init__(self) -> None:
        self._operations: list[tuple[re.Pattern[str], str, str, dict[int, set[str]]]] = []
        for service in ("intake", "followup"):
            document = json.loads((CONTRACTS / f"openapi-{service}.json").read_text("utf-8"))
            # A path without a place for a value goes before one with: it is the more exact.
            for path, item in sorted(document["paths"].items(), key=lambda each: each[0].count("{")):
                pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
                for method, operation in item.items():
                    if "responses" in operation:
                        self._operations.append((pattern, method, path, _types(document, operation)))

    def undeclared(self, method: str, path: str, status: int, kind: str) -> str:
        """What no operation at an address names of an answer; "" where one does, or where there is no operation."""
        found = [each for each in self._operations if each[1] == method.lower() and each[0].fullmatch(path)]
        exact = [each for each in found if each[2] == found[0][2]]
        if not exact or status in OF_NO_OPERATION or any(kind in each[3].get(status, ()) for each in exact):
            return ""
        return f"{method} {exact[0][2]} answered {status} {kind}, which its OpenAPI does not name"


def _types(document: dict[str, Any], operation: dict[str, Any]) -> dict[int, set[str]]:
    found = dict[int, set[str]]()
    for status, response in operation["responses"].items():
        name = str(response.get("$ref", "")).rpartition("/")[2]
        if name:
            found[int(status)] = set(document["components"]["responses"][name]["x-problem-types"])
    return found


@functools.cache
def declared() -> Declared:
    """The operations as they are committed."""
    return Declared()


@pytest.fixture(autouse=True)
def only_declared_problems(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a service answered with a problem that its OpenAPI document does not name there."""
    wrong: list[str] = []
    send = httpx.AsyncClient.send

    async def watched(client: httpx.AsyncClient, request: httpx.Request, **named: Any) -> httpx.Response:
        response = await send(client, request, **named)
        if response.headers.get("content-type", "").startswith(PROBLEM_JSON) and not named.get("stream"):
            kind = json.loads(response.content).get("type", "")
            wrong.append(declared().undeclared(request.method, request.url.path, response.status_code, kind))
        return response

    monkeypatch.setattr(httpx.AsyncClient, "send", watched)
    yield
    if found := sorted({each for each in wrong if each}):
        pytest.fail("\n".join([*found, "run `make contracts`; tests/contracts/problems.py reads them from the code"]))
