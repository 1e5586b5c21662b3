"""The office's day in a browser's forms: everything through intake, what is refused says why beside the field."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.followup.console.doors import ASKED
from shared.http.auth import COOKIE, mint_token
from tests.support.intake import tokens_file
from tests.support.office import AGENCIES, BEGIN, COMMUNE, DISTRICT
from tests.support.pair import Pair, Service, until
from tests.support.pair import pair as made_pair
from tests.support.postgres import TestServer

NEW = f"/jurisdictions/{COMMUNE}/acts/PetitionReceived"


@pytest.fixture(scope="module")
def running(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    """One pair for the office's day: no test takes back what another has recorded."""
    with made_pair(pg_server, tmp_path_factory.mktemp("office")) as pair:
        intake = pair.intake(CLOCK_START=BEGIN).start()
        followup = pair.followup(intake).start()
        pair.office(intake).places()
        until(lambda: len(followup.get("/v1/agencies")["items"]) == len(AGENCIES))
        yield intake, followup


@pytest.fixture
def browser(running: tuple[Service, Service]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running[1].url, follow_redirects=True, timeout=30, cookies={ASKED: "yes"}) as client:
        yield client


def key_of(page: httpx.Response) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def filled(browser: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    form = browser.get(path)
    assert form.status_code == 200, form.text
    return browser.post(path, data={"key": key_of(form), **fields})


def received(browser: httpx.Client, **fields: str) -> str:
    """The address of a petition that the office has received."""
    page = filled(browser, NEW, jurisdiction=COMMUNE, kind="petition", text="Đường sạt lở", **fields)
    assert page.status_code == 200, page.text
    return str(page.url.path)


def case_of(followup: Service, case: str) -> dict[str, Any]:
    found: dict[str, Any] = followup.get(f"/v1/cases/{case.rpartition('/')[2]}")
    return found


def test_office__receives_classifies_assigns_replies_and_annuls(
    browser: httpx.Client, running: tuple[Service, Service]
) -> None:
    intake, followup = running
    case = received(browser, **{"identities.0.name": "Lò Văn Pâng", "identities.0.address": "bản Thèn Thầu"})
    page = browser.get(case)
    # Personal data is what intake opens to those who may read it, and in nothing that followup keeps.
    assert "Lò Văn Pâng" in page.text and "Mỗi lần xem nội dung đều được ghi lại." in page.text
    assert "Lò Văn Pâng" not in str(case_of(followup, case))
    assert "Sửa đường" in filled(
        browser, f"{case}/acts/PetitionClassified", subject="Sửa đường", field="giao thông", urgency="urgent"
    ).text  # fmt: skip
    refused = filled(browser, f"{case}/acts/PetitionAssigned", agency="")
    assert refused.status_code == 422
    assert "Chưa ghi nhận" in refused.text and "Chưa nhập: Cơ quan." in refused.text
    assert "Đã ghi nhận" in filled(browser, f"{case}/acts/PetitionAssigned", agency=AGENCIES[0]).text
    again = browser.get(f"{case}/acts/PetitionAssigned")
    assert again.status_code == 409 and "Không làm được việc này" in again.text
    events = [event["event_id"] for event in case_of(followup, case)["events"]]
    annulled = filled(browser, f"{case}/acts/RecordAnnulled", event_id=events[-1], reason="ghi nhầm")
    assert annulled.status_code == 200, annulled.text
    assert case_of(followup, case)["state"] == "no_clock"
    assert intake.get("/v1/events", after=0, limit=1000)["events"][-1]["type"] == "RecordAnnulled"


def test_reply__takes_the_hash_of_the_file_itself(browser: httpx.Client, running: tuple[Service, Service]) -> None:
    case = received(browser)
    scan = b"%PDF-1.7 " + b"x" * 2_000_000
    path = f"{case}/acts/WrittenReplyIssued"
    data = {"key": key_of(browser.get(path)), "number": "12/UBND-VP", "signatory": "Chủ tịch", "digest": ""}
    page = browser.post(path, data=data, files={"digest_file": ("tra-loi.pdf", scan)})
    assert page.url.path == case, page.text
    replied = case_of(running[1], case)["events"][-1]
    assert replied["data"]["digest"] == hashlib.sha256(scan).hexdigest()
    again = filled(browser, f"{received(browser)}/acts/WrittenReplyIssued", number="13/UBND-VP", signatory="Chủ tịch")
    assert again.status_code == 422 and 'f-digest-why"' in again.text


def test_office__reports_a_reply_after_the_case_ended(browser: httpx.Client, running: tuple[Service, Service]) -> None:
    case = received(browser)
    reply = {"number": "1/UBND", "signatory": "Trưởng phòng", "digest": "0" * 64}
    assert filled(browser, f"{case}/acts/WrittenReplyIssued", **reply).status_code == 200
    shown = filled(browser, f"{case}/acts/PetitionWithdrawn", reason="đã xong")
    letter = re.search(r'href="(/cases/[^"]+/acts/ReminderSent\?deadline_id=[^"]+)"', shown.text)
    assert letter and "V/v báo cáo việc đã trả lời" in browser.get(letter[1]).text
    path = f"{case}/acts/ReplyReported"
    reports = {
        f"reports.{row}.{name}": value
        for row, who in enumerate(("party_committee", "government", "chair"))
        for name, value in (("recipient", who), ("on", "hôm nay"))
    }
    missing = filled(browser, path, **reports)
    assert missing.status_code == 422 and re.search(r'id="f-reply_number"[^>]*aria-invalid="true"', missing.text)
    more = filled(browser, path, more="reports")
    assert more.status_code == 200 and 'name="reports.2.recipient"' in more.text
    done = filled(browser, path, reply_number="1/UBND", **reports)
    assert done.status_code == 200, done.text
    named = case.rpartition("/")[2]
    (report,) = running[1].get("/v1/deadlines", subject_id=named, duty="reply_report")["items"]
    assert report["outcome"] == "met"


def test_form__sent_twice_records_once(browser: httpx.Client, running: tuple[Service, Service]) -> None:
    before = len(running[1].get("/v1/cases", limit=100)["items"])
    data = {"key": key_of(browser.get(NEW)), "jurisdiction": COMMUNE, "kind": "petition", "text": "Một lần"}
    first, second = browser.post(NEW, data=data), browser.post(NEW, data=data)
    assert first.url == second.url
    assert len(running[1].get("/v1/cases", limit=100)["items"]) == before + 1


def test_act__that_nothing_takes_back_is_shown_before_it_is_sent(
    browser: httpx.Client, running: tuple[Service, Service]
) -> None:
    path = f"/jurisdictions/{DISTRICT}/acts/DialoguePlanAdopted"
    plan = {"jurisdiction": DISTRICT, "number": "570/KH-UBND", "year": "2019", "key": key_of(browser.get(path))}
    last = running[0].get("/v1/events", after=0, limit=1000)["head"]
    asked = browser.post(path, data=plan)
    assert asked.status_code == 200 and "Xác nhận" in asked.text and "570/KH-UBND" in asked.text
    assert running[0].get("/v1/events", after=0, limit=1000)["head"] == last
    back = browser.post(path, data=plan | {"confirmed": "yes", "back": "yes"})
    assert 'value="570/KH-UBND"' in back.text
    assert running[0].get("/v1/events", after=0, limit=1000)["head"] == last
    done = browser.post(path, data=plan | {"confirmed": "yes"})
    assert done.url.path == f"/jurisdictions/{DISTRICT}" and "Đã ghi nhận" in done.text
    assert running[0].get("/v1/events", after=0, limit=1000)["events"][-1]["type"] == "DialoguePlanAdopted"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("jurisdiction", "H99", "hãy chọn một trong các mục của danh sách"),
        ("text", "", "Chưa nhập"),
        ("effective_on", "31/2/2019", "không phải là ngày"),
        ("effective_on", "1/1/2099", "sau ngày hôm nay"),
    ],
)
def test_refusal__stands_beside_its_field_and_keeps_what_was_filled_in(
    browser: httpx.Client, field: str, value: str, told: str
) -> None:
    given = {"jurisdiction": COMMUNE, "kind": "petition", "text": "Nội dung", "identities.0.name": "Lò", field: value}
    page = filled(browser, NEW, **given)
    assert page.status_code == 422
    assert re.search(rf'id="f-{field}"[^>]*aria-invalid="true"', page.text)
    assert re.search(rf'id="f-{field}-why">[^<]*{told}', page.text)
    assert re.search(rf'<a href="#f-{field}">[^<]*{told}', page.text)
    assert 'name="identities.0.name" autocomplete="off" value="Lò"' in page.text
    assert f'<option value="{COMMUNE}" selected>' in page.text or field == "jurisdiction"


