"""The pages for people: one language a page, due dates with how they were counted, links, empty states; sound HTML."""

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from services.followup.adapters.mail import DigestTemplate
from services.followup.adapters.read import case_listings
from services.followup.adapters.read.mail_digests import StoredDigests
from services.followup.console import cases as pages
from services.followup.console import work
from services.followup.console.language import COOKIE as LANGUAGE_COOKIE
from services.followup.domain.letters.digest import Recipient
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import AttendanceRecorded, ConferenceProposalDecided, ConferenceProposed
from shared.events.petition import PetitionClassified, PetitionForwarded, PetitionReceived
from shared.http.auth import COOKIE, Callers, Role, mint_token
from shared.identifiers import derived_id
from tests.support.following import projection_pool
from tests.support.history import History, day
from tests.support.intake_stub import StubIntake, problem_text
from tests.support.pages import ParsedPage, citing, walked
from tests.support.postgres import TestServer
from tests.support.projection import (
    AUTUMN,
    EDUCATION,
    ENVIRONMENT,
    PACKAGES,
    TITLES,
    dialogue,
    petition,
    project,
    replied,
)
from tests.support.reading import read_side


@pytest.fixture(scope="module")
def autumn_dsn(pg_server: TestServer) -> str:
    """The conference of August 2019 as it stands in autumn; nobody writes to it."""
    return asyncio.run(in_autumn(pg_server))


async def in_autumn(pg_server: TestServer) -> str:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await project(pool, dialogue(), AUTUMN)
    return dsn


@pytest.fixture
def intake() -> StubIntake:
    """An intake where every command is possible until a test says otherwise."""
    return StubIntake()


@pytest.fixture
async def client(autumn_dsn: str, intake: StubIntake) -> AsyncIterator[httpx.AsyncClient]:
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, intake=intake) as client:
        yield client


async def in_english(client: httpx.AsyncClient, path: str) -> ParsedPage:
    """The page as a browser shows it that has chosen English."""
    return ParsedPage(await client.get(path, headers={"Cookie": f"{LANGUAGE_COOKIE}=en"}))


async def test_first_page__is_what_is_to_be_seen_to_the_overdue_first(client: httpx.AsyncClient) -> None:
    page = ParsedPage(await client.get("/"))
    assert "Thứ Ba, ngày 01/10/2019: 6 việc quá hạn, 1 việc đến hạn trong 7 ngày, 1 việc chờ quyết định" in page.text
    overdue = page.text.index("Quá hạn 30/08/2019")
    soon, begun = page.text.index("Đến hạn trong 7 ngày 07/10/2019"), page.text.index("Chờ quyết định 1")
    assert overdue < page.text.index(TITLES["overdue"]) < soon < page.text.index(TITLES["complex"]) < begun
    assert TITLES["elsewhere"] in page.text[begun:]
    assert "Văn phòng HĐND-UBND" in page.text and "Phòng Tài nguyên và Môi trường" in page.text
    assert page.link(TITLES["overdue"]) == f"/cases/{petition('overdue')}"
    assert not {TITLES["answered"], TITLES["extended"]} & set(page.cases())
    english = await in_english(client, "/")
    assert "Tuesday 1 October 2019: 6 overdue, 1 due within 7 days" in english.text


async def test_first_page__tells_what_comes_and_what_a_conference_was_held_without(client: httpx.AsyncClient) -> None:
    page = ParsedPage(await client.get("/"))
    assert page.link("Hội nghị ngày 10/12/2019, Nhà văn hoá huyện") and page.link("Xem hội nghị sắp tới")
    # On an agenda: nobody has to decide.
    assert TITLES["waiting"] not in page.text
    held = page.text.index("Hội nghị đã tổ chức, chưa có nội dung chuẩn bị (4)")
    assert "Gửi giấy mời" not in page.text[:held] and "14/08/2019" in page.text[held:]


async def test_first_page_of_an_agency__has_all_that_it_owes(autumn_dsn: str) -> None:
    token, entry = mint_token("education", "agency", "H35.10", EDUCATION)
    callers = Callers((entry,), local_allowed=False)
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, callers) as client:
        page = ParsedPage(await client.get("/", headers={"Authorization": f"Bearer {token}"}))
    more = page.text[page.text.index("Việc khác phải làm 09/12/2019") :]
    assert TITLES["waiting"] in more and "Chuẩn bị nội dung trả lời" in more
    assert "không định hạn" in more and TITLES["complex"] in more
    assert "Chờ quyết định" not in page.text and "Hội nghị ngày 10/12/2019" in page.text


async def test_first_page__says_that_what_is_late_was_never_classified(pg_server: TestServer) -> None:
    dsn, history = await pg_server.fresh(*PACKAGES), dialogue()
    untitled = PetitionClassified(effective_on=day("2019-09-20"), subject="", field="đất đai")
    history.record(petition("overdue"), untitled, "2019-09-20 09:00")
    async with projection_pool(dsn) as pool:
        await project(pool, history, AUTUMN)
        async with read_side(pool, dsn, intake=StubIntake()) as client:
            page = ParsedPage(await client.get("/"))
    assert page.link("Chưa phân loại") == f"/cases/{petition('overdue')}"


