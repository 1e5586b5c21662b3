"""The pages of rules and calendars in Chromium: adopted, corrected, published; two languages, three widths, axe."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser import Looker, browser, page_of, press
from tests.support.office import DISTRICT
from tests.support.postgres import TestServer
from tests.support.rule_desk import SHORTER, RuleDesk, rule_desk


class Browsers:
    """A pair and Chromium; every page that was met is looked at."""

    def __init__(self, desk: RuleDesk, chrome: Any) -> None:
        self.desk, self._chrome, self.looker = desk, chrome, Looker()

    def page(self, who: str, language: str) -> Any:
        """A page of a browser that has signed in."""
        self.looker.wrong.clear()
        return page_of(self._chrome, self.desk.followup.url, self.desk.tokens[who], language)

    def look(self, page: Any, language: str) -> None:
        """Everything in Vietnamese; of the other language whether it fits."""
        if language == "vi":
            self.looker.look(page)
        else:
            self.looker.fits(page)


@pytest.fixture(scope="module")
def browsers(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    with rule_desk(pg_server, tmp_path_factory.mktemp("rules")) as desk, browser() as chrome:
        yield Browsers(desk, chrome)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("language", "words"), [
    ("vi", ("Quy định hợp lệ", "Đã ghi nhận", "Thời hạn mặc định của phần mềm")),
    ("en", ("The document is sound", "Recorded", "The product's default")),
])  # fmt: skip
def test_rules__are_tried_adopted_and_taken_back(
    browsers: Browsers, language: str, words: tuple[str, str, str]
) -> None:
    page, (sound, recorded, default) = browsers.page("district", language), words
    press(page, "nav a[href='/rules']")
    browsers.look(page, language)
    press(page, f"a[href='/rules/{DISTRICT}/adopt']")
    page.fill("#f-text", SHORTER.replace("length", "lenght"))
    assert press(page, "main button[value=try]") == 422
    page.wait_for_selector("#errors:focus")
    assert page.get_attribute("#f-text", "aria-invalid") == "true"
    browsers.look(page, language)
    page.fill("#f-text", SHORTER)
    assert press(page, "main button[value=try]") == 200 and sound in page.inner_text("main")
    browsers.look(page, language)
    assert press(page, "main button[value=adopt]") == 200
    browsers.look(page, language)
    assert press(page, "main button[value=confirm]") == 200
    assert page.url.startswith(f"{browsers.desk.followup.url}/rules?place={DISTRICT}")
    assert recorded in page.inner_text("main") and "12/QĐ-UBND" in page.inner_text("main")
    browsers.look(page, language)
    press(page, "a[href*='/annul/']")
    browsers.look(page, language)
    page.fill("#f-reason", "Nhầm văn bản")
    press(page, "main button[value=annul]")
    browsers.look(page, language)
    assert press(page, "main button[value=confirm]") == 200
    assert default in page.inner_text("main") and "12/QĐ-UBND" not in page.inner_text("main")
    page.context.close()
    assert browsers.looker.wrong == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("language", "year", "off", "work"), [
    ("vi", 2020, "2020-11-13", "2020-11-21"), ("en", 2021, "2021-11-12", "2021-11-20"),
])  # fmt: skip
def test_calendar__a_year_is_corrected_by_clicks_alone_and_published(
    browsers: Browsers, language: str, year: int, off: str, work: str
) -> None:
    page = browsers.page("province", language)
    press(page, "nav a[href='/rules']")
    press(page, "nav a[href='/calendars']")
    browsers.look(page, language)
    press(page, f"main a[href^='/calendars/{year}']")
    browsers.look(page, language)
    press(page, f"main a[href^='/calendars/{year}/edit']")
    browsers.look(page, language)
    press(page, f"main button[value='{off}']")
    page.wait_for_selector("[name=kind]:focus")  # autofocus comes with the first drawing, after the page has loaded
    browsers.look(page, language)
    page.check("input[value=off]")
    assert press(page, "main button[value=set]") == 422 and page.get_attribute("#f-name", "aria-invalid") == "true"
    browsers.look(page, language)
    page.fill("#f-name", "Nghỉ hoán đổi")
    page.keyboard.press("Enter")  # takes the choice, and not the first day of the year
    page.wait_for_selector(f"td.changed button[value='{off}']")
    press(page, f"main button[value='{work}']")
    page.check("input[value=makeup]")
    page.fill("#f-instead_of", "/".join(reversed(off.split("-"))))
    assert press(page, "main button[value=set]") == 200
    browsers.look(page, language)
    page.fill("#f-document", "Thông báo 99/TB-BNV")
    assert press(page, "main button[value=publish]") == 200
    browsers.look(page, language)
    assert press(page, "main button[value=confirm]") == 200
    assert "99/TB-BNV" in page.inner_text("main")
    assert page.inner_text(f"td.makeup:has(time[datetime='{work}'])").split()[0] == str(int(work[-2:]))
    page.context.close()
    published = [item["data"] for item in browsers.desk.recorded("calendars") if item["data"]["year"] == year][-1]
    assert {"date": work, "instead_of": off} in published["makeup_days"]
    assert browsers.looker.wrong == []
