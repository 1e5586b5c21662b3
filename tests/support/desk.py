"""A console at which people sign in: an intake and a followup that reads it, both of one provider; and browsers."""

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from services.followup.bootstrap import callers_of, running
from services.followup.settings import FollowupSettings
from shared.http.auth import mint_token
from shared.http.prefix import under
from shared.settings import path_of
from tests.support.intake import DISTRICT, Intake, served, tokens_file

COOKIE = "doithoai_session"
#: What a browser says of a form of our own page.
OWN = {"Sec-Fetch-Site": "same-origin"}


class PeopleDesk:
    """An intake, a followup that reads it, a provider; and browsers."""

    def __init__(self, intake: Intake, app: Any, dsn: str, admin: str) -> None:
        self.intake, self.app, self.dsn, self.admin = intake, app, dsn, admin

    def browser(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers={"Accept": "text/html"})

    async def granted(self, subject: str, *roles: str, **fields: Any) -> None:
        body = {
            "subject": subject, "name": "Lò Thị Mai", "position": "Chuyên viên", "roles": roles,
            "jurisdiction": DISTRICT, "valid_from": "2020-01-01",
        } | fields  # fmt: skip
        answer = await self.intake.post("/v1/people", body, token=self.admin)
        assert answer.status_code == 201, answer.text

    async def sql(self, query: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def desk_at(
    database: str, dsn: str, folder: Path, issuer: str, audience: str, public_url: str = "http://127.0.0.1"
) -> AsyncIterator[PeopleDesk]:
    """Both services until the block ends; `database` is intake's and `dsn` followup's."""
    admin, admin_entry = mint_token("admin", "admin", DISTRICT)
    reader, reader_entry = mint_token("reader", "auditor")
    operations, operations_entry = mint_token("operations", "operations")
    key = folder / "sessions.key"
    key.write_bytes(bytes(range(32)))
    file = tokens_file(folder, admin_entry, reader_entry, operations_entry)
    async with served(database, folder, tokens_file=str(file), issuer=issuer, audience=audience) as intake:
        intake.client.headers["Authorization"] = f"Bearer {operations}"
        await intake.places()
        settings = FollowupSettings(
            database_url=dsn,
            sources=str(intake.client.base_url).rstrip("/"),
            issuer=issuer,
            audience=audience,
            public_url=public_url,
            session_key_file=str(key),
        )
        async with running(settings, callers_of(settings), lambda: reader) as app:
            yield PeopleDesk(intake, under(path_of(public_url), app), dsn, admin)


def form_token(page: httpx.Response) -> str:
    """The token in the forms of a page."""
    found = re.search(r'name="form_token" value="(\w+)"', page.text)
    assert found is not None, page.text
    return found[1]
