"""Forms that are refused before anybody looks at them: what was typed comes back; no page of others gets through."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from services.followup.bootstrap import running
from services.followup.console.addresses import LOGIN
from services.followup.console.language import COOKIE as COOKIE_OF_LANGUAGE
from services.followup.settings import FollowupSettings
from shared.http.auth import COOKIE, Callers
from shared.http.rate_limits import WINDOW
from shared.http.refused_calls import RefusedCalls
from shared.http.tokens import mint_token
from shared.identifiers import derived_id
from tests.support.following import projection_pool
from tests.support.intake_stub import StubIntake, problem_text
from tests.support.postgres import TestServer
from tests.support.projection import AUTUMN, PACKAGES, dialogue, petition, project
from tests.support.reading import reading_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN, ENTRY = mint_token("văn phòng", "office")
HOST = "followup.example"
TYPED = {
    "text": "Đường vào bản <bị> sạt lở.", "jurisdiction": "H35.10.31", "identities.0.name": "Lò Thị Mai", "key": "k1",
    "effective_on": "",
}  # fmt: skip
NEW = f"/cases/{derived_id('place', 'H35.10')}/acts/PetitionReceived"
REPLY = f"/cases/{petition('late')}/acts/WrittenReplyIssued"


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


@pytest.fixture
def stub() -> StubIntake:
    """The intake of the official."""
    return StubIntake()


@pytest_asyncio.fixture(loop_scope="module")
async def official(pg_server: TestServer, stub: StubIntake) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has signed in where there is a case to act on, and an intake that lets it."""
    callers = Callers((ENTRY,), local_allowed=False, cookies=True)
    made = await pg_server.fresh(*PACKAGES)
    async with projection_pool(made) as pool:
        await project(pool, dialogue(), AUTUMN)
        transport = httpx.ASGITransport(await reading_app(pool, made, callers, stub))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            client.cookies.set(COOKIE, TOKEN)
            yield client


