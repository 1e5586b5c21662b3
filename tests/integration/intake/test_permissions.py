"""Whom each route is for: what is declared beside it is what callers meet, in both services, for every role."""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from services.followup.bootstrap import callers_of as followup_callers
from services.followup.bootstrap import running as followup_running
from services.followup.settings import FollowupSettings
from services.intake.bootstrap import callers_of, running, seals_of
from services.intake.settings import IntakeSettings
from shared.http.permissions import PERMISSION, permission_of
from shared.http.tokens import ROLES, change_tokens, mint_token
from tests.support.intake import EDUCATION, MASTER_KEY
from tests.support.postgres import TestServer

#: Stands in an address for what its parameter names.
_SOME = {"language": "en", "str": str(UUID(int=1)), "uuid": str(UUID(int=1)), "int": "2026"}
_ROLE_REFUSED = "urn:doithoai:problem:role-may-not"
#: Forms of commands ask for the roles of the command that they are of, which intake tells.
_BY_COMMAND = re.compile(r"/(acts|people)/")


class CalledService:
    """A running service, asked as each role."""

    def __init__(self, app: Litestar, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self.app, self.client, self.tokens = app, client, tokens

    @property
    def handlers(self) -> Iterable[tuple[str, str, HTTPRouteHandler]]:
        """Each address with each of its methods, and what answers it."""
        for route in self.app.routes:
            for handler in getattr(route, "route_handlers", ()):
                if isinstance(handler, HTTPRouteHandler) and "OPTIONS" not in handler.http_methods:
                    path = re.sub(r"{(\w+):(\w+)}", lambda found: _SOME.get(found[1]) or _SOME[found[2]], route.path)
                    for method in handler.http_methods - {"HEAD"}:
                        yield path, method, handler

    async def asked(self, method: str, path: str, role: str) -> httpx.Response:
        """The answer to an empty request of a role; none: of nobody."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        body: dict[str, Any] = {"json": {}} if method == "POST" else {}
        return await self.client.request(method, path, headers=headers, **body)


async def with_tokens(
    folder: Path, serve: Callable[[Path], Any], tokens: dict[str, str]
) -> AsyncIterator[CalledService]:
    """A service that knows a caller of each role, over its application."""
    entries = []
    for role in sorted(ROLES):
        tokens[role], entry = mint_token(role, role, agency=EDUCATION if role == "agency" else "")  # type: ignore[arg-type]
        entries.append(entry)
    file = folder / "tokens.json"
    change_tokens(file, lambda _: tuple(entries))
    async with serve(file) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield CalledService(app, client, tokens)


@pytest.fixture
async def intake_service(placed: str, tmp_path: Path) -> AsyncIterator[CalledService]:
    key = tmp_path / "master.key"
    key.write_bytes(MASTER_KEY)

    def serve(file: Path) -> Any:
        named = {"database_url": placed, "master_key_file": str(key), "source": "local", "files": str(tmp_path)}
        settings = IntakeSettings(**named, tokens_file=str(file))
        return running(settings, callers_of(settings), seals_of(settings))

    async for service in with_tokens(tmp_path, serve, {}):
        yield service


@pytest.fixture
async def followup_service(pg_server: TestServer, tmp_path: Path) -> AsyncIterator[CalledService]:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")

    def serve(file: Path) -> Any:
        settings = FollowupSettings(database_url=dsn, migrate=False, sources="", tokens_file=str(file))
        return followup_running(settings, followup_callers(settings))

    async for service in with_tokens(tmp_path, serve, {}):
        yield service


async def disagreements(service: CalledService) -> list[str]:
    """Where what a route declares is not what a caller meets."""
    found = []
    for path, method, handler in service.handlers:
        if PERMISSION not in handler.opt and not path.startswith(
            "/schema"
        ):  # the framework's own, for whoever is known
            found.append(f"{method} {path}: declares no permission")
            continue
        permission, where = permission_of(handler), f"{method} {path}"
        if ((await service.asked(method, path, "")).status_code == 401) == permission.is_open:
            found.append(f"{where}: is open, or is not, to nobody")
        for role in ROLES if not permission.is_open else ():
            answer = await service.asked(method, path, role)
            kind = answer.json().get("type") if "problem+json" in answer.headers.get("content-type", "") else ""
            is_refused = answer.status_code == 403 and kind == _ROLE_REFUSED
            if is_refused == permission.allows(frozenset({role})) and not _BY_COMMAND.search(path):
                found.append(f"{where}: {role} {answer.status_code} {kind}")
    return found


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_intake__refuses_each_role_exactly_where_it_declares_so(intake_service: CalledService) -> None:
    assert await disagreements(intake_service) == []


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_followup__refuses_each_role_exactly_where_it_declares_so(followup_service: CalledService) -> None:
    assert await disagreements(followup_service) == []