async def test_first_page__asks_the_chair_to_decide_on_a_proposal(pg_server: TestServer) -> None:
    dsn, history = await pg_server.fresh(*PACKAGES), dialogue()
    conferences = {name: derived_id("conference", name) for name in ("asked", "accepted", "declined")}
    for conference in conferences.values():
        proposed = ConferenceProposed(
            effective_on=day("2019-09-25"),
            jurisdiction="H35.10",
            proposer=EDUCATION,
            petition_ids=(petition("overdue"),),
        )
        history.record(conference, proposed, "2019-09-25 09:00")
    for name, accepted in (("accepted", True), ("declined", False)):
        decided = ConferenceProposalDecided(effective_on=day("2019-09-26"), accepted=accepted)
        history.record(conferences[name], decided, "2019-09-26 09:00")
    async with projection_pool(dsn) as pool:
        await project(pool, history, AUTUMN)
        async with read_side(pool, dsn, intake=StubIntake()) as client:
            page = ParsedPage(await client.get("/"))
            waiting = page.text[page.text.index("Chờ quyết định 2") :]
            assert page.text.count("Đề xuất đối thoại") == 2
            assert (
                f"Đề xuất đối thoại: Phòng Giáo dục và Đào tạo Chờ quyết định đề xuất đối thoại Về: {TITLES['overdue']}"
                in waiting
            )
            assert "Đã chấp thuận đối thoại, chờ lên kế hoạch" in waiting
            undecided = (await client.get("/v1/work")).json()["undecided"]
            assert [each["decision"] for each in undecided["items"]] == ["decide", "plan", "schedule"]
            assert undecided["total"]["count"] == 3


async def test_first_page__shows_the_first_of_many_and_says_so(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "SHOWN", 1)
    page = ParsedPage(await client.get("/"))
    assert "1 việc đến hạn trong 7 ngày" in page.text
    # One of each kind, and the conference to come twice.
    assert len(page.cases()) == 6


async def test_open_cases__overdue_first_each_with_due_date_and_count(client: httpx.AsyncClient) -> None:
    page = ParsedPage(await client.get("/cases"))
    assert set(page.cases()) == set(TITLES.values()) - {TITLES["answered"]}
    assert page.cases()[0] == TITLES["replied"]
    assert page.cases().index(TITLES["overdue"]) < page.cases().index(TITLES["complex"])
    assert page.cases()[-1] == TITLES["elsewhere"]
    assert f"16/09/2019 Quá hạn {TITLES['overdue']}" in page.text
    assert "Trả lời kiến nghị bằng văn bản: 16/09/2019 quá hạn 11 ngày làm việc" in page.text
    assert "Phòng Tài nguyên và Môi trường" in page.text and "Không có thời hạn nào đang chạy." in page.text
    assert page.link(TITLES["overdue"]) == f"/cases/{petition('overdue')}"


async def test_source__and_how_far_it_is_read_stand_on_every_page(client: httpx.AsyncClient) -> None:
    for path in ("/", "/cases", f"/cases/{petition('late')}", "/figures", "/reports/2019"):
        page = ParsedPage(await client.get(path))
        assert "Nguồn test: tính đến 09:00, 01/10/2019." in page.text, path


async def test_filter_form__keeps_what_was_chosen(client: httpx.AsyncClient) -> None:
    page = ParsedPage(
        await client.get("/cases", params={"agency": ENVIRONMENT, "state": "assigned", "overdue": "true"})
    )
    assert page.cases() == [TITLES["overdue"]]
    chosen = [given.get("value") for tag, given in page.tags if tag == "option" and "selected" in given]
    assert chosen == ["open", "assigned", ENVIRONMENT]
    assert any("checked" in given for tag, given in page.tags if tag == "input")
    # The form sends what is left empty too.
    everything = ParsedPage(await client.get("/cases?agency=&state="))
    assert len(everything.cases()) == len(TITLES) - 1


async def test_nothing_matches__is_said(client: httpx.AsyncClient) -> None:
    nothing = f"/cases?agency={EDUCATION}&state=escalated"
    page = ParsedPage(await client.get(nothing))
    assert page.cases() == [] and "Không có vụ việc nào phù hợp." in page.text
    assert not any(tag == "table" for tag, _ in page.tags)
    assert "No case matches." in (await in_english(client, nothing)).text


async def test_pages__follow_links_and_keep_the_filter(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ON_A_PAGE", 3)
    found, path = list[str](), "/cases?agency=&state=&"
    while path:
        page = ParsedPage(await client.get(path))
        assert len(page.cases()) <= 3
        found += page.cases()
        path = next((href for href, text in page.links if "Trang sau" in text), "")
    assert len(found) == len(set(found)) == len(TITLES) - 1
    first = ParsedPage(await client.get(page.link("Về đầu danh sách")))
    assert first.cases() == found[:3]
    of_agency = ParsedPage(await client.get("/cases", params={"agency": ENVIRONMENT}))
    assert f"agency={ENVIRONMENT}" in of_agency.link("Trang sau")


async def test_conferences_of_an_agency__are_those_of_its_petitions_and_open(autumn_dsn: str) -> None:
    minted = {code: mint_token(code, "agency", "H35.10", code) for code in (EDUCATION, ENVIRONMENT, "H35.10.5")}
    callers = Callers(tuple(entry for _, entry in minted.values()), local_allowed=False)
    later, held = "Hội nghị ngày 10/12/2019", "Hội nghị ngày 23/08/2019"
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, callers) as client:
        for code, expected in ((EDUCATION, {later, held}), (ENVIRONMENT, {held}), ("H35.10.5", set[str]())):
            at = {"Authorization": f"Bearer {minted[code][0]}"}
            for sort in ("due", "title"):
                page = ParsedPage(await client.get(f"/conferences?sort={sort}", headers=at))
                assert {title.partition(",")[0] for title in page.cases()} == expected
                assert f"{len(expected)} vụ việc" in page.text
            for title in (later, held):
                conference = derived_id("conference", "later" if title == later else "c")
                answer = await client.get(f"/cases/{conference}", headers=at)
                assert answer.status_code == (200 if title in expected else 404), (code, title)


