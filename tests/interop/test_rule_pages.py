"""The pages of rules and calendars in Chromium: adopted, corrected, published; two languages, three widths, axe."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.interop import NODE_FOLDER, chromium, node
from tests.support.office import DISTRICT
from tests.support.postgres import TestServer
from tests.support.rule_desk import SHORTER, RuleDesk, rule_desk

playwright = pytest.importorskip("playwright.sync_api")

WIDTHS = (320, 390, 1280)
FOUND = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Browsers:
    """A pair and Chromium; every page that was met is looked at."""

    def __init__(self, desk: RuleDesk, chrome: Any) -> None:
        self.desk, self._chrome = desk, chrome
        self._axe = (NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
        self.wrong: list[str] = []

    def page(self, who: str, language: str, scheme: str) -> Any:
        """A page of a browser that has signed in."""
        self.wrong.clear()
        context = self._chrome.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{self.desk.followup.url}/language/{language}?to=/office/login")
        page.fill("#token", self.desk.tokens[who])
        with page.expect_navigation():
            page.click("main button")
        return page

    def look(self, page: Any) -> None:
        """Note what sticks out at each width, and what axe-core finds: in the dark on a phone, else on a screen."""
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if (beyond := page.evaluate(BEYOND)) > 0:
                self.wrong.append(f"{width} {page.url}: scrolls sideways by {beyond}")
        if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"):
            page.set_viewport_size({"width": 390, "height": 900})
        page.evaluate(self._axe)
        found = page.evaluate(FOUND)
        self.wrong += [f"{page.url}: {v['id']}: {n['html'][:160]}" for v in found for n in v["nodes"]]
        page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture(scope="module")
def browsers(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    node()  # brings axe-core
    with rule_desk(pg_server, tmp_path_factory.mktemp("rules")) as desk, playwright.sync_playwright() as tool:
        chrome = tool.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield Browsers(desk, chrome)
        chrome.close()


def press(page: Any, selector: str) -> int:
    """Click a button or a link; the status of the page that comes of it."""
    with page.expect_navigation() as came:
        page.click(selector)
    return int(came.value.status)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("language", "scheme", "words"), [
    ("vi", "light", ("Quy định hợp lệ", "Đã ghi nhận", "Thời hạn mặc định của phần mềm")),
    ("en", "dark", ("The document is sound", "Recorded", "The product's default")),
])  # fmt: skip
def test_rules__are_tried_adopted_and_taken_back(
    browsers: Browsers, language: str, scheme: str, words: tuple[str, str, str]
) -> None:
    page, (sound, recorded, default) = browsers.page("district", language, scheme), words
    press(page, "nav a[href='/rules']")
    browsers.look(page)
    press(page, f"a[href='/rules/{DISTRICT}/adopt']")
    page.fill("#f-text", SHORTER.replace("length", "lenght"))
    assert press(page, "button[value=try]") == 422
    assert page.evaluate("document.activeElement.id") == "errors"
    assert page.get_attribute("#f-text", "aria-invalid") == "true"
    browsers.look(page)
    page.fill("#f-text", SHORTER)
    assert press(page, "button[value=try]") == 200 and sound in page.inner_text("main")
    browsers.look(page)
    assert press(page, "button[value=adopt]") == 200
    browsers.look(page)
    assert press(page, "button[value=confirm]") == 200
    assert page.url.startswith(f"{browsers.desk.followup.url}/rules?place={DISTRICT}")
    assert recorded in page.inner_text("main") and "12/QĐ-UBND" in page.inner_text("main")
    browsers.look(page)
    press(page, "a[href*='/annul/']")
    browsers.look(page)
    page.fill("#f-reason", "Nhầm văn bản")
    press(page, "button[value=annul]")
    browsers.look(page)
    assert press(page, "button[value=confirm]") == 200
    assert default in page.inner_text("main") and "12/QĐ-UBND" not in page.inner_text("main")
    page.context.close()
    assert browsers.wrong == [], sorted({each.partition(": ")[2] for each in browsers.wrong})


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("language", "scheme", "year", "off", "work"), [
    ("vi", "dark", 2020, "2020-11-13", "2020-11-21"), ("en", "light", 2021, "2021-11-12", "2021-11-20"),
])  # fmt: skip
def test_calendar__a_year_is_corrected_by_clicks_alone_and_published(
    browsers: Browsers, language: str, scheme: str, year: int, off: str, work: str
) -> None:
    page = browsers.page("province", language, scheme)
    press(page, "nav a[href='/rules']")
    press(page, "nav a[href='/calendars']")
    browsers.look(page)
    press(page, f"main a[href^='/calendars/{year}']")
    browsers.look(page)
    press(page, f"main a[href^='/calendars/{year}/edit']")
    browsers.look(page)
    press(page, f"button[value='{off}']")
    assert page.evaluate("document.activeElement.name") == "kind"
    browsers.look(page)
    page.check("input[value=off]")
    assert press(page, "button[value=set]") == 422 and page.get_attribute("#f-name", "aria-invalid") == "true"
    browsers.look(page)
    page.fill("#f-name", "Nghỉ hoán đổi")
    page.keyboard.press("Enter")  # takes the choice, and not the first day of the year
    page.wait_for_selector(f"td.changed button[value='{off}']")
    press(page, f"button[value='{work}']")
    page.check("input[value=makeup]")
    page.fill("#f-instead_of", "/".join(reversed(off.split("-"))))
    assert press(page, "button[value=set]") == 200
    browsers.look(page)
    page.fill("#f-document", "Thông báo 99/TB-BNV")
    assert press(page, "button[value=publish]") == 200
    browsers.look(page)
    assert press(page, "button[value=confirm]") == 200
    assert "99/TB-BNV" in page.inner_text("main")
    assert page.inner_text(f"td.makeup:has(time[datetime='{work}'])").split()[0] == str(int(work[-2:]))
    page.context.close()
    published = [item["data"] for item in browsers.desk.recorded("calendars") if item["data"]["year"] == year][-1]
    assert {"date": work, "instead_of": off} in published["makeup_days"]
    assert browsers.wrong == []