def typed_back(page: httpx.Response) -> dict[str, str]:
    """What stands in the fields of a page."""
    areas = re.findall(r'<textarea [^>]*name="([\w.]+)"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in areas + hidden}


async def test_form__of_somebody_signed_out_comes_back_to_be_sent_again(browser: httpx.AsyncClient) -> None:
    page = await browser.post(NEW, data=TYPED, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 401
    assert typed_back(page) == {name: value for name, value in TYPED.items() if value}
    assert f'action="{NEW}"' in page.text
    assert f'href="{LOGIN}"' in page.text
    assert "<button>Gửi lại" in page.text


def switch_of(page: httpx.Response, language: str) -> dict[str, str]:
    """What the button to the other language sends beside the form that it belongs to."""
    found = re.search(rf'<button form="form" name="(\w+)" value="{language}" formnovalidate', page.text)
    assert found is not None, page.text
    assert page.text.count('id="form"') == 1
    return {found[1]: language}


async def test_form__that_is_wrong_keeps_what_was_typed_in_the_other_language(
    official: httpx.AsyncClient, stub: StubIntake
) -> None:
    filled = {"number": "4/TL-UBND <b>", "text": "Kính gửi bà <Mai>.", "effective_on": "45/9/2019", "key": "k7"}
    wrong = await official.post(REPLY, data=filled)
    assert wrong.status_code == 422 and "không phải là ngày" in wrong.text
    english = await official.post(REPLY, data=filled | switch_of(wrong, "en"))
    assert english.status_code == 200 and '<html lang="en">' in english.text
    assert COOKIE_OF_LANGUAGE + "=en" in english.headers["set-cookie"]
    typed = typed_back(english)
    assert (typed["text"], typed["key"]) == (filled["text"], filled["key"])
    assert 'value="4/TL-UBND &lt;b&gt;"' in english.text and 'value="45/9/2019"' in english.text
    # Nothing was sent, and the language is kept.
    assert stub.sent == []
    assert '<html lang="en">' in (await official.get(REPLY)).text
    assert '<html lang="vi">' in (await official.post(REPLY, data=filled | switch_of(english, "vi"))).text


async def test_form__complete_and_asked_for_in_another_language_is_not_sent(
    official: httpx.AsyncClient, stub: StubIntake
) -> None:
    page = await official.get(REPLY)
    filled = {"number": "4/TL", "text": "Trả lời", "effective_on": "2/10/2019", "digest": "a" * 64, "key": "k8"}
    await official.post(REPLY, data=filled | switch_of(page, "en"))
    assert stub.sent == []


async def test_form__that_intake_cannot_take_now_gives_back_what_was_typed(
    official: httpx.AsyncClient, stub: StubIntake
) -> None:
    filled = {"number": "4/TL-UBND", "text": "Kính gửi bà <Mai>.", "effective_on": "2/10/2019", "key": "k9"}
    file = {"digest_file": ("t.pdf", b"%PDF" + b"x" * 600_000, "application/pdf")}
    stub.refused["WrittenReplyIssued"] = problem_text(409, "no-reply-owed", "Chưa đến lượt.", "Not yet.")
    refused = await official.post(REPLY, data=filled, files=file)
    assert refused.status_code == 409 and "Chưa đến lượt." in refused.text
    assert typed_back(refused) == filled
    english = await official.post(REPLY, data=typed_back(refused) | switch_of(refused, "en"))
    assert english.status_code == 409 and "Not yet." in english.text and typed_back(english) == filled
    del stub.refused["WrittenReplyIssued"]
    # Once it can be taken the form is there again, filled in, and is sent by its own button alone.
    again = await official.post(REPLY, data=typed_back(english) | {"in_language": "en"})
    assert again.status_code == 200 and typed_back(again)["text"] == filled["text"]
    assert stub.sent == []


async def test_form__of_somebody_signed_out_is_kept_in_the_other_language(browser: httpx.AsyncClient) -> None:
    page = await browser.post(NEW, data=TYPED, headers={"Sec-Fetch-Site": "same-origin"})
    english = await browser.post(
        NEW, data=typed_back(page) | switch_of(page, "en"), headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert english.status_code == 401 and '<html lang="en">' in english.text
    assert typed_back(english) == typed_back(page)


async def test_form__of_another_page_stays_open_beside_the_other_language(browser: httpx.AsyncClient) -> None:
    page = await browser.post(NEW, data=TYPED, headers={"Sec-Fetch-Site": "cross-site"})
    assert re.search(r'<a href="/language/en[^>]*target="_blank"', page.text)


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


def part(text: bytes, head: str = "") -> bytes:
    """A multipart form of one part."""
    disposition = f'Content-Disposition: form-data; name="token"\r\n{head}\r\n'.encode()
    return b"--x\r\n" + disposition + text + b"\r\n--x--\r\n"


UNREADABLE = [
    part(b"a", "Content-Type: text/plain; charset=nonsense\r\n"),
    part(b"\xff\xfe", "Content-Type: text/plain; charset=utf-16\r\n"),
    part(b"\xff\xfe"),
    part(b"a")[:-5],
    part(b"a")[:-6] * 2000,
    b"",
]
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x", "Accept": "*/*"}


async def answer_to(
    client: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str] = MULTIPART
) -> dict[str, Any]:
    answer = await client.post(path, content=body, headers=headers)
    return {"status": answer.status_code, **answer.json()}


@pytest.mark.parametrize("body", UNREADABLE)
async def test_form__that_cannot_be_read_is_refused_with_a_remedy(
    browser: httpx.AsyncClient, official: httpx.AsyncClient, body: bytes
) -> None:
    # Of strangers nothing is read but what may come back to them.
    assert (await answer_to(browser, NEW, body))["status"] == 401
    login = await answer_to(browser, LOGIN, body)
    assert (login["status"], login["type"]) == (415, "urn:doithoai:problem:unsupported-media-type")
    assert "application/x-www-form-urlencoded" in login["translations"]["vi"]["detail"]
    found = await answer_to(official, REPLY, body)
    assert (found["status"], found["type"]) == (400, "urn:doithoai:problem:malformed-form")
    assert found["translations"]["vi"]["detail"] != found["translations"]["en"]["detail"] != ""
    nowhere = await answer_to(official, REPLY, body, MULTIPART | {"Content-Type": "multipart/form-data"})
    assert (nowhere["type"], nowhere["field"]) == ("urn:doithoai:problem:malformed-form", "Content-Type")
    browser.cookies.set(COOKIE, TOKEN)
    assert (await browser.post("/office/logout", content=body, headers=MULTIPART)).status_code == 303


async def test_form__that_is_not_utf_8_is_refused(browser: httpx.AsyncClient, official: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"token=%ff", b"token=\xff", b"%ff=1", b"token=%"):
        assert (await browser.post(LOGIN, content=body, headers=headers)).status_code == 400
        assert (await official.post(REPLY, content=body, headers=headers)).status_code == 400


async def test_sign_in__takes_a_token_and_no_more(browser: httpx.AsyncClient) -> None:
    page = await browser.post(LOGIN, data={"token": "x" * 9000})
    assert page.status_code == 413 and "8192 byte" in page.text
    page = await browser.post(LOGIN, data={str(n): "" for n in range(700)})
    assert page.status_code == 400 and "quá 600 trường" in page.text


@pytest.mark.parametrize("key", ["k\r\nX: y", "k\n", " k", "k ", "\tk", "k\0", "\x7f", "k" * 201, "Đơn-1"])
async def test_form__with_a_key_that_is_no_header_is_refused(official: httpx.AsyncClient, key: str) -> None:
    answer = await official.post(REPLY, data=TYPED | {"key": key}, headers={"Accept": "*/*"})
    assert (answer.status_code, answer.json()["field"]) == (400, "key")
    assert answer.json()["type"] == "urn:doithoai:problem:invalid-idempotency-key"


async def test_form__of_many_fields_is_not_given_back(browser: httpx.AsyncClient) -> None:
    many = "&".join(f"{n:x}=1" for n in range(30_000)).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    page = await browser.post(NEW, content=many, headers=form)
    assert page.status_code == 401 and len(page.content) < 25_000


async def test_sign_in__is_for_our_own_page_alone(browser: httpx.AsyncClient) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        page = await browser.post(LOGIN, data={"token": TOKEN}, headers=headers)
        assert (page.status_code, page.headers.get("set-cookie")) == (403, None)
        assert TOKEN not in page.text
    for headers in ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": f"http://{HOST}"}, {}):
        page = await browser.post(LOGIN, data={"token": TOKEN}, headers=headers)
        assert page.status_code == 303
        assert COOKIE in page.headers["set-cookie"]


async def test_sign_in__leads_back_to_the_page_that_was_asked_for(browser: httpx.AsyncClient) -> None:
    case = f"/cases/{derived_id('place', 'H35.10')}"
    asked = await browser.get(case)
    assert (asked.status_code, asked.headers["location"]) == (303, f"{LOGIN}?to={quote(case, safe='')}")
    assert (await browser.get("/")).headers["location"] == LOGIN
    page = await browser.get(asked.headers["location"])
    to = typed_back(page)["to"]
    assert to == case
    wrong = await browser.post(LOGIN, data={"token": "dt_wrong", "to": to})
    assert wrong.status_code == 401 and typed_back(wrong)["to"] == case
    assert (await browser.post(LOGIN, data={"token": TOKEN, "to": to})).headers["location"] == case
    for hostile in ("//evil.example", "https://evil.example", "/\\evil.example", ""):
        page = await browser.get(LOGIN, params={"to": hostile})
        assert typed_back(page)["to"] == "/"
        answer = await browser.post(LOGIN, data={"token": TOKEN, "to": hostile})
        assert answer.headers["location"] == "/"


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


async def test_form__of_a_post_is_not_there_while_intake_is_away(official: httpx.AsyncClient) -> None:
    page = await official.get(
        f"/people/local/posts/{derived_id('post', 'a')}/PostEnded", headers={"Accept": "text/html"}
    )
    assert page.status_code == 503 and "Nguồn local không được đọc ở đây" in page.text


async def test_task__with_the_size_of_a_file_that_is_none_is_sent_without_it(official: httpx.AsyncClient) -> None:
    slip = {
        "text": "Cầu hỏng.", "subject": "Sửa cầu", "field": "giao thông", "jurisdiction": "H35.10",
        "key": "k2", "speaker": "4",
        "attachment": "a" * 64, "attachment.media_type": "application/pdf", "attachment.size": "9" * 5000,
    }  # fmt: skip
    answer = await official.post(f"/cases/{derived_id('conference', 'c')}/do/slip", data=slip)
    assert answer.status_code == 422 and "Giá trị không dùng được." in answer.text


async def test_page__leads_to_the_sign_in_however_often_strangers_of_the_address_call(dsn: str) -> None:
    callers = Callers((ENTRY,), local_allowed=False, cookies=True, refused=RefusedCalls(lambda: 0.0), rate=1)
    async with (
        running(FollowupSettings(database_url=dsn, migrate=False, sources=""), callers) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}") as client,
    ):
        assert 429 in {(await client.get("/v1/deadlines")).status_code for _ in range(3 * WINDOW)}
        pages = [await client.get("/", headers={"Accept": "text/html"}) for _ in range(3 * WINDOW)]
    assert {(page.status_code, page.headers["location"]) for page in pages} == {(303, LOGIN)}