async def test_search__puts_titles_before_names_of_agencies(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ON_A_PAGE", 2)

    async def found(path: str) -> list[str]:
        titles: list[str] = []
        while path:
            page = ParsedPage(await client.get(path))
            titles += page.cases()
            path = next((href for href, text in page.links if text.startswith("Trang sau")), "")
        return titles

    by_due = await found("/cases?q=phong&show=all&sort=due")
    best = await found("/cases?q=phong&show=all")
    # Every petition of an agency is found by `Phòng …`; one has the word in its title.
    assert by_due.index(TITLES["complex"]) > 0
    assert best == [TITLES["complex"], *(title for title in by_due if title != TITLES["complex"])]
    monkeypatch.setattr(case_listings, "GATHERED", 0)  # too many to be put in that order
    assert await found("/cases?q=phong&show=all") == by_due


@pytest.mark.parametrize("question", ["", "?show=ended", "?show=all", "?state=assigned", "?q=phong"])
async def test_counts_by_state__add_up_to_the_total(client: httpx.AsyncClient, question: str) -> None:
    text = ParsedPage(await client.get(f"/cases{question}")).text
    total, states = re.findall(r"(\d+) vụ việc: (.+?)\. Tải về", text)[0]
    assert sum(map(int, re.findall(r"(\d+)(?:,|$)", states))) == int(total) > 0
    assert "0 vụ việc. Tải về" in ParsedPage(await client.get("/cases?q=khongco")).text


async def test_case__tells_every_day_of_its_counts(client: httpx.AsyncClient) -> None:
    page = ParsedPage(await client.get(f"/cases/{petition('complex')}"))
    assert TITLES["complex"] in page.text
    assert "Hạn cuối: hết thứ Hai, ngày 07/10/2019." in page.text
    english = await in_english(client, f"/cases/{petition('complex')}")
    assert "Due: by the end of Monday 7 October 2019." in english.text
    assert "15 ngày làm việc kể từ sau ngày 23/08/2019 (thời hạn mặc định của phần mềm" in (
        ParsedPage(await client.get(f"/cases/{petition('overdue')}")).text
    )
    assert "không tính ngày nghỉ 02/09" in page.text and "days off 2 Sep not counted" in english.text
    assert "Không tính thứ Hai, ngày 02/09/2019 (ngày nghỉ: Quốc khánh)." in page.text
    cells = [given for tag, given in page.tags if tag == "td" and given.get("class")]
    assert sum(str(c["class"]).startswith("counted") for c in cells) == 30
    assert [c["class"] for c in cells if "last" in str(c["class"])] == ["counted last"]
    assert "Xác định là vụ việc phức tạp Ngày 03/09/2019" in page.text
    assert "Marked complex On 3 September 2019" in english.text
    assert "Phòng Giáo dục và Đào tạo" in page.text


async def test_case__links_to_its_conference_whose_page_is_of_the_same_kind(client: httpx.AsyncClient) -> None:
    case = ParsedPage(await client.get(f"/cases/{petition('overdue')}"))
    conference = ParsedPage(await client.get(case.link("xem hội nghị")))
    assert "Nhà văn hoá huyện" in conference.text and "Gửi giấy mời" in conference.text
    assert "Thông báo công khai trên cổng thông tin điện tử" in conference.text


async def test_case__that_is_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/cases/{derived_id('nobody')}")
    assert answer.status_code == 404


SHOWN = (
    "/", "/cases", "/cases?state=escalated&overdue=true", "/conferences", "/jurisdictions", "/figures",
    "/reports/2019-09", f"/remind/{ENVIRONMENT}", f"/cases/{petition('late')}", f"/cases/{petition('waiting')}",
    f"/cases/{petition('late')}/acts/WrittenReplyIssued", f"/cases/{petition('late')}/acts/ExtensionGranted",
)  # fmt: skip


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_html__is_sound_speaks_one_language_and_runs_nothing(client: httpx.AsyncClient, language: str) -> None:
    for path in SHOWN:
        answer = await client.get(path, headers={"Cookie": f"{LANGUAGE_COOKIE}={language}"})
        page = ParsedPage(answer)
        assert (page.wrong, page.open) == ([], []), path
        assert len(page.ids) == len(set(page.ids))
        names = [tag for tag, _ in page.tags]
        assert "script" not in names and "img" not in names and names.count("h1") == 1 and names.count("main") == 1
        # The one other word is the link to the other language.
        other = "en" if language == "vi" else "vi"
        spoken = [str(given["lang"]) for _, given in page.tags if "lang" in given]
        assert spoken == [language, other], path
        assert all("scope" in given for tag, given in page.tags if tag == "th")
        labelled = {given.get("for") for tag, given in page.tags if tag == "label"}
        assert all(given["id"] in labelled for tag, given in page.tags if tag in ("select", "textarea"))
        assert "{{" not in answer.text and "Undefined" not in answer.text
        assert answer.text == unicodedata.normalize("NFC", answer.text)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"


async def test_referrer_policy__lets_a_browser_name_the_origin_of_our_forms(client: httpx.AsyncClient) -> None:
    for path in ("/", f"/cases/{petition('late')}", "/figures"):
        assert (await client.get(path)).headers["referrer-policy"] == "same-origin", path


async def test_title__is_escaped(pg_server: TestServer) -> None:
    history = History()
    received = history.receive("p", "2019-07-10")
    subject = '<script>alert(1)</script> & "đường"'
    history.record(received, PetitionClassified(effective_on=day("2019-07-10"), subject=subject, field="x"))
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn) as client:
        await project(pool, history, AUTUMN)
        for path in ("/", "/cases", f"/cases/{received}"):
            answer = await client.get(path)
            assert "<script>" not in answer.text and "&lt;script&gt;" in answer.text


