"""Signing in to the console at a provider: sessions, posts, the person's own token, forms of one's own, signing out."""

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.followup.adapters import sessions
from services.followup.adapters.sessions import RENEWED_AT_ONCE, SessionSeals, SessionTokens, StoredSessions
from shared.http.provider import ProviderAway
from tests.support.desk import COOKIE, OWN, PeopleDesk, desk_at, form_token
from tests.support.following import projection_pool
from tests.support.intake import COMMUNE
from tests.support.postgres import TestServer
from tests.support.provider import AUDIENCE, Signer, signing
from tests.support.waiting import until

CLERK, OTHER = "0c5a77e2-clerk", "77aa-other"


class SignedDesk:
    """The desk with the signer at which its people sign in."""

    def __init__(self, desk: PeopleDesk, signer: Signer) -> None:
        self.signer, self.intake, self.admin = signer, desk.intake, desk.admin
        self.browser, self.granted, self.sql = desk.browser, desk.granted, desk.sql

    @contextlib.asynccontextmanager
    async def signed_in(self, subject: str, to: str = "/") -> AsyncIterator[httpx.AsyncClient]:
        """A browser of somebody who signed in."""
        async with self.browser() as browser:
            await self.sign_in(browser, subject, to)
            yield browser

    async def sign_in(self, browser: httpx.AsyncClient, subject: str, to: str = "/") -> httpx.Response:
        begun = await browser.get("/office/sign-in", params={"to": to})
        assert begun.status_code == 303, begun.text
        address = begun.headers["location"]
        state = parse_qs(urlsplit(address).query)["state"][0]
        code = self.signer.code_for(subject, address)
        done = await browser.get("/office/callback", params={"state": state, "code": code, "iss": self.signer.issuer})
        assert (done.status_code, done.headers["location"]) == (303, to), done.text
        return done


@pytest.fixture
async def desk(placed: str, pg_server: TestServer, tmp_path: Path) -> AsyncIterator[SignedDesk]:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    async with signing() as signer, desk_at(placed, dsn, tmp_path, signer.issuer, AUDIENCE) as desk:
        yield SignedDesk(desk, signer)


async def test_stranger__is_led_to_the_provider_and_back_to_the_page(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.browser() as browser:
        led = await browser.get("/cases?state=open")
        assert (led.status_code, led.headers["location"][:16]) == (303, "/office/login?to")
        page = await browser.get(led.headers["location"])
        assert 'href="/office/sign-in?to=' in page.text
        await desk.sign_in(browser, CLERK, "/cases")
        shown = await browser.get("/cases")
        assert (shown.status_code, "Lò Thị Mai" in shown.text) == (200, True)


async def test_cookie__is_kept_as_its_hash_and_the_tokens_sealed(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.browser() as browser:
        done = await desk.sign_in(browser, CLERK)
        (set_cookie,) = [c for c in done.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}=")]
        assert {"httponly", "path=/", "samesite=lax"} <= {part.strip().lower() for part in set_cookie.split(";")}
        (row,) = await desk.sql("SELECT * FROM public.sessions")
        stored = b" ".join(bytes(value) for value in row.values() if isinstance(value, bytes))
        assert browser.cookies[COOKIE].encode() not in stored
        assert b"eyJ" not in stored
        assert row["subject"] == CLERK


async def test_sign_in__makes_a_new_session_and_ends_the_one_before(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.signed_in(CLERK) as browser:
        before = browser.cookies[COOKIE]
        await desk.sign_in(browser, CLERK)
        assert browser.cookies[COOKIE] != before
        async with desk.browser() as old:
            old.cookies.set(COOKIE, before)
            assert (await old.get("/")).status_code == 303


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "x"},
        {"code": "x"},
        {"code": ""},
        {"error": "access_denied"},
        {"iss": "https://elsewhere.example"},
    ],
)
async def test_way_back__that_nobody_began_here_signs_nobody_in(desk: SignedDesk, changed: dict[str, str]) -> None:
    async with desk.browser() as browser:
        address = (await browser.get("/office/sign-in")).headers["location"]
        state = parse_qs(urlsplit(address).query)["state"][0]
        sent = {"state": state, "code": desk.signer.code_for(CLERK, address)} | changed
        answer = await browser.get("/office/callback", params=sent)
        assert (answer.status_code, COOKIE in browser.cookies) == (401, False)
    async with desk.browser() as another:  # a code that somebody else brought
        answer = await another.get("/office/callback", params={"state": state, "code": "x"})
        assert answer.status_code == 401


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x"])
async def test_way_back__leads_to_own_pages_alone(desk: SignedDesk, to: str) -> None:
    async with desk.browser() as browser:
        address = (await browser.get("/office/sign-in", params={"to": to})).headers["location"]
        state = parse_qs(urlsplit(address).query)["state"][0]
        sent = {"state": state, "code": desk.signer.code_for(CLERK, address)}
        assert (await browser.get("/office/callback", params=sent)).headers["location"] == "/"


