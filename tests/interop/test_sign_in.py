"""Signing in at a provider that others made: oidc-provider, as a browser meets it, with rotating tokens to renew."""

import contextlib
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from services.dev.rabbitmq import free_ports
from tests.support.desk import OWN, PeopleDesk, desk_at, form_token
from tests.support.interop import NODE_FOLDER, node
from tests.support.postgres import TestServer
from tests.support.waiting import until

SCRIPT = Path(__file__).parent / "node" / "provider.mjs"
AUDIENCE = "https://doithoai.example"
CLERK = "0c5a77e2"


@contextlib.contextmanager
def provider(life: int) -> Iterator[str]:
    """The provider until the block ends; its issuer. Its access tokens live for some seconds."""
    (port,) = free_ports(1)
    program = [str(node() / "node"), str(SCRIPT), str(port), "http://127.0.0.1/office/callback", AUDIENCE]
    environment = {**os.environ, "TOKEN_LIFE": str(life)}
    with subprocess.Popen(
        program, cwd=NODE_FOLDER, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        try:
            assert started.stdout is not None
            assert "listening" in started.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            started.kill()


@pytest.fixture
async def desk(placed: str, pg_server: TestServer, tmp_path: Path) -> AsyncIterator[PeopleDesk]:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    # Shorter than the margin before its end at which a token is renewed: every page renews it.
    with provider(life=50) as issuer:
        async with desk_at(placed, dsn, tmp_path, issuer, AUDIENCE) as desk:
            yield desk


async def signed_in_at_the_provider(address: str, login: str) -> str:
    """Go through the pages of the provider as a person does, up to the way back; that address."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(address)
        for _ in range(12):
            if answer.is_redirect:
                onward = urljoin(str(answer.url), answer.headers["location"])
                if onward.startswith("http://127.0.0.1/office/callback"):
                    return onward
                answer = await browser.get(onward)
                continue
            form = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', answer.text, re.DOTALL)
            assert form is not None, answer.text
            sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[2]))
            if 'name="login"' in form[2]:
                sent |= {"login": login, "password": "x"}
            answer = await browser.post(urljoin(str(answer.url), unescape(form[1])), data=sent)
    raise AssertionError("the provider leads nowhere")


async def test_sign_in__at_a_provider_of_others_from_the_page_to_intake_and_out(desk: PeopleDesk) -> None:
    await desk.granted(CLERK, "office")
    async with desk.browser() as browser:
        begun = await browser.get("/office/sign-in", params={"to": "/cases"})
        back = await signed_in_at_the_provider(begun.headers["location"], CLERK)
        done = await browser.get(back)
        assert (done.status_code, done.headers["location"]) == (303, "/cases"), done.text
        for _ in range(3):  # each renews the token, and the provider takes each of these once
            shown = await browser.get("/cases")
            assert (shown.status_code, "Lò Thị Mai" in shown.text) == (200, True)
        again = await browser.get(back)  # a code is good for once, and its way back too
        assert again.status_code == 401
        page = await browser.get("/office/posts")
        out = await browser.post("/office/logout", data={"form_token": form_token(page)}, headers=OWN)
        assert out.status_code == 303
        assert (await browser.get("/cases")).status_code == 303

    async def recorded() -> bool:
        return bool(await desk.sql("SELECT 1 FROM public.sessions WHERE revoked IS NOT NULL"))

    await until(recorded)