async def test_sources__that_stopped_lag_or_are_not_there_are_said(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn) as client:
        empty = ParsedPage(await client.get("/"))
        assert "Chưa có nguồn dữ liệu nào." in empty.text
        assert "No source has been read yet." in (await in_english(client, "/")).text
        await project(pool, dialogue(), AUTUMN)
        await pool.execute("UPDATE sources SET state = 'stopped', reason = 'history differs', head = position + 3")
        stopped = ParsedPage(await client.get("/"))
        assert "Nguồn test: đã dừng, cần người xử lý. history differs" in stopped.text
        assert "còn 3 sự kiện chưa đọc" in stopped.text
        assert any(given.get("role") == "alert" for _, given in stopped.tags)


async def test_case__whose_events_wait_or_differ_says_so(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn) as client:
        await project(pool, dialogue(), AUTUMN)
        late = petition("late")
        await pool.execute(
            "INSERT INTO parked_events (source, position, event_id, petition_id, topic, reason) "
            "SELECT source, position, event_id, originator_id, topic, 'Undecodable' FROM facts "
            "WHERE originator_id = $1 ORDER BY position DESC LIMIT 1",
            late,
        )
        await pool.execute("UPDATE facts SET state = '\\x00ff' WHERE originator_id = $1", late)
        await pool.execute("INSERT INTO differences (subject_id, source, reason) VALUES ($1, 'test', 'why')", late)
        page = ParsedPage(await client.get(f"/cases/{late}"))
        assert "Có sự kiện chưa xử lý được" in page.text and "cần đối chiếu" in page.text
        view = (await client.get(f"/v1/cases/{late}")).json()
        assert (view["waits"], view["difference"], view["events"][-1]["waits"]) == (True, "why", "Undecodable")


async def test_figures__are_those_of_the_metrics(client: httpx.AsyncClient) -> None:
    answer = await client.get("/figures")
    page = ParsedPage(answer)
    assert page.wrong == []
    metrics = (await client.get("/metrics")).text
    for status, words in (("on_track", "Trong hạn"), ("due_soon", "Sắp đến hạn"), ("breached", "Quá hạn")):
        counts = re.findall(rf'followup_open_deadlines{{[^}}]*status="{status}"}} (\d+)', metrics)
        assert re.search(rf"{words} {sum(map(int, counts))}\b", page.text), status
    breaches = re.findall(r'followup_deadline_breaches_total{agency="(\S+)",kind="reply",source="test"} (\d+)', metrics)
    table = re.search(r"Trả lời kiến nghị bằng văn bản</th>((?:<td>\d+</td>)+)", answer.text)
    assert table
    assert int(re.findall(r"\d+", table[1])[-1]) == sum(int(count) for _, count in breaches)


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        (f"/cases/{derived_id('nobody')}", 404, "Không tìm thấy vụ việc trong phạm vi bạn được xem."),
        ("/nowhere", 404, "Không có gì ở địa chỉ này"),
        ("/cases?cursor=other", 400, "hãy mở lại từ đầu danh sách"),
    ],
)
async def test_problem__is_a_page_for_people_and_a_problem_for_programs(
    client: httpx.AsyncClient, path: str, status: int, told: str
) -> None:
    page = await client.get(path, headers={"Accept": "text/html,*/*"})
    assert page.status_code == status
    assert (
        told in page.text
        and 'href="/"' in page.text
        and "form-action 'self'" in page.headers["content-security-policy"]
    )
    problem = await client.get(path)
    assert problem.status_code == status
    assert problem.headers["content-type"] == "application/problem+json"