@pytest.mark.parametrize("ended", ["seen = now() - interval '31 minutes'", "expires = now()", "revoked = now()"])
async def test_session__ends(desk: SignedDesk, ended: str) -> None:
    await desk.granted(CLERK, "office")
    async with desk.signed_in(CLERK) as browser:
        assert (await browser.get("/")).status_code == 200
        await desk.sql(f"UPDATE public.sessions SET {ended}")
        assert (await browser.get("/")).headers.get("location", "").startswith("/office/login")


async def test_session__that_is_used_goes_on_for_ten_hours(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.signed_in(CLERK) as browser:
        await desk.sql("UPDATE public.sessions SET seen = now() - interval '29 minutes'")
        assert (await browser.get("/")).status_code == 200
        (row,) = await desk.sql("SELECT now() - seen AS idle, expires - created AS whole FROM public.sessions")
        assert (row["idle"].total_seconds() < 60, round(row["whole"].total_seconds())) == (True, 36000)


async def test_act__goes_to_intake_with_the_persons_own_token_and_post(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    await desk.granted(CLERK, "auditor", position="Thanh tra")
    petition = (
        await desk.intake.post(
            "/v1/petitions", {"jurisdiction": COMMUNE, "text": "Đường"}, token=desk.signer.token(OTHER)
        )
    ).status_code
    assert petition == 403
    async with desk.signed_in(CLERK) as browser:
        led = await browser.get("/")
        assert led.headers["location"].startswith("/office/posts")
        page = await browser.get("/office/posts")
        (chosen,) = re.findall(r'name="post" value="([^"]+)">\s*<p><strong>Chuyên viên', page.text)
        sent = {"post": chosen, "form_token": form_token(page)}
        assert (await browser.post("/office/posts", data=sent, headers=OWN)).status_code == 303

        async def place_is_read() -> bool:
            return (await browser.get(f"/jurisdictions/{COMMUNE}")).status_code == 200

        await until(place_is_read)
        form = f"/jurisdictions/{COMMUNE}/acts/PetitionReceived"
        token = form_token(await browser.get(form))
        typed = {
            "text": "Đường bị sạt lở.",
            "jurisdiction": COMMUNE,
            "kind": "petition",
            "channel": "post",
            "key": "k1",
        }
        for wrong in ({}, {"form_token": "0" * 64}):
            refused = await browser.post(form, data=typed | wrong, headers=OWN)
            assert (refused.status_code, "sạt lở" in refused.text, "Gửi lại" in refused.text) == (403, True, True)
        foreign = await browser.post(form, data=typed | {"form_token": token}, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        assert await desk.intake.rows("SELECT 1 FROM stored_events WHERE topic = 'PetitionReceived'") == []
        done = await browser.post(form, data=typed | {"form_token": token}, headers=OWN)
        assert done.status_code == 303, done.text[done.text.index("Chưa ghi nhận") :][:600]
    (row,) = await desk.intake.rows("SELECT state FROM stored_events WHERE topic = 'PetitionReceived'")
    assert (f'"on_behalf_of":"{CLERK}"' in row["state"].decode(), chosen in row["state"].decode()) == (True, True)


async def test_form_of_an_ended_session__is_sent_again_at_once_and_asks_for_its_file(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    form = f"/jurisdictions/{COMMUNE}/acts/PetitionReceived"
    typed = {"text": "Đường bị sạt lở.", "jurisdiction": COMMUNE, "kind": "petition", "channel": "post", "key": "k1"}
    async with desk.signed_in(CLERK) as browser:

        async def place_is_read() -> bool:
            return (await browser.get(form)).status_code == 200

        await until(place_is_read)
        old = {"form_token": form_token(await browser.get(form))}
        await desk.sql("UPDATE public.sessions SET revoked = now()")
        scan = {"digest_file": ("don.pdf", b"%PDF-1.4", "application/pdf")}
        page = await browser.post(form, data=typed | old, files=scan, headers=OWN)
        assert (page.status_code, "sạt lở" in page.text) == (401, True)
        assert "Tệp không giữ lại được" in page.text and re.search(
            r'type="file"[^>]* name="digest_file" required', page.text
        )
        page = await browser.post(form, data=typed | old, headers=OWN)
        assert "Tệp không giữ lại được" not in page.text
        carried = form_token(page)
        await desk.sign_in(browser, CLERK)
        for wrong in ("0" * 64, old["form_token"]):
            refused = await browser.post(form, data=typed | {"form_token": wrong}, headers=OWN)
            assert refused.status_code == 403
        async with desk.signed_in(CLERK) as stranger:  # who has not the cookie has not the form either
            sent = await stranger.post(form, data=typed | {"form_token": carried}, headers=OWN)
            assert sent.status_code == 403
        done = await browser.post(form, data=typed | {"form_token": carried}, headers=OWN)
        assert done.status_code == 303, done.text


async def test_post__that_is_ended_shuts_out_within_seconds(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.signed_in(CLERK) as browser:
        assert (await browser.get("/")).status_code == 200
        (person,) = (await desk.intake.get("/v1/people", token=desk.admin)).json()["items"]
        ending = f"/v1/posts/{person['posts'][0]['id']}/ending"
        assert (await desk.intake.post(ending, {}, token=desk.admin)).status_code == 201

        async def is_out() -> bool:
            return (await browser.get("/")).headers.get("location", "").startswith("/office/posts")

        await until(is_out)
        assert f"<code>{CLERK}</code>" in (await browser.get("/office/posts")).text  # what the administrator asks for


async def test_record__names_who_made_it_and_shows_no_identifier(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    await desk.granted(OTHER, "office", name="Vàng A Sình")
    desk.intake.client.headers["Authorization"] = f"Bearer {desk.signer.token(CLERK)}"
    conference = await desk.intake.conference()
    await desk.intake.done(f"/v1/conferences/{conference}/secretary", {"name": "Thư ký"})
    await desk.intake.done(f"/v1/conferences/{conference}/speakers", {"speaker": "1", "name": "Lù Thị Hoa"})
    case = f"/cases/{conference}"
    async with desk.signed_in(CLERK) as one, desk.signed_in(OTHER) as two:

        async def is_read() -> bool:
            return "data-number" in (await one.get(f"{case}/hall")).text

        await until(is_read)
        answers = []
        for browser in (one, two):
            line = {"kind": "conduct", "speaker": "1", "words": "Đường hỏng.", "key": f"k{len(answers)}"}
            token = {"form_token": form_token(await browser.get(f"{case}/hall"))}
            accept = {"Accept": "application/json"}
            answers.append(await browser.post(f"{case}/hall", data=line | token, headers=OWN | accept))
        assert answers[0].status_code == 200, answers[0].text
        assert answers[1].json()["theirs"] == {"person": "Lò Thị Mai", "words": "Đường hỏng."}
        history = (await two.get(case)).text.partition('class="timeline"')[2]
        assert "<dd>Huyện Tam Đường</dd>" in history and "<dd>H35.10</dd>" not in history
        assert "Lò Thị Mai, Chuyên viên" in history and CLERK not in history and "person:" not in history


async def test_people__are_named_where_something_is_done_to_them(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "admin", position="Quản trị viên")
    day = (await desk.intake.get("/v1/clock")).json()["today"]
    later = (date.fromisoformat(day) + timedelta(days=3)).isoformat()
    await desk.granted(OTHER, "office", name="Vàng A Sình", position="Phó Chủ tịch", valid_from=later)
    async with desk.signed_in(CLERK) as browser:

        async def place_is_read() -> bool:
            return "Giao vị trí công tác" in (await browser.get("/people")).text

        await until(place_is_read)
        people = (await browser.get("/people")).text
        assert "<strong>Lò Thị Mai</strong> · Quản trị viên · " in people
        assert f"từ ngày {later[8:]}/{later[5:7]}/{later[:4]}" in people and "không còn<" not in people
        ending, erasing = (
            next(
                each
                for each in re.findall(r'href="(/people/[^"]+)"', people[people.index("Vàng A Sình") :])
                if w in each
            )
            for w in ("PostAnnulled", "PersonNameErased")
        )
        form = (await browser.get(ending)).text
        assert "Vàng A Sình" in form and "Phó Chủ tịch · " in form
        granting = re.findall(r'href="([^"]+/acts/PostGranted)"', people)[0]
        assert (
            'href="/people">Thôi' in (await browser.get(granting)).text
        )  # the place's own page is not an administrator's
        token = {"form_token": form_token(await browser.get(erasing)), "key": "k1"}
        asked = await browser.post(erasing, data=token, headers=OWN)
        assert (asked.status_code, "Xác nhận" in asked.text, "Vàng A Sình" in asked.text) == (200, True, True)
        assert "Vàng A Sình" in (await browser.get("/people")).text
        done = await browser.post(erasing, data=token | {"confirmed": "yes"}, headers=OWN)
        assert (done.status_code, "Vàng A Sình" in (await browser.get("/people")).text) == (303, False)
        again = await browser.post(erasing, data=token | {"confirmed": "yes", "key": "k2"}, headers=OWN)
        assert again.status_code == 404 and "Người dùng này không còn họ tên" in again.text


async def test_delegation__is_offered_for_posts_that_may_deputise_alone(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "chair", position="Chủ tịch")
    await desk.granted(OTHER, "office", name="Vàng A Sình", position="Phó Chủ tịch")
    async with desk.signed_in(CLERK) as browser:

        async def is_offered() -> bool:
            return "/DelegationGranted" in (await browser.get("/people")).text

        await until(is_offered)
        people = (await browser.get("/people")).text
    assert people.count("/DelegationGranted") == 1
    assert people.index("Vàng A Sình") < people.index("/DelegationGranted")


async def test_access_token__is_renewed_once_and_kept(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    desk.signer.life = 30  # less than the margin: each page renews it
    async with desk.signed_in(CLERK) as browser:
        for _ in range(3):
            assert (await browser.get("/")).status_code == 200
        assert len(desk.signer.renewable) == 1
        desk.signer.renewable.clear()
        desk.signer.life = 0
        assert (await browser.get("/")).status_code == 200  # the one that is there lives on
        await desk.sql("UPDATE public.sessions SET seen = now()")


@pytest.mark.parametrize("kind", ["opaque", "of another audience"])
async def test_token__that_intake_does_not_take_is_told_and_leads_into_no_circle(
    desk: SignedDesk, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    await desk.granted(CLERK, "office")
    made = desk.signer.token

    def token(subject: str, **claims: Any) -> str:
        if "header" in claims:  # the identity token, which is for the console
            return made(subject, **claims)
        return "opaque" if kind == "opaque" else made(subject, **claims | {"aud": "another"})

    monkeypatch.setattr(desk.signer, "token", token)
    async with desk.signed_in(CLERK) as browser:
        page = await browser.get("/cases")
        assert page.status_code == 401 and "location" not in page.headers
        assert "báo người vận hành hệ thống" in page.text and "audience" in page.text
        assert "Chưa ghi nhận" not in page.text and 'href="/office/login"' in page.text


async def test_session__that_the_provider_renews_no_longer_ends(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    desk.signer.life = 0
    async with desk.signed_in(CLERK) as browser:
        desk.signer.renewable.clear()
        assert (await browser.get("/")).headers.get("location", "").startswith("/office/login")
        assert [row["revoked"] is not None for row in await desk.sql("SELECT revoked FROM public.sessions")] == [True]


async def test_sign_out_again__is_written_again(desk: SignedDesk) -> None:
    """The first may have been answered by nobody, and be on one disk alone."""
    rows = "SELECT revoked, xmin::text FROM public.sessions"
    async with desk.signed_in(CLERK) as browser:
        page = await browser.get("/office/posts")
        cookie = dict(browser.cookies)
        await browser.post("/office/logout", data={"form_token": form_token(page)}, headers=OWN)
        (first,) = await desk.sql(rows)
        browser.cookies.update(cookie)
        again = await browser.post("/office/logout", data={"form_token": form_token(page)}, headers=OWN)
        (second,) = await desk.sql(rows)
        assert (again.status_code, second["revoked"]) == (303, first["revoked"])
        assert second["xmin"] != first["xmin"], "its commit waits for the one before it"


async def test_sign_out__ends_this_session_or_all(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.signed_in(CLERK) as one, desk.signed_in(CLERK) as two, desk.signed_in(CLERK) as three:
        page = await one.get("/office/posts")
        unproven = await one.post("/office/logout", data={"form_token": "x"}, headers=OWN)
        assert unproven.status_code == 403
        out = await one.post("/office/logout", data={"form_token": form_token(page)}, headers=OWN)
        assert (out.status_code, len(desk.signer.revoked)) == (303, 1)
        assert ((await one.get("/")).status_code, (await two.get("/")).status_code) == (303, 200)
        page = await two.get("/office/posts")
        await two.post("/office/logout-everywhere", data={"form_token": form_token(page)}, headers=OWN)
        assert ((await two.get("/")).status_code, (await three.get("/")).status_code) == (303, 303)


async def test_static_token__signs_nobody_in_where_a_provider_is_set(desk: SignedDesk) -> None:
    async with desk.browser() as browser:
        assert (await browser.post("/office/login", data={"token": desk.admin}, headers=OWN)).status_code == 405
        browser.cookies.set("doithoai_token", desk.admin)
        assert (await browser.get("/")).status_code == 303


async def test_sessions__of_long_ago_are_forgotten(desk: SignedDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.signed_in(CLERK):
        await desk.sql("UPDATE public.sessions SET expires = now() - interval '25 hours'")
    async with desk.signed_in(CLERK):
        assert len(await desk.sql("SELECT 1 FROM public.sessions WHERE subject <> '' OR tokens <> ''")) == 1


async def test_renewals__that_take_long_leave_connections_to_others(
    pg_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    async with projection_pool(dsn) as pool, contextlib.AsyncExitStack() as held:
        stored = StoredSessions(pool, SessionSeals(bytes(32)))
        tokens = SessionTokens("access", 0.0)
        cookies = [await stored.begin(f"{n}", "", tokens) for n in range(RENEWED_AT_ONCE + 1)]
        found = [session for cookie in cookies if (session := await stored.find(cookie)) is not None]
        for session in found[:-1]:
            assert not stored.are_many_renewed
            assert await held.enter_async_context(stored.renewing(session)) is not None
        assert stored.are_many_renewed
        monkeypatch.setattr(sessions, "PATIENCE", 0.0)
        with pytest.raises(ProviderAway):
            await held.enter_async_context(stored.renewing(found[-1]))
        assert await stored.find(cookies[-1]) is not None
        await held.aclose()
        monkeypatch.undo()
        assert await held.enter_async_context(stored.renewing(found[-1])) is not None
