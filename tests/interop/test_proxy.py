"""The console in a real browser behind Debian's nginx as it is shipped: TLS, and a path of a host that others share."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from services.dev.rabbitmq import free_ports
from tests.support.browser import browser
from tests.support.nginx import listens, nginx, proxying
from tests.support.office import DISTRICT, bearer
from tests.support.pair import until
from tests.support.postgres import TestServer
from tests.support.told import ToldPair, told

MOST = 120  # pages that are opened


class Proxied:
    """The pair, its address outside, and a browser."""

    def __init__(self, pair: ToldPair, url: str, chrome: Any) -> None:
        self.pair, self.url, self.chrome = pair, url, chrome

    def signed_in(self, role: str) -> Any:
        """The page of a browser in which a role has signed in at `…/doithoai`."""
        context = self.chrome.new_context(ignore_https_errors=True, base_url=f"{self.url}/doithoai/", locale="vi-VN")
        page = context.new_page()
        page.goto("")
        assert page.url == f"{self.url}/doithoai/office/login"
        page.fill("#token", self.pair.tokens[role])
        page.click("main button")
        page.wait_for_url(f"{self.url}/doithoai/")
        return page


@pytest.fixture(scope="module")
def proxied(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    nginx()
    folder = tmp_path_factory.mktemp("proxy")
    plain, secure = free_ports(2)
    url = f"https://127.0.0.1:{secure}"
    with (
        told(pg_server, folder, url) as pair,
        proxying(folder / "nginx", (plain, secure), pair.intake.url, pair.followup.url),
        browser() as chrome,
    ):
        until(lambda: listens(folder / "nginx"))
        yield Proxied(pair, url, chrome)


@pytest.mark.timeout(300)
def test_pages__lead_nowhere_but_under_the_path(proxied: Proxied) -> None:
    page = proxied.signed_in("office")
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "doithoai_token"]
    assert cookie["secure"] and cookie["httpOnly"]
    to_open, opened, astray = [page.url], set[str](), list[str]()
    while to_open and len(opened) < MOST:
        at = to_open.pop(0)
        kind = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+|=[^&]*", "*", at)
        if kind in opened:
            continue
        opened.add(kind)
        answer = page.request.get(at, headers={"Accept": "text/html"})
        if answer.status != 200:
            astray.append(f"{at}: {answer.status}")
        if "text/html" not in answer.headers["content-type"]:
            continue
        for name, found in re.findall(r'\s(href|action|formaction|src)="([^"]*)"', answer.text()):
            to = urljoin(at, found.replace("&amp;", "&"))
            if urlsplit(to).netloc == urlsplit(at).netloc and not urlsplit(to).path.startswith("/doithoai/"):
                astray.append(f"{at}: {found}")
            elif name == "href" and "#" not in found:
                to_open.append(to)
    assert astray == []
    assert len(opened) > 40


@pytest.mark.timeout(120)
def test_office__receives_a_petition_and_signs_out(proxied: Proxied) -> None:
    page = proxied.signed_in("office")
    page.goto(f"jurisdictions/{DISTRICT}/do/receive")
    page.fill("[name=text]", "Rác ở chợ ba ngày mới thu gom một lần.")
    page.fill("[name=subject]", "Rác ở chợ trung tâm")
    field = page.locator("[name=field]")
    if field.evaluate("e => e.tagName") == "SELECT":
        field.select_option(index=1)
    else:
        field.fill("môi trường")
    with page.expect_navigation():
        page.click("#form .buttons button")
    assert page.url.startswith(f"{proxied.url}/doithoai/cases/"), page.inner_text("main")
    with page.expect_navigation():
        page.click("a[hreflang=en]")
    assert page.url.startswith(f"{proxied.url}/doithoai/cases/")
    assert page.get_attribute("html", "lang") == "en"
    with page.expect_navigation():
        page.click("form[action='/doithoai/office/logout'] button")
    assert page.url == f"{proxied.url}/doithoai/office/login"


@pytest.mark.timeout(120)
def test_hall__sends_its_lines_under_the_path(proxied: Proxied) -> None:
    page = proxied.signed_in("office")
    page.goto("conferences")
    links = page.eval_on_selector_all("a[href*='/cases/']", "all => all.map(each => each.href)")
    for link in links:
        page.goto(link)
        if page.locator("a[href$='/hall']").count():
            break
    page.click("a[href$='/hall']")
    # The page asks by itself what others recorded.
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch", timeout=15_000) as asked:
        pass
    assert urlsplit(asked.value.url).path.startswith("/doithoai/cases/")
    assert asked.value.status == 200


def test_edge__redirects_to_tls_hides_the_figures_and_guards_forms(proxied: Proxied) -> None:
    with httpx.Client(verify=False, base_url=proxied.url) as client:
        assert client.get("/").headers["location"] == f"{proxied.url}/doithoai/"
        operations = bearer(proxied.pair.tokens["operations"])
        for path in ("/doithoai/metrics", "/doithoai-intake/metrics", "/doithoai//metrics/", "/doithoai/%6detrics"):
            assert client.get(path, headers=operations).status_code == 403, path
        assert client.get("//doithoai/metrics", headers=operations).status_code in (403, 404)
        assert client.get("/metrics", headers=operations).status_code == 404
        foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
        assert client.post("/doithoai/office/login", data={"token": "x"}, headers=foreign).status_code == 403
        accepted = client.post(
            "/doithoai-intake/v1/petitions", headers=bearer(proxied.pair.tokens["teller"]),
            json={"jurisdiction": DISTRICT, "kind": "petition", "text": "Đường vào bản bị sạt lở."},
        )  # fmt: skip
        assert accepted.status_code == 201, accepted.text
        found = accepted.headers["location"]
        assert found.startswith("/doithoai-intake/v1/petitions/")
        assert client.get(found, headers=bearer(proxied.pair.tokens["teller"])).status_code == 200