async def test_problem__of_the_api_stays_one_in_a_browser(client: httpx.AsyncClient) -> None:
    problem = await client.get(f"/v1/cases/{derived_id('nobody')}", headers={"Accept": "text/html"})
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.slow
async def test_nothing_that_is_linked__cites_the_default_that_nobody_adopted_or_is_dead(
    client: httpx.AsyncClient,
) -> None:
    told = await walked(client, *(f"/cases/{petition(name)}" for name in TITLES))
    kinds = {re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", path.partition("?")[0]) for path in told}
    assert {
        "/",
        "/cases",
        "/cases/ID",
        "/cases/ID/acts/RecordAnnulled",
        "/cases/ID/acts/WrittenReplyIssued",
        "/cases/ID/acts/ConclusionNoticeIssued",
        "/cases/ID/acts/ReminderSent",
        "/conferences",
        "/v1/reports",
        "/figures",
    } <= kinds
    assert any("format=csv" in path for path in told)
    assert citing(told) == []
    default = "thời hạn mặc định của phần mềm; đơn vị chưa ban hành quy định"
    assert default in told[f"/cases/{petition('overdue')}"]


def moved_to(province: str, history: History) -> History:
    """The same facts in another province, the only jurisdiction that is registered."""
    moved = History()
    begun = len(moved.facts)
    moved.register(province, "province")
    for fact in history.facts[begun:]:
        written = msgspec.json.encode(fact.event).replace(b"H35", province.encode())
        event = msgspec.json.decode(written, type=type(fact.event))
        place = fact.meta.jurisdiction.replace("H35", province)
        moved.record(fact.originator_id, event, fact.recorded_at, fact.meta.aggregate, place)
    return moved


@pytest.mark.slow
async def test_province_of_another_number__reads_nowhere_of_the_plan_behind_the_default(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, contextlib.AsyncExitStack() as stack:
        await project(pool, moved_to("H96", dialogue()), AUTUMN)
        client = await stack.enter_async_context(read_side(pool, dsn, intake=StubIntake()))
        told = await walked(client, *(f"/cases/{petition(name)}" for name in TITLES))
        for path in (
            "/v1/reports?period=2019-09",
            "/v1/reports?period=2019-09&format=csv",
            "/v1/reports?period=2019&format=csv",
            "/v1/uncountable",
        ):
            answer = await client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            told[path] = answer.text
        # An explanation's fields keep the id of the document, with `adopted: false`; the letter is for people.
        proposed = (await client.get("/v1/reminders/proposed")).json()["items"]
        told["letters"] = "\n".join("\n".join(each["letter"].values()) for each in proposed)
        assert {each["deadline"]["explanation"]["adopted"] for each in proposed} == {False}
        today = day("2019-10-01")
        agency = Recipient(ENVIRONMENT.replace("H35", "H96"), ("a@example.vn",))
        digest = await StoredDigests(pool).digest("test", agency, today, today)
        told["digest"] = "\n".join(DigestTemplate().render(digest))
    assert "4 việc quá hạn" in told["digest"] and "thời hạn mặc định của phần mềm" in told["letters"]
    assert sum("/acts/ReminderSent?deadline_id=" in path for path in told) > 2
    assert {path: told[path][:200] for path in citing(told)} == {}


async def test_lists__of_conferences_jurisdictions_and_what_is_done_with_are_linked(client: httpx.AsyncClient) -> None:
    page = ParsedPage(await client.get("/"))
    conferences = ParsedPage(await client.get(page.link("Hội nghị đối thoại")))
    assert "Nhà văn hoá huyện" in conferences.text and conferences.wrong == [] and len(conferences.cases()) == 2
    assert ParsedPage(await client.get(page.link("Địa bàn"))).wrong == []
    ended = ParsedPage(await client.get("/cases", params={"state": "answered"}))
    assert ended.cases() == [TITLES["answered"]]
    listed = ParsedPage(await client.get(page.link("Kiến nghị, phản ánh")))
    values = {given.get("value") for tag, given in listed.tags if tag == "option"}
    assert {"answered", "withdrawn", "merged", "closed", "resolved"} <= values


async def test_place__is_marked_on_the_pages_that_belong_to_it(client: httpx.AsyncClient) -> None:
    case = ParsedPage(await client.get(f"/cases/{petition('overdue')}"))
    conference = case.link("xem hội nghị")
    for path, place in (
        ("/", "/"), ("/cases", "/cases"), (f"/cases/{petition('late')}", "/cases"), ("/conferences", "/conferences"),
        (conference, "/conferences"), ("/jurisdictions", "/jurisdictions"), ("/reports/2019", "/reports"),
        ("/figures", "/administration"),
    ):  # fmt: skip
        page = ParsedPage(await client.get(path))
        assert [given["href"] for tag, given in page.tags if given.get("aria-current") == "page"] == [place], path


async def test_header__says_who_looks_and_where(autumn_dsn: str) -> None:
    token, entry = mint_token("Vàng A Sử", "agency", "H35.10", EDUCATION)
    callers = Callers((entry,), local_allowed=False, cookies=True)
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, callers) as client:
        by_token = ParsedPage(await client.get("/", headers={"Authorization": f"Bearer {token}"}))
        assert "Vàng A Sử · Cơ quan giải quyết" in by_token.text
        # Nothing to sign out of, and nothing to administer.
        assert "Đăng xuất" not in by_token.text and "/figures" not in [href for href, _ in by_token.links]
        by_cookie = ParsedPage(await client.get("/", headers={"Cookie": f"{COOKIE}={token}"}))
        assert "Đăng xuất" in by_cookie.text and token not in by_cookie.text
        english = {"Cookie": f"{COOKIE}={token}; {LANGUAGE_COOKIE}=en"}
        assert "Vàng A Sử · agency" in ParsedPage(await client.get("/", headers=english)).text


# --- the language ----------------------------------------------------------------------------------------------------


async def test_language__is_chosen_on_any_page_and_kept_there(client: httpx.AsyncClient) -> None:
    path = f"/cases?agency={ENVIRONMENT}&state=assigned&overdue=true"
    page = ParsedPage(await client.get(path))
    chosen = await client.get(page.link("EN"))
    assert (chosen.status_code, chosen.headers["location"]) == (303, path)
    cookie = chosen.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Max-Age=31536000" in cookie
    english = ParsedPage(await client.get(path))
    assert "Petitions" in english.text and "Kiến nghị, phản ánh" not in english.text
    assert english.cases() == [TITLES["overdue"]]
    back = await client.get(english.link("VI"))
    assert back.headers["location"] == path
    assert "Kiến nghị, phản ánh" in ParsedPage(await client.get(path)).text


@pytest.mark.parametrize("cookie", ["", "fr", "EN", '"en"', "en-GB", "\\" * 4000])
async def test_language__that_nobody_speaks_is_vietnamese(client: httpx.AsyncClient, cookie: str) -> None:
    page = ParsedPage(await client.get("/cases", headers={"Cookie": f"{LANGUAGE_COOKIE}={cookie}"}))
    assert ("html", {"lang": "vi"}) in page.tags


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "/a\nb"])
async def test_language__leads_nowhere_but_to_our_pages(client: httpx.AsyncClient, to: str) -> None:
    answer = await client.get("/language/en", params={"to": to})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_language__is_one_of_those_that_there_are(client: httpx.AsyncClient) -> None:
    assert (await client.get("/language/fr")).status_code in (400, 404)


async def test_case__is_found_by_the_code_of_its_receipt(pg_server: TestServer) -> None:
    history = History()
    received = PetitionReceived(effective_on=day("2019-07-10"), jurisdiction="H35.10", receipt_code="7KQ2M9XD4A")
    history.record(derived_id("petition", "r"), received, "2019-07-10 09:00")
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn) as client:
        await project(pool, history, AUTUMN)
        for typed in ("7KQ2M9XD4A", " 7kq2-m9xd-4a "):
            answer = await client.get("/search", params={"q": typed})
            assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{derived_id('petition', 'r')}")
        for typed in ("", "7KQ2M9XD4", '"', "%", "<b>"):
            answer = await client.get("/search", params={"q": typed})
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/cases"), typed
            page = await client.get(answer.headers["location"])
            assert page.status_code == 200 and "<b>" not in page.text, typed


