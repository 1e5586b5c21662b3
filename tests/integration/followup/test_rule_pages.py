"""The pages of rules and calendars against a real pair: shown, tried, adopted, taken back, corrected, published."""

import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import msgspec
import pytest

from shared.policy import read_policy
from tests.support.office import COMMUNE, DISTRICT
from tests.support.pages import ParsedPage
from tests.support.postgres import TestServer
from tests.support.rule_desk import PROVINCE, SHORTER, RuleDesk, rule_desk

ADOPT = f"/rules/{DISTRICT}/adopt"
MAX_PAGE = 40_000  # bytes, compressed


@pytest.fixture(scope="module")
def desk(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuleDesk]:
    with rule_desk(pg_server, tmp_path_factory.mktemp("rules")) as made:
        yield made


@pytest.fixture
def district(desk: RuleDesk) -> Iterator[httpx.Client]:
    with desk.browser("district") as client:
        yield client


@pytest.fixture
def province(desk: RuleDesk) -> Iterator[httpx.Client]:
    with desk.browser("province") as client:
        yield client


def hidden(page: httpx.Response) -> dict[str, str]:
    """What a form of the page carries without showing it, the last form of the page."""
    form = page.text.rpartition("<form")[2]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form, re.DOTALL)
    return {name: unescape(value) for name, value in found}


