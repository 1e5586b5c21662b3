"""The console under a path of a host that it shares: every address that it gives is one under that path."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

from tests.support.desk import OWN, desk_at, form_token
from tests.support.intake import DISTRICT
from tests.support.postgres import TestServer
from tests.support.provider import AUDIENCE, signing

CLERK = "0c5a77e2-clerk"
PREFIX = "/doithoai"
ADDRESS = re.compile(r'\s(?:href|action|formaction|src)="([^"]*)"')
TEMPLATES = Path(__file__).resolve().parents[3] / "services" / "followup" / "console" / "templates"


def foreign(page: str) -> list[str]:
    """The addresses in a page that lead out of the console."""
    return [to for to in ADDRESS.findall(page) if to.startswith("/") and not to.startswith(f"{PREFIX}/")]


async def test_console__under_a_path_from_the_sign_in_to_a_receipt_and_out(
    placed: str, pg_server: TestServer, tmp_path: Path
) -> None:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    async with signing() as signer:
        public = f"http://127.0.0.1{PREFIX}"
        async with desk_at(placed, dsn, tmp_path, signer.issuer, AUDIENCE, public) as desk, desk.browser() as browser:
            await desk.granted(CLERK, "office")
            led = await browser.get(f"{PREFIX}/cases")
            assert led.headers["location"] == f"{PREFIX}/office/login?to=%2Fcases"
            page = await browser.get(led.headers["location"])
            (start,) = re.findall(r'href="([^"]*sign-in[^"]*)"', page.text)
            address = (await browser.get(start)).headers["location"]
            asked = parse_qs(urlsplit(address).query)
            assert asked["redirect_uri"] == [f"{public}/office/callback"]
            sent = {"state": asked["state"][0], "code": signer.code_for(CLERK, address), "iss": signer.issuer}
            done = await browser.get(f"{PREFIX}/office/callback", params=sent)
            assert done.headers["location"] == f"{PREFIX}/cases"
            languages = list[str]()
            for path in (
                "",
                "cases",
                "office/posts",
                f"jurisdictions/{DISTRICT}",
                f"jurisdictions/{DISTRICT}/do/receive",
            ):
                page = await browser.get(f"{PREFIX}/{path}")
                assert (page.status_code, foreign(page.text)) == (200, []), path
                languages = languages or [to for to in ADDRESS.findall(page.text) if "/language/" in to]
            back = await browser.get(languages[0])
            assert back.headers["location"] == f"{PREFIX}/"
            (to,) = re.findall(r'<form id="form" method="post" action="([^"]*)"', page.text)
            filled = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
            filled |= {
                "text": "Rác ở chợ chưa thu gom.",
                "subject": "Rác ở chợ",
                "field": "môi trường",
                "kind": "petition",
                "jurisdiction": DISTRICT,
            }
            received = await browser.post(urljoin(public, to), data=filled, headers=OWN)
            assert received.status_code in (200, 303), received.text
            assert foreign(received.text) == []
            described = await browser.get(f"{PREFIX}/schema/openapi.json", headers={"Accept": "application/json"})
            assert described.json()["servers"] == [{"url": PREFIX}]
            out = await browser.post(f"{PREFIX}/office/logout", data={"form_token": form_token(page)}, headers=OWN)
            assert out.headers["location"] == f"{PREFIX}/office/login?out=1"


def test_templates__have_addresses_of_our_own_where_the_prefix_is_put() -> None:
    put = re.compile(r'\s(?:href|action|formaction|src)="$')
    for template in TEMPLATES.glob("*.html"):
        text = template.read_text("utf-8")
        for found in re.finditer(r'="(?=/[a-z])', text):
            assert put.search(text[: found.end()]), f"{template.name}: {text[found.start() - 20 : found.end() + 20]!r}"
