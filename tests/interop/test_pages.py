"""The console in a real browser: every form in each role and language, light and dark, three widths, axe on each page.

One pair, one browser. A page that a role meets has no violation that axe-core knows, and at 320 px nothing scrolls
sideways but what says so itself.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from services.followup.console.language import COOKIE
from shared.http.auth import Role, mint_token
from tests.support.intake import tokens_file
from tests.support.interop import NODE_FOLDER, chromium, node
from tests.support.office import AGENCIES, COMMUNE, DISTRICT
from tests.support.pair import Service, pair, until
from tests.support.postgres import TestServer

playwright = pytest.importorskip("playwright.sync_api")

WIDTHS = (320, 390, 1280)
ROLES: tuple[tuple[Role, str], ...] = (
    ("office", ""), ("chair", ""), ("agency", AGENCIES[0]), ("auditor", ""), ("operations", ""), ("system", ""),
)  # fmt: skip


class Desk:
    """A pair with tokens, an office's cases on it, and a browser."""

    def __init__(self, intake: Service, followup: Service, tokens: dict[str, str], browser: Any) -> None:
        self.intake, self.followup, self.tokens, self.browser = intake, followup, tokens, browser
        self.petitions: dict[str, str] = {}
        self.conference = ""

    def act(self, path: str, **body: Any) -> dict[str, Any]:
        """A command of the office that must be accepted."""
        with httpx.Client(verify=False) as client:
            headers = {"Authorization": f"Bearer {self.tokens['national']}"}
            answer = client.post(f"{self.intake.url}{path}", json=body, headers=headers, timeout=30)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def read(self) -> None:
        """Wait until followup has read everything."""

        def is_read() -> bool:
            headers = {"Authorization": f"Bearer {self.tokens['auditor-national']}"}
            with httpx.Client(verify=False, headers=headers) as client:
                head = client.get(f"{self.intake.url}/v1/events", params={"after": 10**9}).json
                sources = client.get(f"{self.followup.url}/v1/sources").json()["items"]
                assert head is not None
            return bool(sources) and all(s["position"] >= self._last for s in sources)

        until(is_read)

    def record(self) -> None:
        """Two cases of the district: one before its conference, one assigned after it."""
        for code, level, parent in (
            ("VN", "nation", ""),
            ("H35", "province", "VN"),
            (DISTRICT, "district", "H35"),
            (COMMUNE, "commune", DISTRICT),
        ):
            self.act(
                "/v1/jurisdictions",
                code=code,
                name=f"Địa bàn {code}",
                level=level,
                parent=parent,
                valid_from="2004-01-01",
            )
        for code in AGENCIES[:2]:
            self.act("/v1/agencies", code=code, name=f"Phòng {code}", jurisdiction=DISTRICT, valid_from="2004-01-01")
        today = date.today().isoformat()
        day = str(
            httpx.get(
                f"{self.intake.url}/v1/clock",
                headers={"Authorization": f"Bearer {self.tokens['national']}"},
                verify=False,
            )
            .json()
            .get("today", today)
        )
        self.day = day
        self.conference = str(
            self.act(
                "/v1/conferences",
                jurisdiction=DISTRICT,
                kind="periodic",
                place="Hội trường huyện",
                first_day=day,
                last_day=day,
                office=AGENCIES[0],
            )["id"]
        )
        self.act(f"/v1/conferences/{self.conference}/opening")
        for name in ("assigned", "fresh"):
            done = self.act(
                "/v1/petitions",
                jurisdiction=DISTRICT,
                kind="petition",
                text="Đường vào bản bị sạt lở từ tháng trước.",
                petitioner_ids=["p1"],
                identities={"p1": {"name": "Lò Thị Mai"}},
            )
            self.petitions[name] = str(done["id"])
            self.act(
                f"/v1/petitions/{done['id']}/classification",
                subject=f"Sửa đường liên bản số {len(self.petitions)}",
                field="giao thông",
            )
        assigned = self.petitions["assigned"]
        self.act(f"/v1/petitions/{assigned}/raising", conference_id=self.conference)
        self.act(f"/v1/conferences/{self.conference}/closing")
        self._last = self.act(f"/v1/petitions/{assigned}/assignment", agency=AGENCIES[0])["position"]

    def page(self, role: str, language: str = "vi", scheme: str = "light") -> Any:
        """A page of a browser that has signed in as a role."""
        context = self.browser.new_context(
            viewport={"width": WIDTHS[-1], "height": 900}, locale="vi-VN", color_scheme=scheme
        )
        context.add_cookies([{"name": COOKIE, "value": language, "url": self.followup.url}])
        page = context.new_page()
        page.goto(f"{self.followup.url}/office/login")
        page.fill("#token", self.tokens[role])
        page.click("main button")
        page.wait_for_url(f"{self.followup.url}/")
        return page