async def test_days_late__are_on_the_pages_in_the_unit_of_the_limit(client: httpx.AsyncClient) -> None:
    assert "quá hạn 11 ngày làm việc" in ParsedPage(await client.get("/")).text
    assert "overdue by 11 working days" in (await in_english(client, "/")).text
    case = ParsedPage(await client.get(f"/cases/{petition('late')}"))
    assert "trễ 04 ngày làm việc" in case.text
    assert "late by 4 working days" in (await in_english(client, f"/cases/{petition('late')}")).text


async def test_case__while_intake_is_away_is_shown_without_acts_and_content(autumn_dsn: str) -> None:
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn) as client:
        page = ParsedPage(await client.get(f"/cases/{petition('late')}"))
        assert "Nguồn test không được đọc ở đây" in page.text
        assert "Nơi tiếp nhận không trả lời, chưa biết lúc này làm được việc gì." in page.text
        assert not any("/acts/" in href for href, _ in page.links)
        form = await client.get(f"/cases/{petition('late')}/acts/WrittenReplyIssued")
        assert form.status_code == 503 and "Nguồn test không được đọc ở đây" in form.text


@pytest.mark.parametrize(
    "page",
    [f"/remind/{ENVIRONMENT}", f"/people/test/posts/{derived_id('post', '1')}/PostEnded"],
    ids=["remind", "post"],
)
async def test_form__while_intake_is_away_says_so(autumn_dsn: str, page: str) -> None:
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn) as client:
        shown, sent = await client.get(page), await client.post(page, data={"channel": "letter"})
        assert shown.status_code == sent.status_code == 503
        assert "Nguồn test không được đọc ở đây" in shown.text and "Nguồn test không được đọc ở đây" in sent.text
        assert ">letter</textarea>" in sent.text


async def test_operators__are_told_that_intake_is_away_and_what_was_retried(autumn_dsn: str) -> None:
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn) as client:
        page = ParsedPage(await client.get("/administration", params={"retried": str(petition("late"))}))
        assert "Lệnh qua hàng đợi bị từ chối: test Nguồn test không được đọc ở đây" in page.text
        assert page.link("xem vụ việc") == f"/cases/{petition('late')}"
        assert (await client.get("/administration", params={"retried": "x"})).status_code == 400


async def test_reminders__that_intake_cannot_take_now_stay_on_the_page(
    client: httpx.AsyncClient, intake: StubIntake
) -> None:
    intake.answer = 503, problem_text(503, "store-unavailable", "Kho dữ liệu đang bận.", "The store is away.")
    form = await client.get(f"/remind/{ENVIRONMENT}")
    chosen = dict.fromkeys(re.findall(r'name="(deadlines\.[^"]+)"', form.text), "yes")
    answer = await client.post(f"/remind/{ENVIRONMENT}", data=chosen | {"channel": "letter"})
    assert answer.status_code == 503 and "Kho dữ liệu đang bận." in answer.text
    (act,) = intake.sent
    assert act[0] == "/v1/acts/remind" and len(act[1]["parts"]) == len(chosen) > 0


async def test_content__stands_on_the_page_of_the_case_by_the_event_that_brought_it(
    client: httpx.AsyncClient, intake: StubIntake
) -> None:
    view = (await client.get(f"/v1/cases/{petition('late')}")).json()
    intake.content = [
        {
            "topic": "PetitionReceived",
            "event_id": view["events"][0]["event_id"],
            "content": {"text": "Nước <đục>.", "identities": {"p1": {"name": "Lò Thị Mai", "phone": ""}}},
        },
        {"topic": "WrittenReplyIssued", "event_id": "x", "content": {"text": "Đã xử lý.", "answers": ["một", "hai"]}},
        {"topic": "PetitionClassified", "event_id": "y", "content": {}},
    ]
    answer = await client.get(f"/cases/{petition('late')}")
    page = ParsedPage(answer)
    assert "Tiếp nhận kiến nghị 10/07/2019 Nội dung kiến nghị, phản ánh Nước <đục>." in page.text
    assert "Họ tên, tên tổ chức Lò Thị Mai" in page.text and "Điện thoại" not in page.text
    assert "Trả lời từng ý một hai" in page.text and "Mỗi lần xem nội dung đều được ghi lại." in page.text
    assert "<đục>" not in answer.text


@pytest.mark.parametrize("role", ["auditor", "operations", "system"])
async def test_content__is_not_even_asked_for_by_those_who_may_not_see_it(autumn_dsn: str, role: Role) -> None:
    token, entry = mint_token("x", role, "H35")
    intake, callers = StubIntake(lambda token: frozenset({role})), Callers((entry,), local_allowed=False)
    headers = {"Authorization": f"Bearer {token}"}
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, callers, intake) as client:
        page = ParsedPage(await client.get(f"/cases/{petition('late')}", headers=headers))
        assert page.wrong == []
        assert [path for path, _ in intake.asked if path.endswith("/content")] == []
        # To intake goes the token of whoever looks, and nobody else's.
        assert {sent for _, sent in intake.asked} == {token}