@pytest.mark.slow
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
        until(lambda: client.get(NEW).status_code == 200)
        assert f'<option value="{COMMUNE}" selected>' in client.get(NEW).text
        done = filled(client, NEW, jurisdiction=COMMUNE, kind="petition", text="Nội dung")
        assert done.status_code == 200
        assert "Đăng xuất" in client.get("/").text and "<strong>văn phòng</strong> · Văn phòng" in client.get("/").text
        foreign = client.post(NEW, data={"key": "k"}, headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403
        assert client.post("/office/logout").url.path == "/office/login"
        assert client.get("/v1/cases").status_code == 401


def test_conflict__is_decided_on_its_page(running: tuple[Service, Service], browser: httpx.Client) -> None:
    intake, _ = running

    def push(version: str, **fields: Any) -> dict[str, Any]:
        body = {"jurisdiction": COMMUNE, "text": "Rác ở chợ.", "channel": "cổng", "source_version": version} | fields
        answer = httpx.put(f"{intake.url}/v1/petitions/by-reference/local/TN-1", json=body, timeout=30)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    petition = push("1")["id"]
    changed = push("2", channel="điện thoại", effective_on="2019-06-28")
    until(lambda: "cổng → điện thoại" in browser.get(f"/cases/{petition}").text)
    case = browser.get(f"/cases/{petition}").text
    assert changed["result"] == "changed" and "Đính chính kiến nghị" in case
    assert "01/07/2019 → 28/06/2019" in case and "28/06/2019" in case
    classified = {"subject": "Rác ở chợ", "field": "môi trường"}
    httpx.post(f"{intake.url}/v1/petitions/{petition}/classification", json=classified, timeout=30).raise_for_status()
    pushed = push("3", channel="zalo", text="Rác ở chợ ba ngày chưa gom.", effective_on="2019-06-28")
    assert pushed["result"] == "conflict"
    assert 'href="/conflicts"' in browser.get("/").text
    address = f"/conflicts/local/{pushed['conflict_id']}"
    until(lambda: f'href="{address}">Rác ở chợ</a>' in browser.get("/conflicts").text)
    assert "local: TN-1" in browser.get("/conflicts").text
    assert f'href="{address}"' in browser.get(f"/cases/{petition}").text
    page = browser.get(address).text
    assert "điện thoại → zalo" in page and "Rác ở chợ. → Rác ở chợ ba ngày chưa gom." in page
    done = browser.post(address + "/acceptance", data={"token": "", "key": "k"})
    assert (done.status_code, done.url.path) == (200, address)
    assert "Đã nhận thay đổi · local · " in done.text and "zalo" not in done.text
    assert f'href="/cases/{petition}"' in done.text
    until(lambda: "điện thoại → zalo" in browser.get(f"/cases/{petition}").text)
    assert "local: TN-1" not in browser.get("/conflicts").text
    assert address not in browser.get(f"/cases/{petition}").text
    late = browser.post(address + "/refusal", data={"token": "", "key": "k"})
    assert late.status_code == 409 and "Khác biệt này đã được xử lý" in late.text
    address = f"/conflicts/local/{push('4', channel='email', effective_on='2019-06-28')['conflict_id']}"
    kept = browser.post(address + "/refusal", data={"token": "", "key": "k"})
    assert "Đã giữ nguyên · local · " in kept.text and "zalo → email" in kept.text and "/acceptance" not in kept.text
