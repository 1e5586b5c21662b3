"""Forms that are refused before anybody looks at them: what was typed comes back; no page of others gets through."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest
import pytest_asyncio

from services.followup.bootstrap import running
from services.followup.console.sign_in import LOGIN
from services.followup.settings import FollowupSettings
from shared.http.auth import COOKIE, Callers
from shared.http.refused_calls import RefusedCalls
from shared.http.tokens import mint_token
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN, ENTRY = mint_token("văn phòng", "office")
HOST = "followup.example"
TYPED = {"text": "Đường vào bản <bị> sạt lở.", "jurisdiction": "H35.10.31", "key": "k1", "effective_on": ""}
NEW = "/office/petitions/new"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dsn(pg_server: TestServer) -> str:
    """The database of a followup that has read nothing yet."""
    return await pg_server.fresh("shared.postgres", "services.followup")


@pytest_asyncio.fixture(loop_scope="module")
async def browser(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at a followup."""
    callers = Callers((ENTRY,), local_allowed=False, cookies=True, refused=RefusedCalls(lambda: 0.0))
    async with (
        running(FollowupSettings(database_url=dsn, migrate=False, sources=""), callers) as app,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=f"http://{HOST}", headers={"Accept": "text/html"}
        ) as client,
    ):
        yield client


def typed_back(page: httpx.Response) -> dict[str, str]:
    """What stands in the fields of a page."""
    areas = re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in areas + hidden}


async def test_form__of_somebody_signed_out_comes_back_to_be_sent_again(browser: httpx.AsyncClient) -> None:
    page = await browser.post(NEW, data=TYPED, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 401
    assert typed_back(page) == {name: value for name, value in TYPED.items() if value}
    assert f'action="{NEW}"' in page.text
    assert f'href="{LOGIN}"' in page.text
    assert "<button>Gửi lại" in page.text


async def test_form__of_another_page_is_shown_and_not_sent(browser: httpx.AsyncClient) -> None:
    browser.cookies.set(COOKIE, TOKEN)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {"Origin": "https://evil.example"}):
        page = await browser.post(NEW, data=TYPED, headers=headers)
        assert page.status_code == 403
        assert typed_back(page)["text"] == TYPED["text"]
        assert "<button>Gửi lại" not in page.text


async def test_form__of_another_page_without_a_token_offers_nothing_to_click(browser: httpx.AsyncClient) -> None:
    page = await browser.post(NEW, data=TYPED, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 401
    assert "<button>Gửi lại" not in page.text


async def test_form__that_is_too_large_for_a_stranger_stays_on_the_page_before(browser: httpx.AsyncClient) -> None:
    page = await browser.post(NEW, data={"text": "x" * 300_000}, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 401 and "xxx" not in page.text
    assert f'href="{LOGIN}" target="_blank"' in page.text and "quay lại trang trước" in page.text


async def test_sign_in__is_for_our_own_page_alone(browser: httpx.AsyncClient) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        page = await browser.post(LOGIN, data={"token": TOKEN}, headers=headers)
        assert (page.status_code, page.headers.get("set-cookie")) == (403, None)
        assert TOKEN not in page.text
    for headers in ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": f"http://{HOST}"}, {}):
        page = await browser.post(LOGIN, data={"token": TOKEN}, headers=headers)
        assert page.status_code == 303
        assert COOKIE in page.headers["set-cookie"]


async def test_sign_in__and_out_from_a_foreign_page_leave_the_cookie(browser: httpx.AsyncClient) -> None:
    browser.cookies.set(COOKIE, TOKEN)
    page = await browser.post("/office/logout", headers={"Sec-Fetch-Site": "same-site"})
    assert (page.status_code, page.headers.get("set-cookie")) == (403, None)
    page = await browser.post("/office/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 303
    assert "Max-Age=0" in page.headers["set-cookie"]


async def test_sign_in__with_a_wrong_token_is_counted_as_a_call_is(dsn: str) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    callers = Callers((ENTRY,), local_allowed=False, cookies=True, refused=RefusedCalls(lambda: 0.0, sleep))
    async with (
        running(FollowupSettings(database_url=dsn, migrate=False, sources=""), callers) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}") as client,
    ):
        for _ in range(8):
            assert (await client.post(LOGIN, data={"token": "dt_wrong"})).status_code == 401
            assert (await client.get("/v1/cases", headers={"Authorization": "Bearer dt_wrong"})).status_code == 401
        assert callers.refused.counts == {("unknown-token",): 16}
        assert len(waits) == 11
        before = len(waits)
        assert (await client.get("/v1/cases", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200
        assert len(waits) == before
