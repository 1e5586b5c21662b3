"""The page of catalogues and the forms that choose from them, against a real pair."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from tests.support.office import COMMUNE, DISTRICT
from tests.support.postgres import TestServer
from tests.support.rule_desk import RuleDesk, rule_desk

PAGE = f"/jurisdictions/{COMMUNE}/catalogues"
FORM = f"/jurisdictions/{DISTRICT}/acts/CatalogueAdopted"


@pytest.fixture(scope="module")
def desk(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuleDesk]:
    with rule_desk(pg_server, tmp_path_factory.mktemp("catalogues")) as made:
        yield made


def hidden(page: httpx.Response) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', page.text.rpartition("<form")[2])
    return {name: unescape(value) for name, value in found}


def options(page: httpx.Response, name: str) -> list[str]:
    """The values that a select offers; nothing where the field is typed."""
    found = re.search(rf'<select id="f-{name}".*?</select>', page.text, re.DOTALL)
    return [value for value in re.findall(r'<option value="([^"]*)"', found[0]) if value] if found else []


def test_catalogue__is_adopted_on_a_form_shown_below_and_chosen_from(desk: RuleDesk) -> None:
    with desk.browser("district") as browser:
        page = browser.get(PAGE)
        assert page.status_code == 200 and page.text.count("Chưa có danh mục.") == 4
        assert browser.get(f"/jurisdictions/{COMMUNE}").text.count(PAGE) == 1
        receive = f"/jurisdictions/{COMMUNE}/acts/PetitionReceived"
        assert options(browser.get(receive), "channel") == []
        form = browser.get(f"{FORM}?catalogue=channel")
        assert form.status_code == 200, form.text
        assert options(form, "kind") == ["field", "channel", "task", "village"]
        typed = {
            "jurisdiction": DISTRICT, "kind": "channel", "number": "15/QĐ-UBND",
            "entries.0.code": "tru-so", "entries.0.title": "Tại trụ sở",
            "entries.1.code": "tru so", "entries.1.title": "Cổng thông tin",
        }  # fmt: skip
        refused = browser.post(FORM, data=hidden(form) | typed)
        assert refused.status_code == 422 and 'href="#f-entries.1.code"' in refused.text, refused.text
        done = browser.post(FORM, data=hidden(refused) | typed | {"entries.1.code": "cong"})
        assert done.status_code == 200 and "Ban hành danh mục" in done.text, done.text
        page = browser.get(PAGE)
        assert "của cấp trên" in page.text and "15/QĐ-UBND" in page.text and "Cổng thông tin" in page.text
        assert options(browser.get(receive), "channel") == ["tru-so", "cong"]
        again = browser.get(f"{FORM}?catalogue=channel")
        assert 'name="entries.1.code" autocomplete="off" value="cong"' in again.text


def test_page__of_a_reader_has_no_buttons(desk: RuleDesk) -> None:
    with desk.browser("reader") as browser:
        page = browser.get(PAGE)
        assert page.status_code == 200 and "acts/CatalogueAdopted" not in page.text