async def test_acts__the_usual_next_first_what_is_not_possible_with_why(
    client: httpx.AsyncClient, intake: StubIntake
) -> None:
    why_not = "Chỉ mở lại được vụ việc đã kết thúc."
    intake.refused["PetitionReopened"] = problem_text(409, "never-ended", why_not, "It never ended.")
    intake.refused["PetitionMerged"] = problem_text(403, "role-may-not", "Không được.", "Not you.")
    case = f"/cases/{petition('overdue')}"
    page = ParsedPage(await client.get(case))
    acts = [text for href, text in page.links if href.startswith(f"{case}/acts/")]
    assert acts[:3] == ["Ban hành văn bản trả lời", "Báo cáo kết quả giải quyết", "Đôn đốc"]
    assert len(acts) == len(set(acts)) + 2  # the reminder of each deadline; a wrong record is annulled where it stands
    assert f"Chưa làm được lúc này: Mở lại vụ việc {why_not}" in page.text
    assert f"{case}/acts/PetitionReopened" not in dict(page.links)
    assert "Gộp kiến nghị" not in page.text  # what is another's to do is not told of
    assert "It never ended." in (await in_english(client, case)).text


async def test_acts__on_a_conference_are_those_of_conferences(client: httpx.AsyncClient) -> None:
    case = ParsedPage(await client.get(f"/cases/{petition('waiting')}"))
    page = ParsedPage(await client.get(case.link("xem hội nghị")))
    acts = {href.rpartition("/")[2].partition("?")[0] for href, _ in page.links if "/acts/" in href}
    assert {"ConferenceOpened", "InvitationsSent", "ConferenceRescheduled"} <= acts
    assert not {"PetitionClassified", "PetitionReceived", "DialoguePlanAdopted"} & acts
    buttons = [text for href, text in page.links if "/acts/" in href or "/do/" in href]
    # The notice and the invitations are one task; nobody completes a task that was not given, or opens before the day.
    assert "Thông báo và giấy mời" in buttons[:3]
    assert buttons[4:6] == ["Giao nhiệm vụ chuẩn bị", "Báo cáo công tác chuẩn bị"]
    assert page.text.index("Khai mạc") > page.text.index("Thao tác khác")
    assert "1 kiến nghị, phản ánh đã đưa vào chương trình. Xem chương trình" in page.text


async def test_acts__of_an_agency_begin_with_the_answer_that_it_was_asked_to_prepare(autumn_dsn: str) -> None:
    token, entry = mint_token("education", "agency", "H35.10", EDUCATION)
    callers = Callers((entry,), local_allowed=False)
    intake = StubIntake(lambda given: frozenset({"agency"}))
    at = {"Authorization": f"Bearer {token}"}
    async with projection_pool(autumn_dsn) as pool, read_side(pool, autumn_dsn, callers, intake) as client:
        page = ParsedPage(await client.get(f"/cases/{petition('waiting')}", headers=at))
        assert next(text for href, text in page.links if "/acts/" in href) == "Chuẩn bị nội dung trả lời"
        assert "Trả lời và báo cáo" not in page.text


async def test_recorded__names_each_part_of_what_was_done(client: httpx.AsyncClient) -> None:
    case = f"/cases/{petition('late')}"
    page = ParsedPage(await client.get(f"{case}?recorded=WrittenReplyIssued,AgencyResultReported"))
    assert "Đã ghi nhận: Ban hành văn bản trả lời; báo cáo kết quả giải quyết." in page.text
    # What was replied to is not to be replied to again first.
    assert "Trả lời và báo cáo" not in page.text


async def test_recorded__is_said_above_the_case_and_nothing_else_is(client: httpx.AsyncClient) -> None:
    case = f"/cases/{petition('late')}"
    page = ParsedPage(await client.get(f"{case}?recorded=WrittenReplyIssued&on=2019-09-20"))
    assert "Đã ghi nhận: Ban hành văn bản trả lời, thứ Sáu, ngày 20/09/2019." in page.text
    for query in ("recorded=Gotcha", "on=2019-09-20", ""):
        assert "Đã ghi nhận" not in ParsedPage(await client.get(f"{case}?{query}")).text


async def _breaches(client: httpx.AsyncClient, **wanted: str) -> list[str]:
    answer = await client.get("/v1/breaches", params=wanted)
    return [each["deadline_id"] for each in answer.json()["items"]]


async def test_case__shows_what_was_retracted_and_what_was_annulled(pg_server: TestServer) -> None:
    history = dialogue()
    history.until("2019-09-20 09:30")
    back_dated = history.record(petition("overdue"), replied("2019-09-16", "3/TL-UBND"), "2019-09-25 15:00")
    wrong = history.record(
        petition("escalated"), PetitionForwarded(effective_on=day("2019-09-26"), agency=EDUCATION), "2019-09-26 09:00"
    )
    annulled = RecordAnnulled(effective_on=day("2019-09-26"), event_id=wrong.event_id, reason="nhầm")
    history.record(petition("escalated"), annulled, "2019-09-26 10:00", "petition")
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn, intake=StubIntake()) as client:
        await project(pool, history, AUTUMN)
        page = ParsedPage(await client.get(f"/cases/{back_dated.originator_id}"))
        assert (
            "Việc báo quá hạn đã được rút lại" in page.text
            and "văn bản đề ngày còn trong hạn, vào sổ muộn" in page.text
        )
        view = (await client.get(f"/v1/cases/{back_dated.originator_id}")).json()
        (reply,) = [d for d in view["deadlines"] if d["duty"] == "reply"]
        assert [(r["at"], r["reason"]) for r in reply["retracted"]] == [("2019-09-25T08:00:00Z", "backdated_record")]
        assert reply["deadline_id"] not in await _breaches(client)
        one, other = await _breaches(client, retracted="true")
        assert (one, other > one) == (reply["deadline_id"], True)
        assert await _breaches(client, retracted="true", duty="reply", agency=reply["debtor"]) == [one]
        first = await client.get("/v1/breaches", params={"retracted": "true", "limit": "1"})
        second = await client.get(first.links["next"]["url"])
        assert [page.json()["items"][0]["deadline_id"] for page in (first, second)] == [one, other]
        assert "next" not in second.links
        for nobodys in ({"duty": "result_report"}, {"agency": "H35.99"}, {"jurisdiction": "H36"}):
            assert await _breaches(client, retracted="true", **nobodys) == []
        case = f"/cases/{wrong.originator_id}"
        shown = ParsedPage(await client.get(case))
        assert [given.get("class") for tag, given in shown.tags if tag == "h3"].count("annulled") == 1
        assert "Chuyển cơ quan chuẩn bị trả lời đã hủy Ngày 26/09/2019" in shown.text
        assert "Hủy lúc 10:00, 26/09/2019" in shown.text
        assert "Lý do bản ghi làm phát sinh thời hạn đã bị hủy" in shown.text
        form = await client.get(f"{case}/acts/RecordAnnulled")
        options = re.findall(r'<option value="([0-9a-f-]{36})"[^>]*>([^<]*)', form.text)
        assert str(wrong.event_id) not in dict(options)
        assert len({text for _, text in options}) == len(options) > 3
        assert not [text for _, text in options if re.search(r"\d{4}-\d\d-\d\d|H35\.", text)]
        assert [text for _, text in options if re.search(r", \d\d/\d\d/2019, Phòng ", text)]
        assert 'id="f-reason"' in form.text and form.text.count("(không bắt buộc)") == 1  # the day of the act alone