@pytest.fixture(scope="module")
def desk(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    node()  # brings axe-core
    folder = tmp_path_factory.mktemp("pages")
    tokens, entries = dict[str, str](), []
    callers = [(role, role, "H35", agency) for role, agency in ROLES]
    callers += [("national", "office", "VN", ""), ("auditor-national", "auditor", "VN", "")]
    for name, role, place, agency in callers:
        tokens[name], entry = mint_token(name, role, place, agency)  # type: ignore[arg-type]
        entries.append(entry)
    file = str(tokens_file(folder, *entries))
    source_token = folder / "source"
    source_token.write_text(tokens["auditor-national"])
    with pair(pg_server, folder) as made:
        # The services first: while Playwright runs, no other loop can be run in this thread.
        intake = made.intake(TOKENS_FILE=file).start()
        followup = made.followup(intake, TOKENS_FILE=file, SOURCE_TOKEN_FILE=str(source_token)).start(wait=False)
        with playwright.sync_playwright() as tool:
            browser = tool.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            found = Desk(intake, followup, tokens, browser)
            found.record()
            followup.wait_ready()
            found.read()
            yield found
            browser.close()


AXE = (NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text
FOUND = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def wrong_with(page: Any, path: str) -> list[str]:
    """What is wrong with the page that is shown, at each width: what axe-core finds, and what sticks out."""
    wrong: list[str] = []
    page.evaluate(AXE("utf-8"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(FOUND)
        wrong += [f"{width} {path}: {v['id']}: {n['html'][:160]}" for v in found for n in v["nodes"]]
        if (beyond := page.evaluate(BEYOND)) > 0:
            wrong.append(f"{width} {path}: scrolls sideways by {beyond}")
    return wrong


def addresses(desk: Desk, page: Any) -> list[str]:
    """The pages of the console that a role reaches from the first one, one of each kind."""
    found: dict[str, str] = {}
    waiting = ["/", *(f"/cases/{each}" for each in desk.petitions.values()), f"/cases/{desk.conference}"]
    while waiting:
        path = waiting.pop(0)
        kind = re.sub(
            r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d|cursor=[^&]*",
            "",
            path.partition("#")[0].partition("?deadline_id")[0].partition("?sort=")[0],
        )
        if kind in found or path.startswith(("/v1/", "/language/")):
            continue
        found[kind] = path
        page.goto(f"{desk.followup.url}{path}")
        links = page.eval_on_selector_all("a[href^='/']", "all => all.map(a => a.getAttribute('href'))")
        waiting += [each for each in links if not each.startswith("/reports/")]
    return list(found.values())


#: Pages of which a role before has seen the same.
SEEN: set[int] = set()
#: Each role in one look; the office, which sees most, in all of them.
LOOKS = (
    *(("office", language, scheme) for language in ("vi", "en") for scheme in ("light", "dark")),
    ("chair", "en", "dark"), ("agency", "vi", "dark"), ("auditor", "en", "light"), ("operations", "vi", "light"),
    ("system", "en", "dark"),
)  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("role", "language", "scheme"), LOOKS)
def test_pages__of_a_role_have_no_violation_and_fit_every_width(
    desk: Desk, role: str, language: str, scheme: str
) -> None:
    page = desk.page(role, language, scheme)
    wrong: list[str] = []
    for path in addresses(desk, page):
        page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
        answer = page.goto(f"{desk.followup.url}{path}")
        if answer.status != 200:
            wrong.append(f"{path}: {answer.status}")
        changing = r'name="key" value="[^"]*"|[0-9:]{5}, [0-9/]{10}|<div class="who">.*?</div>|/language/[^"]*'
        same = hash((scheme, re.sub(changing, "", page.content(), flags=re.DOTALL)))
        if same not in SEEN:
            SEEN.add(same)
            wrong += wrong_with(page, path)
    page.context.close()
    assert wrong == []


# --- every form ------------------------------------------------------------------------------------------------------


#: What a person fills in, each at its own id.
INPUTS = "form.form :is(input[id]:not([type=checkbox], [type=radio], [type=file]), select[id], textarea[id])"


def fill(page: Any, desk: Desk) -> None:
    """Fill in what a form asks for, as a person would; what may be empty stays so."""
    for field in page.query_selector_all(INPUTS):
        name, tag = field.get_attribute("id"), field.evaluate("e => e.tagName")
        if field.get_attribute("required") is None or field.input_value():
            continue
        if tag == "SELECT":
            values = [o.get_attribute("value") for o in field.query_selector_all("option")]
            field.select_option(next(v for v in values if v and v != AGENCIES[0]))  # no form without a choice is linked
        elif "/" in (field.get_attribute("placeholder") or ""):
            field.fill("30/12/2026" if name == "f-expected_on" else "hôm nay")
        else:
            field.fill(f"Nội dung ô {name}")


def choose_files(page: Any) -> None:
    """Choose a file wherever a form takes one; what was chosen does not come back with a refusal."""
    for field in page.query_selector_all("form.form input[type=file]"):
        field.set_input_files({"name": "van-ban.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})


def send(page: Any) -> int:
    """Send the form; the status of the page that comes of it."""
    with page.expect_navigation() as came:
        page.click("form.form .buttons button")
    return int(came.value.status)


def forms(desk: Desk, page: Any, petition: str) -> list[str]:
    page.goto(f"{desk.followup.url}/cases/{petition}")
    acts = "main a[href*='/acts/']:not([href*='deadline_id'])"
    return [str(a) for a in page.eval_on_selector_all(acts, "all => all.map(a => a.getAttribute('href'))")]


@pytest.mark.timeout(300)
def test_forms__each_is_taken_or_refused_by_intake_and_keeps_what_was_typed(desk: Desk) -> None:
    page = desk.page("office")
    page.goto(f"{desk.followup.url}/jurisdictions/{DISTRICT}/acts/PetitionReceived")
    text, name = "#f-text", "[id='f-identities.0.name']"
    page.select_option("#f-kind", "petition")
    page.fill(text, "Cầu treo bản Nà Hiềng hỏng mặt cầu.")
    page.fill(name, "Sùng A Páo")
    # No such day: refused beside its field, and everything typed stays.
    page.fill("#f-effective_on", "31/2/2026")
    assert send(page) == 422
    assert (page.input_value(text), page.input_value(name)) == ("Cầu treo bản Nà Hiềng hỏng mặt cầu.", "Sùng A Páo")
    assert page.get_attribute("#f-effective_on", "aria-invalid") == "true"
    page.fill("#f-effective_on", "")
    assert send(page) == 200, page.inner_text("main")
    assert "/cases/" in page.url
    assert "Cầu treo bản Nà Hiềng" in page.inner_text("main") and "Sùng A Páo" in page.inner_text("main")
    walked: dict[str, int] = {}
    for name in ("fresh", "assigned"):
        for path in forms(desk, page, desk.petitions[name]):
            act = path.rpartition("/")[2]
            if walked.get(act) == 200:
                continue
            if page.goto(f"{desk.followup.url}{path}").status == 409:
                continue  # what was recorded meanwhile has made it impossible
            fill(page, desk)
            choose_files(page)
            typed = {f.get_attribute("id"): f.input_value() for f in page.query_selector_all(INPUTS)}
            walked[act] = send(page)
            assert walked[act] in (200, 422), f"{act}: {walked[act]} {page.inner_text('body')[:400]}"
            if walked[act] == 422:
                assert page.query_selector("[role=alert]") is not None, act
                kept = {f.get_attribute("id"): f.input_value() for f in page.query_selector_all(INPUTS)}
                assert kept == typed, act
    # What followed from a form that was taken is on the page of its case.
    assert {"PetitionClassified", "PetitionForwarded", "PetitionReassigned", "WrittenReplyIssued"} <= {
        act for act, status in walked.items() if status == 200
    }
    assert {"RecordAnnulled", "ReminderSent", "PetitionWithdrawn", "PetitionMarkedComplex"} <= set(walked)
    page.context.close()


def test_form__seen_in_the_other_language_keeps_what_was_typed(desk: Desk) -> None:
    page = desk.page("office")
    page.goto(f"{desk.followup.url}/jurisdictions/{DISTRICT}/acts/PetitionReceived")
    page.fill("#f-text", "Cầu treo bản Nà Hiềng hỏng mặt cầu.")
    page.fill("#f-effective_on", "31/2/2026")
    with page.expect_navigation() as came:
        page.click("header button[lang=en]")
    assert (came.value.status, page.get_attribute("html", "lang")) == (200, "en")
    assert page.input_value("#f-text") == "Cầu treo bản Nà Hiềng hỏng mặt cầu."
    # Enter sends the form, though the button to the other language stands before its own.
    with page.expect_navigation() as sent:
        page.press("#f-effective_on", "Enter")
    assert (sent.value.status, page.get_attribute("html", "lang")) == (422, "en")
    with page.expect_navigation() as back:
        page.click("header button[lang=vi]")
    assert (back.value.status, page.get_attribute("html", "lang")) == (200, "vi")
    assert page.input_value("#f-text") == "Cầu treo bản Nà Hiềng hỏng mặt cầu."
    page.context.close()


#: What of a page is seen and of no use on paper.
NOT_ON_PAPER = """() => [...document.querySelectorAll('nav, button, .button, .act, .filter')]
    .filter(each => each.checkVisibility()).map(each => each.outerHTML.slice(0, 80))"""
UNDERLINED = """() => [...document.querySelectorAll('a')].filter(each => each.checkVisibility()
    && getComputedStyle(each).textDecorationLine !== 'none').map(each => each.outerHTML.slice(0, 80))"""


def test_paper_and_wall__show_what_is_read_there(desk: Desk) -> None:
    page = desk.page("office")
    paths = [f"/cases/{desk.petitions['assigned']}", f"/cases/{desk.conference}", "/reports"]
    for path in paths:
        page.goto(f"{desk.followup.url}{path}")
        size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
        near = page.evaluate(size)
        page.set_viewport_size({"width": 1920, "height": 1080})
        assert page.evaluate(size) > near and page.evaluate(BEYOND) <= 0, path
        page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
        page.emulate_media(media="print")
        assert page.evaluate(NOT_ON_PAPER) == [] and page.evaluate(UNDERLINED) == [], path
        page.emulate_media(media="screen")
    page.goto(f"{desk.followup.url}/cases/{desk.conference}")
    preparation = page.locator("#prepare dl")
    assert not preparation.is_visible()
    page.emulate_media(media="print")
    assert preparation.is_visible()  # every phase is on the paper, also one that was not opened
    page.context.close()


def test_sign_out__is_taken_and_ends_what_the_browser_may(desk: Desk) -> None:
    page = desk.page("office")
    with page.expect_navigation() as came:
        page.click("text=Đăng xuất")
    assert came.value.status == 200 and page.url.endswith("/office/login")
    # The language stays: it says nothing of who was here.
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"doithoai_language"}
    page.fill("#token", "dt_wrong")
    with page.expect_navigation() as refused:
        page.click("main button")
    assert refused.value.status == 401 and "Mã truy cập không đúng" in page.inner_text("main")
    page.context.close()


def test_receipt__is_found_from_the_first_page(desk: Desk) -> None:
    page = desk.page("office")
    page.goto(f"{desk.followup.url}/cases/{desk.petitions['assigned']}")
    code = page.inner_text("dt:has-text('Mã tiếp nhận') + dd").strip()
    page.goto(f"{desk.followup.url}/")
    page.fill("[name=q]", code.lower())
    with page.expect_navigation():
        page.click("form[action='/search'] button")
    assert page.url.endswith(desk.petitions["assigned"])
    page.context.close()
