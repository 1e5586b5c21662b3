"""How often one may call, over HTTP: each caller by name, whoever proves nothing by address; probes as they like."""

from pathlib import Path

import httpx
import pytest

from shared.http.auth import mint_token
from shared.http.rate_limits import WINDOW
from tests.support.intake import PROVINCE, served, tokens_file, with_places
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio


async def test_caller__beyond_its_rate_is_told_when_to_come_again_and_nobody_else_is(
    pg_server: TestServer, tmp_path: Path
) -> None:
    callers = {name: mint_token(name, "system", PROVINCE) for name in ("loop", "portal")}
    tokens = str(tokens_file(tmp_path, *(entry for _, entry in callers.values())))
    async with served(await pg_server.filled(with_places), tmp_path, tokens_file=tokens, rate=1) as intake:
        loop, portal = (token for token, _ in callers.values())
        # More than the bucket fills meanwhile: the answers take far less than a second each.
        answers = [await intake.get("/v1/me", token=loop) for _ in range(3 * WINDOW)]
        assert answers[0].status_code == 200 and answers[0].headers["ratelimit-policy"] == '"caller";q=10;w=10'
        refused = next(each for each in answers if each.status_code == 429)
        assert refused.json()["type"].endswith("too-many-requests")
        assert int(refused.headers["retry-after"]) >= 1 and refused.headers["ratelimit"].startswith('"caller";r=0;')
        assert (await intake.get("/v1/me", token=portal)).status_code == 200

        # Without any token: wrong ones are answered so slowly that they never come to it.
        async with httpx.AsyncClient(base_url=intake.client.base_url) as stranger:
            strangers = [await stranger.get("/v1/me") for _ in range(3 * WINDOW)]
            assert strangers[0].status_code == 401 and strangers[0].headers["ratelimit"]
            held_up = next(each for each in strangers if each.status_code == 429)
            assert int(held_up.headers["retry-after"]) >= 1
            assert {(await stranger.get("/healthz")).status_code for _ in range(3 * WINDOW)} == {200}
        assert (await intake.get("/v1/me", token=portal)).status_code == 200