async def test_history__calls_each_of_many_bodies_by_its_name(pg_server: TestServer) -> None:
    history = dialogue()
    conference = derived_id("conference", "c")
    present = AttendanceRecorded(effective_on=day("2019-08-23"), agencies=(EDUCATION, "office"))
    history.record(conference, present, "2019-09-26 09:00")
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, read_side(pool, dsn, intake=StubIntake()) as client:
        await project(pool, history, AUTUMN)
        shown = ParsedPage(await client.get(f"/cases/{conference}"))
        assert "Cơ quan tham dự Phòng Giáo dục và Đào tạo, Văn phòng" in shown.text
        english = (await in_english(client, f"/cases/{conference}")).text
        assert "Agencies present Phòng Giáo dục và Đào tạo, the office" in english


async def test_html__names_its_charset_once(client: httpx.AsyncClient) -> None:
    for path in ("/", "/cases", "/figures", "/reports/2019", f"/cases/{petition('late')}/acts/WrittenReplyIssued"):
        assert (await client.get(path)).headers["content-type"] == "text/html; charset=utf-8"


async def test_report__of_a_quarter_keeps_its_numeral(client: httpx.AsyncClient) -> None:
    assert "<title>Báo cáo quý III năm 2019" in (await client.get("/reports/2019-Q3")).text


LATE = f"/cases/{petition('late')}/acts/WrittenReplyIssued"


async def test_form__takes_what_a_form_sends_and_no_more(client: httpx.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for kind in ("application/json", "text/plain"):
        answer = await client.post(LATE, content=b'{"text": "x"}', headers={"Content-Type": kind})
        assert answer.status_code == 415, answer.text
    for wrong in (b"text=%ff%fe", b"text=\xff"):
        assert (await client.post(LATE, content=wrong, headers=form)).status_code == 400
    for big in (b"text=" + b"a" * 12_000_000, b"&".join(b"%x=1" % n for n in range(1_000_000))):
        answer = await client.post(LATE, content=big, headers=form)
        assert (answer.status_code, answer.json()["detail"]) == (413, "the body is too large: at most 1 MiB")
    many = b"&".join(b"%x=1" % n for n in range(100_000))
    assert (await client.post(LATE, content=many, headers=form)).status_code == 400


async def test_form__that_is_refused_gives_back_no_more_than_was_sent(client: httpx.AsyncClient) -> None:
    data = {"number": "&" * 300_000, "unknown": "&" * 10_000, "signatory": "x", "digest": "0" * 64}
    page = await client.post(LATE, data=data, files={"x": b"a" * 9000})
    assert page.status_code == 422 and 300_000 * len("&amp;") < len(page.content) < 1_600_000


async def test_answers__are_compressed_but_for_those_that_a_stranger_could_probe(client: httpx.AsyncClient) -> None:
    case, by_hand, own = f"/cases/{petition('late')}", {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}
    signed_in = {"Cookie": "doithoai_session=x"}
    for path in ("/", f"{case}?recorded=x", LATE, "/v1/cases", "/reports/2019"):
        for headers in ({}, by_hand, own, own | signed_in):
            answer = await client.get(path, headers=headers)
            assert answer.headers.get("content-encoding") == "gzip", (path, headers)
        # What a page of others asks for with the cookies of whoever sits there, or an old browser that does not say so.
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        for headers in (foreign, foreign | {"Sec-Fetch-Site": "same-site"}, foreign | signed_in, signed_in):
            answer = await client.get(path, headers=headers)
            assert answer.status_code in (200, 401), (path, headers)
            assert "content-encoding" not in answer.headers, (path, headers)
    for path in ("/metrics", "/v1/events"):
        assert "content-encoding" not in (await client.get(path)).headers, path


async def test_files__are_offered_to_those_alone_who_may_read_them(autumn_dsn: str) -> None:
    for role, offered in (("office", True), ("auditor", False)):
        token, entry = mint_token(role, role, "H35.10")  # type: ignore[arg-type]
        callers = Callers((entry,), local_allowed=False)
        async with (
            projection_pool(autumn_dsn) as pool,
            read_side(pool, autumn_dsn, callers, intake=StubIntake()) as client,
        ):
            headers = {"Authorization": f"Bearer {token}"}
            page = (await client.get(f"/cases/{petition('replied')}", headers=headers)).text
        assert ("tải tệp về" in page, "có tệp" in page) == (offered, not offered), role
