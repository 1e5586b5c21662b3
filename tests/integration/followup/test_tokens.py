"""Tokens that change while followup runs: its callers', and its own towards a source."""

from pathlib import Path

import httpx

from services.followup.adapters.feed_client import FeedClient
from services.followup.application.ports import SourceUnavailable
from services.followup.bootstrap import callers_of, running
from services.followup.configured import source_token
from services.followup.settings import FollowupSettings
from shared.envelope import FeedPage, feed_page
from shared.http.tokens import change_tokens, mint_token, rotated
from tests.support.postgres import TestServer
from tests.support.waiting import until


async def test_token__that_is_taken_out_is_refused_without_a_restart(pg_server: TestServer, tmp_path: Path) -> None:
    file, (first, entry) = tmp_path / "tokens.json", mint_token("văn phòng", "office")
    second, both = rotated(entry)
    other, others = mint_token("kiểm toán", "auditor")
    change_tokens(file, lambda _: (entry,))
    settings = FollowupSettings(
        database_url=await pg_server.fresh("shared.postgres", "services.followup"),
        migrate=False,
        sources="",
        tokens_file=str(file),
    )
    async with (
        running(settings, callers_of(settings)) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
    ):

        async def answer(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return (await client.get("/v1/cases", headers=headers)).status_code

        async def is_answered(token: str, status: int) -> bool:
            return await answer(token) == status

        assert [await answer(token) for token in (first, second, other, "")] == [200, 401, 401, 401]
        change_tokens(file, lambda _: (both, others))
        await until(lambda: is_answered(second, 200))
        assert [await answer(token) for token in (first, second, other, "")] == [200, 200, 200, 401]
        file.write_text("{")  # what cannot be read takes nobody's token away
        file.unlink()
        change_tokens(file, lambda _: (others,))
        await until(lambda: is_answered(first, 401))
        assert [await answer(token) for token in (first, second, other, "")] == [401, 401, 200, 401]


async def test_source_token__is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "source.token"
    file.write_text("first\n")
    page = feed_page(FeedPage(source="lai-chau", epoch="1", previous_id=None, head=0, complete_to=None, events=[]))
    valid = "second"

    def answer(request: httpx.Request) -> httpx.Response:
        is_known = request.headers["authorization"] == f"Bearer {valid}"
        return httpx.Response(200, content=page) if is_known else httpx.Response(401)

    token = source_token(FollowupSettings(database_url="postgresql:///none", source_token_file=str(file)))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        feed = FeedClient("http://127.0.0.1", client, token)
        try:
            await feed.page(0)
        except SourceUnavailable as away:
            assert "401" in str(away)
        else:
            raise AssertionError("the first token is not valid")
        file.write_text("second\n")
        assert (await feed.page(0)).source == "lai-chau"
