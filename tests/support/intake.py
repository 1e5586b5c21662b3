"""A real intake: its own database, a real server on a free port, a client that speaks HTTP to it."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from services.intake.bootstrap import callers_of, running
from services.intake.configured import seals_of
from services.intake.entrypoints.queued_commands import CommandIntake
from services.intake.settings import IntakeSettings
from shared.http.server import server
from shared.http.tokens import mint_token
from shared.settings import path_of
from tests.support.postgres import MASTER_KEY, TestServer

PROVINCE, DISTRICT, COMMUNE = "H35", "H35.10", "H35.10.31"
OFFICE, EDUCATION, CLOSED = "H35.10.1", "H35.10.4", "H35.10.9"
#: As whom a test acts that names no token, once tokens are configured: nobody is local then.
OWN_TOKEN, OWN_ENTRY = mint_token("tests", "office", sources=("*",))


def reason_of(problem: dict[str, Any]) -> str:
    """What a problem says in one line, as it is kept of a refused command."""
    return f"{problem['field']}: {problem['detail']}" if "field" in problem else str(problem["detail"])


class Intake:
    """A running intake as a caller meets it."""

    def __init__(self, client: httpx.AsyncClient, dsn: str, settings: IntakeSettings, commands: CommandIntake) -> None:
        self.client, self.dsn, self.settings, self.commands = client, dsn, settings, commands

    async def post(self, path: str, /, body: Any = None, *, token: str = "", **headers: str) -> httpx.Response:
        """One command; header names with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["Authorization"] = f"Bearer {token}"
        if isinstance(body, bytes):
            return await self.client.post(path, content=body, headers={"Content-Type": "application/json"} | named)
        return await self.client.post(path, json=body if body is not None else {}, headers=named)

    async def done(self, path: str, /, body: Any = None, **headers: str) -> dict[str, Any]:
        """A command that must be accepted."""
        response = await self.post(path, body, **headers)
        assert response.status_code == 201, f"{path}: {response.status_code} {response.text}"
        answer: dict[str, Any] = response.json()
        return answer

    async def get(self, path: str, *, token: str = "", **query: str) -> httpx.Response:
        """One question."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.get(path, params=query, headers=headers)

    async def is_ready(self) -> bool:
        """Whether some path makes progress."""
        return (await self.get("/readyz")).status_code == 200

    async def today(self) -> str:
        """The store's day."""
        return str((await self.get("/v1/clock")).json()["today"])

    async def head(self) -> int:
        """The last position."""
        return int((await self.get("/v1/events", limit="1")).json()["head"])

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """What the database itself says."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def petition(self, **fields: Any) -> dict[str, Any]:
        """A received petition."""
        body = {"jurisdiction": COMMUNE, "text": "Đường vào bản bị sạt lở."} | fields
        return await self.done("/v1/petitions", body)

    async def conference(self) -> str:
        """A conference of the district that opened today; its id."""
        today = await self.today()
        days = {"first_day": today, "last_day": today, "place": "Hội trường"}
        planned = await self.done("/v1/conferences", {"jurisdiction": DISTRICT, "kind": "periodic"} | days)
        await self.done(f"/v1/conferences/{planned['id']}/opening")
        return str(planned["id"])

    async def places(self) -> None:
        """A province, a district, a commune; an office and an agency; an agency that was closed in 2020."""
        for code, name, level, parent in (
            ("VN", "Việt Nam", "nation", ""),
            (PROVINCE, "Tỉnh Lai Châu", "province", "VN"),
            (DISTRICT, "Huyện Tam Đường", "district", PROVINCE),
            (COMMUNE, "Thị trấn Tam Đường", "commune", DISTRICT),
        ):
            await self.done(
                "/v1/jurisdictions",
                {"code": code, "name": name, "level": level, "parent": parent, "valid_from": "2004-01-01"},
            )
        for code, name in ((OFFICE, "Văn phòng"), (EDUCATION, "Phòng GD-ĐT"), (CLOSED, "Phòng cũ")):
            await self.done(
                "/v1/agencies", {"code": code, "name": name, "jurisdiction": DISTRICT, "valid_from": "2004-01-01"}
            )
        await self.done(f"/v1/agencies/{CLOSED}/closure", {"effective_on": "2020-01-01", "successor": EDUCATION})


@contextlib.asynccontextmanager
async def served(dsn: str, folder: Path, **settings: Any) -> AsyncIterator[Intake]:
    """Intake over real HTTP until the block ends."""
    key = folder / "master.key"
    if not key.exists():
        key.write_bytes(MASTER_KEY)
    chosen = IntakeSettings(database_url=dsn, master_key_file=str(key), port=0, **{"source": "local"} | settings)
    async with running(chosen, callers_of(chosen), seals_of(chosen)) as app:
        http = server(app, chosen.host, 0, prefix=path_of(chosen.public_url))
        task = asyncio.create_task(http.serve())
        while not http.started:
            assert not task.done(), "the server did not start"
            await asyncio.sleep(0.01)
        port = http.servers[0].sockets[0].getsockname()[1]
        try:
            own = {"Authorization": f"Bearer {OWN_TOKEN}"} if chosen.tokens_file else {}
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, headers=own) as client:
                yield Intake(client, dsn, chosen, app.state.commands)
        finally:
            http.should_exit = True
            await task


@pytest.fixture
def placed(pg_server: TestServer) -> str:
    """The dsn of a fresh store of intake in which the places stand."""
    return asyncio.run(pg_server.filled(with_places))


async def with_places(dsn: str) -> None:
    """Fill a store with the places."""
    with tempfile.TemporaryDirectory() as folder:
        async with served(dsn, Path(folder)) as intake:
            await intake.places()


def tokens_file(folder: Path, *entries: Any) -> Path:
    """A tokens file with these entries, and that of the client that `served` gives."""
    path = folder / "tokens.json"
    path.write_text(json.dumps({"tokens": [msgspec.to_builtins(entry) for entry in (*entries, OWN_ENTRY)]}))
    return path
