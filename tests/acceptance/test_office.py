"""The office's day in a browser's forms: everything through intake, what is refused says why beside the field."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.http.auth import COOKIE, mint_token
from tests.support.intake import tokens_file
from tests.support.office import BEGIN, COMMUNE
from tests.support.pair import Pair, Service, until


@pytest.fixture
def running(pair: Pair) -> tuple[Service, Service]:
    intake = pair.intake(CLOCK_START=BEGIN, AMQP_URL="").start()
    followup = pair.followup(intake, AMQP_URL="").start()
    pair.office(intake).places()
    until(lambda: followup.get("/v1/agencies")["items"])
    return intake, followup


@pytest.fixture
def browser(running: tuple[Service, Service]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running[1].url, follow_redirects=True, timeout=30) as client:
        yield client


def key_of(page: httpx.Response) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def filled(browser: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    form = browser.get(path)
    assert form.status_code == 200, form.text
    return browser.post(path, data={"key": key_of(form), **fields})


def test_office__receives_classifies_assigns_replies_and_annuls(
    browser: httpx.Client, running: tuple[Service, Service]
) -> None:
    intake, followup = running
    page = filled(
        browser, "/office/petitions/new",
        jurisdiction=COMMUNE, kind="petition", name="Lò Văn Pâng", address="bản Thèn Thầu", text="Đường sạt lở",
    )  # fmt: skip
    assert page.status_code == 200
    case = str(page.url.path)
    assert "Lò Văn Pâng" not in page.text
    assert "Sửa đường" in filled(
        browser, f"{case}/acts/classification", subject="Sửa đường", field="giao thông", urgency="urgent"
    ).text  # fmt: skip
    refused = filled(browser, f"{case}/acts/assignment", agency="")
    assert refused.status_code == 422
    assert "Chưa ghi nhận" in refused.text
    row = followup.get(f"/v1/cases/{case.rsplit('/', 1)[1]}")
    events = [event["event_id"] for event in row["events"]]
    annulled = filled(browser, f"{case}/acts/annulments", event_id=events[-1], reason="ghi nhầm")
    assert annulled.status_code == 200
    assert followup.get(f"/v1/cases/{case.rsplit('/', 1)[1]}")["title"] == ""
    assert intake.get("/v1/events", after=0, limit=1000)["events"][-1]["type"] == "RecordAnnulled"


def test_reply__takes_the_hash_of_the_file_itself(browser: httpx.Client, running: tuple[Service, Service]) -> None:
    received = filled(browser, "/office/petitions/new", jurisdiction=COMMUNE, kind="petition", text="Đường sạt lở")
    case = str(received.url.path)
    scan = b"%PDF-1.7 " + b"x" * 2_000_000
    form = browser.get(f"{case}/acts/reply")
    data = {"key": key_of(form), "number": "12/UBND-VP", "signatory": "Chủ tịch", "digest": ""}
    page = browser.post(f"{case}/acts/reply", data=data, files={"digest_file": ("tra-loi.pdf", scan)})
    assert page.url.path == case, page.text
    replied = running[1].get(f"/v1/cases/{case.rsplit('/', 1)[1]}")["events"][-1]
    assert replied["data"]["digest"] == hashlib.sha256(scan).hexdigest()
    again = filled(browser, f"{case}/acts/reply", number="13/UBND-VP", signatory="Chủ tịch", digest="")
    assert again.status_code == 422 and 'aria-describedby="digest-why"' in again.text


def test_office__reports_a_reply_after_the_case_ended(browser: httpx.Client, running: tuple[Service, Service]) -> None:
    page = filled(browser, "/office/petitions/new", jurisdiction=COMMUNE, kind="petition", text="Đường sạt lở")
    case = str(page.url.path)
    filled(browser, f"{case}/acts/reply", number="1/UBND", signatory="Trưởng phòng", digest="0" * 64)
    shown = filled(browser, f"{case}/acts/withdrawal", reason="đã xong")
    letter = re.search(r'href="(/v1/deadlines/[^"]+/letter)"', shown.text)
    assert letter and "V/v báo cáo việc đã trả lời" in browser.get(letter[1]).text
    missing = filled(browser, f"{case}/acts/reply-report", reports="yes")
    assert missing.status_code == 422 and re.search(r'id="reply_number"[^>]*aria-invalid="true"', missing.text)
    done = filled(browser, f"{case}/acts/reply-report", reply_number="1/UBND", reports="yes")
    assert done.status_code == 200, done.text
    (report,) = running[1].get("/v1/deadlines", subject_id=case.rsplit("/", 1)[1], duty="reply_report")["items"]
    assert report["outcome"] == "met"


def test_form__sent_twice_records_once(browser: httpx.Client, running: tuple[Service, Service]) -> None:
    form = browser.get("/office/petitions/new")
    data = {"key": key_of(form), "jurisdiction": COMMUNE, "kind": "petition", "text": "Một lần"}
    first, second = browser.post("/office/petitions/new", data=data), browser.post("/office/petitions/new", data=data)
    assert first.url == second.url
    assert len(running[1].get("/v1/cases")["items"]) == 1


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("jurisdiction", "H99", "Địa bàn “H99” chưa được đăng ký"),
        ("text", "", "Chưa nhập trường này"),
        ("effective_on", "2099-01-01", "sau ngày hôm nay"),
    ],
)
def test_refusal__stands_beside_its_field_and_keeps_what_was_filled_in(
    browser: httpx.Client, field: str, value: str, told: str
) -> None:
    given = {"jurisdiction": COMMUNE, "kind": "petition", "text": "Nội dung", field: value}
    page = filled(browser, "/office/petitions/new", **given)
    assert page.status_code == 422
    assert told in page.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text)
    assert re.search(rf'id="{field}-why">[^<]*{told}', page.text)
    assert f'value="{COMMUNE}"' in page.text or field == "jurisdiction"


def test_beyond_loopback__a_browser_signs_in_with_its_token(pair: Pair, tmp_path: Path) -> None:
    token, entry = mint_token("văn phòng", "office", "H35")
    auditor, reads = mint_token("followup", "auditor")
    (tmp_path / "auditor").write_text(auditor)
    tokens = str(tokens_file(tmp_path, entry, reads))
    intake = pair.intake(CLOCK_START=BEGIN, AMQP_URL="").start()
    pair.office(intake).places()
    assert intake.stop() == 0
    intake = pair.intake(AMQP_URL="", HOST="0.0.0.0", TOKENS_FILE=tokens).start()
    followup = pair.followup(
        intake, AMQP_URL="", HOST="0.0.0.0", TOKENS_FILE=tokens, SOURCE_TOKEN_FILE=str(tmp_path / "auditor")
    ).start()
    with httpx.Client(base_url=followup.url, follow_redirects=True, timeout=30) as client:
        html = {"Accept": "text/html"}
        assert client.get("/v1/cases").status_code == 401
        page = client.get("/", headers=html)
        assert page.url.path == "/office/login"
        assert "nguồn dữ liệu" not in page.text
        assert client.post("/office/login", data={"token": "dt_wrong"}).status_code == 401
        assert client.post("/office/login", data={"token": token}).url.path == "/"
        assert client.cookies[COOKIE] == token
        until(lambda: "đã đọc hết" in client.get("/").text)
        assert f'<option value="{COMMUNE}">' in client.get("/office/petitions/new").text
        done = filled(client, "/office/petitions/new", jurisdiction=COMMUNE, kind="petition", text="Nội dung")
        assert done.status_code == 200
        assert "Đăng xuất" in client.get("/").text
        foreign = client.post("/office/petitions/new", data={"key": "k"}, headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403
        assert client.post("/office/logout").url.path == "/office/login"
        assert client.get("/v1/cases").status_code == 401