def seen(page: httpx.Response) -> str:
    """The words of a page, of any status."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(text))


def tried(browser: httpx.Client, text: str, **more: str) -> httpx.Response:
    form = browser.get(ADOPT)
    assert form.status_code == 200, form.text
    return browser.post(ADOPT, data=hidden(form) | {"text": text, "do": "try"} | more)


def adopted(browser: httpx.Client, text: str, **more: str) -> httpx.Response:
    asked = browser.post(ADOPT, data=hidden(tried(browser, text, **more)) | {"text": text, "do": "adopt"} | more)
    assert asked.status_code == 200 and "Xác nhận ban hành quy định" in asked.text, seen(asked)
    return browser.post(ADOPT, data=hidden(asked) | {"do": "confirm"})


def standing(desk: RuleDesk) -> list[dict[str, Any]]:
    """The adoptions that intake has and nobody took back."""
    items = desk.recorded("policies")
    gone = {item["data"]["event_id"] for item in items if item["topic"] == "RecordAnnulled"}
    return [item for item in items if item["topic"] == "PolicyAdopted" and item["event_id"] not in gone]


# --- the rules -------------------------------------------------------------------------------------------------------


def test_rules__own_place_first_the_default_is_no_law(district: httpx.Client) -> None:
    page = ParsedPage(district.get("/rules"))
    assert "Quy định đang áp dụng: Huyện Tam Đường" in page.text
    assert "Thời hạn mặc định của phần mềm" in page.text and "Chậm nhất 15 ngày làm việc" in page.text
    # Nobody adopted it: no document and no section of one is named, and nothing periodic is owed.
    assert "570" not in page.text and "II.4.3" not in page.text and "Đối thoại định kỳ" not in page.text
    values = [given["value"] for tag, given in page.tags if tag == "option"]
    assert values == [DISTRICT, COMMUNE]
    assert page.wrong == [] and len(page.ids) == len(set(page.ids))
    assert "/rules" in [href for href, _ in page.links if "Quy định, lịch" in _]


def test_rules__of_another_place_are_not_shown(district: httpx.Client) -> None:
    assert district.get("/rules", params={"place": PROVINCE}).status_code == 404
    assert district.get("/rules", params={"place": "x y"}).status_code == 400
    assert "Xã Bản Bo" in ParsedPage(district.get("/rules", params={"place": COMMUNE})).text


def test_jurisdiction__leads_to_its_rules(district: httpx.Client) -> None:
    assert (
        ParsedPage(district.get(f"/jurisdictions/{DISTRICT}")).link("Quy định đang áp dụng tại đây")
        == f"/rules?place={DISTRICT}"
    )


def test_jurisdiction__gives_out_rules_and_calendars_on_their_own_pages(desk: RuleDesk, district: httpx.Client) -> None:
    page = district.get(f"/jurisdictions/{DISTRICT}")
    assert f'href="{ADOPT}"' in page.text and "/acts/PolicyAdopted" not in page.text
    for command, made_for_it in (("PolicyAdopted", ADOPT), ("CalendarPublished", "/calendars")):
        shown = district.get(f"/jurisdictions/{DISTRICT}/acts/{command}")
        assert (shown.status_code, shown.url.path) == (200, made_for_it)
        sent = district.post(
            f"/jurisdictions/{DISTRICT}/acts/{command}", data={"document": "x"}, follow_redirects=False
        )
        assert (sent.status_code, sent.headers["location"].partition("?")[0]) == (303, made_for_it)
    assert standing(desk) == []


def test_adopt__a_wrong_document_is_told_line_by_line(desk: RuleDesk, district: httpx.Client) -> None:
    page = tried(district, SHORTER.replace("length", "lenght"))
    assert page.status_code == 422
    assert "Dòng 8: không có từ khóa 'lenght'" in seen(page) and "<code>lenght: 10</code>" in page.text
    assert 'aria-invalid="true"' in page.text and "lenght: 10" in page.text.partition("<textarea")[2]
    assert "Ban hành…" not in page.text
    empty = tried(district, " ")
    assert empty.status_code == 422 and "Hãy chọn tệp hoặc dán văn bản quy định." in seen(empty)
    wrong_day = tried(district, SHORTER, effective_on="45/9/2019")
    assert wrong_day.status_code == 422 and "“45/9/2019” không phải là ngày" in seen(wrong_day)
    assert standing(desk) == []


def test_adopt__the_trial_tells_what_changes_and_what_would_have(desk: RuleDesk, district: httpx.Client) -> None:
    page = tried(district, SHORTER)
    text = seen(page)
    assert page.status_code == 200 and "chưa ban hành" in text
    # The reply, that of complex cases, for which the document has no limit of its own, and what each plan brings.
    assert "Khác với quy định đang áp dụng (3)" in text
    assert "Trước: không phải thực hiện Sau: Ít nhất 1 lần mỗi năm" in text
    assert (
        "Trước: Chậm nhất 30 ngày làm việc" in text
        and "Trước: Chậm nhất 15 ngày làm việc" in text
        and "Sau: Chậm nhất 10 ngày làm việc" in text
    )
    # Friday 23 August 2019, Monday 2 September off: the tenth working day is Monday 9, the fifteenth Monday 16.
    assert re.search(r"Trước: 16/09/2019.*Sau: 09/09/2019", text)
    assert len(gzip.compress(page.content)) < MAX_PAGE
    assert standing(desk) == []


def test_adopt__what_was_tried_is_adopted_once_and_taken_back(desk: RuleDesk, district: httpx.Client) -> None:
    asked = district.post(ADOPT, data=hidden(tried(district, SHORTER)) | {"text": SHORTER, "do": "adopt"})
    assert standing(desk) == []  # to ask for confirmation records nothing
    sent = hidden(asked) | {"do": "confirm"}
    page = district.post(ADOPT, data=sent)
    assert page.status_code == 200 and page.url.path == "/rules"
    assert "Đã ghi nhận" in seen(page) and "12/QĐ-UBND" in seen(page) and "đang áp dụng" in seen(page)
    assert "Chậm nhất 10 ngày làm việc" in seen(page) and "Điều 3" in seen(page)
    (item,) = standing(desk)
    assert msgspec.convert(item["data"]["policy"], type(read_policy(SHORTER))) == read_policy(SHORTER)
    assert item["data"]["jurisdiction"] == DISTRICT
    # Sent again, by a reload of the browser: it is no longer what was tried, and nothing is recorded.
    district.post(ADOPT, data=sent)
    assert len(standing(desk)) == 1

    address = ParsedPage(district.get("/rules")).link("Hủy lần ban hành này")
    form = district.get(address)
    assert "Chậm nhất 15 ngày làm việc" in seen(form)  # what holds then
    without = district.post(address, data=hidden(form) | {"reason": " ", "do": "annul"})
    assert without.status_code == 422 and "Hãy nêu lý do hủy." in seen(without)
    asked = district.post(address, data=hidden(form) | {"reason": "Nhầm văn bản", "do": "annul"})
    assert "Xác nhận hủy" in seen(asked) and len(standing(desk)) == 1
    gone = district.post(address, data=hidden(asked) | {"do": "confirm"})
    assert gone.status_code == 200 and "Thời hạn mặc định của phần mềm" in seen(gone)
    assert standing(desk) == [] and district.get(address).status_code == 404


def test_adopt__changed_after_the_trial_is_tried_again(desk: RuleDesk, district: httpx.Client) -> None:
    carried = hidden(tried(district, SHORTER))
    other = SHORTER.replace("10", "12")
    for do in ("adopt", "confirm"):
        page = district.post(ADOPT, data=carried | {"text": other, "do": do})
        assert page.status_code == 422 and "đã khác lúc thử" in seen(page)
        assert "Chậm nhất 12 ngày làm việc" in seen(page)  # the new trial
    assert standing(desk) == []


def test_adopt__after_somebody_elses_adoption_is_tried_again(desk: RuleDesk, district: httpx.Client) -> None:
    asked = district.post(ADOPT, data=hidden(tried(district, SHORTER)) | {"text": SHORTER, "do": "adopt"})
    other = read_policy(SHORTER.replace("reply-10", "reply-9").replace("length: 10", "length: 9"))
    desk.give("/v1/policies", jurisdiction=DISTRICT, policy=msgspec.to_builtins(other))
    page = district.post(ADOPT, data=hidden(asked) | {"do": "confirm"})
    assert page.status_code == 422 and "đã khác lúc thử" in seen(page)
    (item,) = standing(desk)
    assert item["data"]["policy"]["policy_id"] == "reply-9"
    desk.give(f"/v1/policies/{DISTRICT}/annulments", event_id=item["event_id"], reason="Thử")


def test_adopt__takes_a_file_with_the_line_ends_of_windows(desk: RuleDesk, district: httpx.Client) -> None:
    file = ("quy-dinh.yaml", b"\xef\xbb\xbf" + SHORTER.replace("\n", "\r\n").encode(), "application/octet-stream")
    form = hidden(district.get(ADOPT))
    page = district.post(ADOPT, data=form | {"text": "", "do": "try"}, files={"file": file})
    assert page.status_code == 200 and "Quy định hợp lệ" in seen(page)
    carried = hidden(page)
    text = unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)[0])
    asked = district.post(ADOPT, data=carried | {"text": text.replace("\n", "\r\n"), "do": "adopt"})
    assert "Xác nhận ban hành quy định" in seen(asked)
    binary = district.post(ADOPT, data=form | {"do": "try"}, files={"file": ("x.yaml", b"\xff\xfe\x00", "text/plain")})
    assert binary.status_code == 400


@pytest.mark.parametrize(("who", "path", "status"), [
    ("auditor", ADOPT, 403), ("agency", ADOPT, 403), ("district", f"/rules/{PROVINCE}/adopt", 404),
    ("district", "/calendars/2019/edit", 403), ("auditor", "/calendars/2019/edit", 403),
])  # fmt: skip
def test_forms__are_refused_to_whom_intake_refuses(desk: RuleDesk, who: str, path: str, status: int) -> None:
    with desk.browser(who) as browser:
        assert browser.get(path).status_code == status
        assert browser.post(path, data={"text": SHORTER, "do": "confirm"}).status_code == status
        page = browser.get("/rules" if path.startswith("/rules") else "/calendars/2019")
        assert page.status_code == 200
        if who != "district":
            assert "/adopt" not in page.text and "/edit" not in page.text
    assert standing(desk) == []


# --- the calendar ----------------------------------------------------------------------------------------------------


def years(desk: RuleDesk, year: int) -> list[dict[str, Any]]:
    return [item["data"] for item in desk.recorded("calendars") if item["data"]["year"] == year]


def test_calendars__list_and_year(district: httpx.Client) -> None:
    page = ParsedPage(district.get("/calendars"))
    assert "chưa xác nhận" in page.text
    answer = district.get(page.link("2019"))
    year, text = ParsedPage(answer), seen(answer)
    assert "Lịch làm việc năm 2019" in text and "2/9 Quốc khánh" in text
    assert "4/5 Làm bù cho ngày 29/04/2019" in text and "Căn cứ Công văn 6519" in text
    assert sum(tag == "table" for tag, _ in year.tags) == 12 and year.wrong == []
    heads = re.findall(r"Tháng 9 ((?:\S+ ){7})", text)
    assert heads == ["Hai Ba Tư Năm Sáu Bảy CN "]
    assert district.get("/calendars/1800").status_code == 404
    assert district.get("/calendars/2090").status_code == 404
    assert district.get("/calendars", params={"source": "nowhere"}).status_code == 404


def test_calendar__is_corrected_by_clicks_and_published(desk: RuleDesk, province: httpx.Client) -> None:
    address, before = "/calendars/2020/edit", len(years(desk, 2020))
    page = province.get(address)
    assert len(gzip.compress(page.content)) < MAX_PAGE
    chosen = province.post(address, data=hidden(page) | {"day": "2020-11-13", "document": "x"})
    assert "Thứ Sáu, ngày 13/11/2020" in seen(chosen)
    unnamed = province.post(address, data=hidden(chosen) | {"kind": "off", "do": "set", "document": "x"})
    assert unnamed.status_code == 422 and 'id="f-name-why"' in unnamed.text
    assert "Ngày nghỉ 13/11/2020 chưa có tên" in seen(unnamed)
    off = province.post(address, data=hidden(unnamed) | {"kind": "off", "name": "Nghỉ hoán đổi", "do": "set"})
    assert off.status_code == 200 and "Thứ Sáu, ngày 13/11/2020 : thêm ngày nghỉ: Nghỉ hoán đổi" in seen(off)
    chosen = province.post(address, data=hidden(off) | {"day": "2020-11-21"})
    wrong = province.post(address, data=hidden(chosen) | {"kind": "makeup", "instead_of": "12/11/2020", "do": "set"})
    assert wrong.status_code == 422 and 'id="f-instead_of-why"' in wrong.text
    assert "Ngày 12/11/2020 chưa có trong danh sách ngày nghỉ" in seen(wrong)
    typo = province.post(address, data=hidden(chosen) | {"kind": "makeup", "instead_of": "hôm kia", "do": "set"})
    assert typo.status_code == 422 and "“hôm kia” không phải là ngày" in seen(typo)
    made_up = province.post(address, data=hidden(wrong) | {"kind": "makeup", "instead_of": "13/11/2020", "do": "set"})
    assert "làm bù cho 13/11/2020" in seen(made_up)
    # A day that another rests on does not go alone.
    chosen = province.post(address, data=hidden(made_up) | {"day": "2020-11-13"})
    torn = province.post(address, data=hidden(chosen) | {"kind": "work", "do": "set"})
    assert torn.status_code == 422 and "chưa có trong danh sách ngày nghỉ" in seen(torn)

    no_ground = province.post(address, data=hidden(made_up) | {"document": " ", "do": "publish"})
    assert no_ground.status_code == 422 and 'id="f-document-why"' in no_ground.text
    document = "Thông báo 99/TB-BNV ngày 01/9/2019"
    asked = province.post(address, data=hidden(made_up) | {"document": document, "do": "publish"})
    assert "Các ngày thay đổi (2)" in seen(asked) and len(years(desk, 2020)) == before
    done = province.post(address, data=hidden(asked) | {"do": "confirm"})
    assert done.status_code == 200 and done.url.path == "/calendars/2020"
    assert "đã công bố" in seen(done) and document in seen(done) and "21/11 Làm bù cho ngày 13/11/2020" in seen(done)
    published = years(desk, 2020)[-1]
    assert len(years(desk, 2020)) == before + 1 and published["document"] == document
    assert {"date": "2020-11-13", "name": "Nghỉ hoán đổi"} in published["holidays"]
    assert {"date": "2020-11-21", "instead_of": "2020-11-13"} in published["makeup_days"]
    # The draft of somebody who began before that rests on a calendar that is no longer in force.
    stale = province.post(address, data=hidden(asked) | {"document": "y", "key": "other", "do": "confirm"})
    assert stale.status_code == 422 and len(years(desk, 2020)) == before + 1


def test_calendar__unchanged_is_confirmed_and_one_without_is_begun(desk: RuleDesk, province: httpx.Client) -> None:
    page = province.get("/calendars/2021/edit")
    document = unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)[0])
    asked = province.post("/calendars/2021/edit", data=hidden(page) | {"document": document, "do": "publish"})
    assert "Không ngày nào thay đổi" in seen(asked)
    province.post("/calendars/2021/edit", data=hidden(asked) | {"do": "confirm"})
    assert "đã công bố" in seen(province.get("/calendars/2021"))
    begun = province.get("/calendars/2030/edit")
    assert begun.status_code == 200 and "Năm chưa có lịch" in seen(begun) and "Quốc khánh" in seen(begun)
    assert "chưa có lịch" in seen(province.get("/calendars/2030"))


@pytest.mark.parametrize("sent", [
    {"draft": "{"}, {"draft": '{"holidays": [], "note": 1}'}, {"draft": '{"holidays": 1}'}, {"day": "2018-01-01"},
    {"day": "x"}, {"do": "set", "of": ""}, {"key": "a\nb"}, {"do": "confirm"}, {"do": "confirm", "version": "9" * 5000},
    {"draft": json.dumps({"holidays": [{"date": "2022-01-03", "name": "x"}] * 367})},
])  # fmt: skip
def test_calendar__no_form_of_ours_is_refused(province: httpx.Client, sent: dict[str, str]) -> None:
    carried = {"draft": json.dumps({"holidays": []}), "document": "x", "do": "publish"}
    assert province.post("/calendars/2022/edit", data=carried | sent).status_code == 400


def test_calendar__draft_that_contradicts_itself_is_shown_at_its_day(province: httpx.Client) -> None:
    draft = json.dumps({"holidays": [], "makeup_days": [{"date": "2022-01-04", "instead_of": "2022-01-03"}]})
    page = province.post("/calendars/2022/edit", data={"draft": draft, "document": "x", "do": "publish"})
    assert page.status_code == 422 and "Thứ Ba, ngày 04/01/2022" in seen(page)
    assert "chỉ làm bù vào thứ Bảy hoặc Chủ nhật" in seen(page)


def test_pages__speak_english_too(desk: RuleDesk) -> None:
    with desk.browser("province") as browser:
        browser.cookies.set("doithoai_language", "en")
        assert "Thursday" not in seen(browser.get("/rules")) and "The product's default" in seen(browser.get("/rules"))
        assert "at most 15 working days" in seen(browser.get("/rules")).lower()
        year = seen(browser.get("/calendars/2019"))
        assert "2/9 National Day" in year and "September Mon Tue Wed" in year and "Tháng" not in year
        assert "Ban hành" not in seen(browser.get(f"/rules/{PROVINCE}/adopt"))
