"""The hall in a real browser: lines typed without a network, two who write at once, and no script at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.http.auth import mint_token
from tests.support.intake import tokens_file
from tests.support.interop import chromium
from tests.support.office import AGENCIES, DISTRICT, bearer
from tests.support.pair import Service, pair, until
from tests.support.postgres import TestServer

playwright = pytest.importorskip("playwright.sync_api")

WRITERS = ("thu-ky-a", "thu-ky-b")
PLACES = "[...document.querySelectorAll('li.speaker')].map(e => e.dataset.place).join()"
WITHIN = 30_000  # milliseconds for what the page does by itself


class HallPair:
    """A pair with two who keep records, and conferences that are being held."""

    def __init__(self, intake: Service, followup: Service, tokens: dict[str, str], tool: Any, folder: Path) -> None:
        self.intake, self.followup, self.tokens, self.tool, self.folder = intake, followup, tokens, tool, folder
        self._client = httpx.Client(verify=False, timeout=30, headers=bearer(tokens["national"]))

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def act(self, path: str, **body: Any) -> dict[str, Any]:
        """A command that must be accepted."""
        answer = self._client.post(f"{self.intake.url}{path}", json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def places(self) -> None:
        """A district with two agencies."""
        places = (("VN", "nation", ""), ("H35", "province", "VN"), (DISTRICT, "district", "H35"))
        for code, level, parent in places:
            self.act(
                "/v1/jurisdictions", code=code, name=f"Nơi {code}", level=level, parent=parent, valid_from="2004-01-01"
            )
        for code in AGENCIES[:2]:
            self.act("/v1/agencies", code=code, name=f"Phòng {code}", jurisdiction=DISTRICT, valid_from="2004-01-01")

    def conference(self, speakers: int) -> str:
        """A conference that is open, with so many speakers, each with a petition; its id, once followup has read it."""
        day = self._client.get(f"{self.intake.url}/v1/clock").json()["today"]
        place = {"jurisdiction": DISTRICT, "kind": "extraordinary", "place": "Hội trường"}
        found = str(self.act("/v1/conferences", **place, first_day=day, last_day=day)["id"])
        self.act(f"/v1/conferences/{found}/opening")
        last = self.act(f"/v1/conferences/{found}/secretary", name="Thư ký")
        for number in range(1, speakers + 1):
            petition = self.act("/v1/petitions", jurisdiction=DISTRICT, text="Đường vào bản bị sạt lở.")["id"]
            self.act(f"/v1/petitions/{petition}/classification", subject=f"Sửa đường số {number}", field="giao thông")
            self.act(f"/v1/petitions/{petition}/schedule", conference_id=found)
            last = self.act(
                f"/v1/conferences/{found}/speakers",
                speaker=str(number),
                petition_id=petition,
                name=f"Lò Thị Mai {number}",
            )
        until(lambda: self._is_read(last["position"]))
        return found

    def _is_read(self, position: int) -> bool:
        sources = self._client.get(f"{self.followup.url}/v1/sources").json()["items"]
        return bool(sources) and all(source["position"] >= position for source in sources)

    def words(self, conference: str) -> list[str]:
        """What intake has of every speaker's words, in the order of the calls."""
        events = self._client.get(f"{self.intake.url}/v1/conferences/{conference}/content").json()["events"]
        return [each["content"].get("words", "") for each in events if each["topic"] == "SpeakerCalled"]

    def topics(self, conference: str) -> list[str]:
        """What happened to the petitions of a conference."""
        cases = self._client.get(f"{self.followup.url}/cases/{conference}/hall/now").json()["speakers"]
        found: list[str] = []
        for case in cases:
            events = self._client.get(f"{self.followup.url}/v1/cases/{case['petition']}").json()["events"]
            found += [event["topic"] for event in events]
        return found

    @contextlib.contextmanager
    def browser(self, name: str, **options: Any) -> Iterator[Any]:
        """A browser whose storage stays when it is closed."""
        context = self.tool.chromium.launch_persistent_context(
            str(self.folder / name),
            executable_path=chromium(),
            args=["--no-sandbox"],
            locale="vi-VN",
            viewport={"width": 1280, "height": 900},
            **options,
        )
        context.set_default_timeout(WITHIN)
        try:
            yield context
        finally:
            context.close()

    def sign_in(self, page: Any, writer: str) -> None:
        """Sign in as one who keeps records."""
        page.goto(f"{self.followup.url}/office/login")
        page.fill("#token", self.tokens[writer])
        page.click("main button")
        page.wait_for_url(f"{self.followup.url}/")

    def enter(self, page: Any, conference: str) -> None:
        """Open the page of the hall."""
        page.goto(f"{self.followup.url}/cases/{conference}/hall")


@pytest.fixture(scope="module")
def hall(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallPair]:
    folder = tmp_path_factory.mktemp("hall")
    tokens, entries = dict[str, str](), []
    for name, role, place in (*((name, "office", DISTRICT) for name in WRITERS), ("national", "office", "VN")):
        tokens[name], entry = mint_token(name, role, place)  # type: ignore[arg-type]
        entries.append(entry)
    file = str(tokens_file(folder, *entries))
    source_token = folder / "source"
    source_token.write_text(tokens["national"])
    with pair(pg_server, folder) as made:
        # The services first: while Playwright runs, no other loop can be run in this thread.
        intake = made.intake(TOKENS_FILE=file).start()
        followup = made.followup(intake, TOKENS_FILE=file, SOURCE_TOKEN_FILE=str(source_token)).start(wait=False)
        with (
            playwright.sync_playwright() as tool,
            contextlib.closing(HallPair(intake, followup, tokens, tool, folder)) as found,
        ):
            found.places()
            followup.wait_ready()
            yield found


def until_unsent(page: Any, count: int) -> None:
    """Wait until so many lines are left to be sent."""
    page.wait_for_function("count => document.getElementById('hall').dataset.unsent === String(count)", arg=count)


def type_line(page: Any, words: str, outcome: int = 0, *then: str) -> None:
    """One line by keyboard alone, from where the focus is: the words, so many down in the outcomes, then what follows.

    Each of `then` is typed behind a tab; what begins with a down key chooses.
    """
    page.keyboard.insert_text(words)
    if outcome:
        page.keyboard.press("Tab")
        for _ in range(outcome):
            page.keyboard.press("ArrowDown")
    for each in then:
        page.keyboard.press("Tab")
        if each.startswith("↓"):
            for _ in each:
                page.keyboard.press("ArrowDown")
        elif each:
            page.keyboard.insert_text(each)
    page.keyboard.press("Control+Enter")


def type_slip(page: Any, name: str, subject: str) -> None:
    """Somebody stands up, by keyboard alone."""
    page.keyboard.press("Alt+m")
    page.keyboard.insert_text(name)
    for text in ("", "", "Xin sửa cầu treo.", subject, "giao thông"):
        page.keyboard.press("Tab")
        if text:
            page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")


@pytest.mark.timeout(240)
def test_hall__twenty_lines_without_a_network_are_recorded_once_and_in_order(hall: HallPair) -> None:
    conference = hall.conference(speakers=10)
    with hall.browser("offline") as context:
        page = context.pages[0]
        page.clock.install()
        hall.sign_in(page, WRITERS[0])
        hall.enter(page, conference)
        context.set_offline(True)
        page.keyboard.press("Alt+n")
        for number in range(1, 11):
            match number % 3:
                case 0:
                    type_line(page, f"Lời {number}", 1, "", "↓", f"Trả lời {number}")
                case 1:
                    type_line(page, f"Lời {number}", 2, "", "↓")
                case _:
                    type_line(page, f"Lời {number}")
        until_unsent(page, 10)
        for number in range(11, 16):
            type_slip(page, f"Vàng Thị Sua {number}", f"Cầu treo số {number}")
        page.keyboard.press("Alt+n")
        for number in range(11, 16):
            type_line(page, f"Lời {number}", 3)
        until_unsent(page, 20)
        page.clock.fast_forward("30:00")
        until_unsent(page, 20)
        assert page.locator("[data-show=link]").inner_text().startswith("Mất mạng")
        assert page.locator("[data-show=status]", has_text="chưa gửi").count() == 15
        assert page.locator("li[data-status=unsent]").count() == 15
        with contextlib.suppress(playwright.Error):  # there is no network to bring the page
            page.reload()
    # A browser that ends may get a line through without hearing of it: what counts is that each is there once.
    with hall.browser("offline") as context:
        page = context.pages[0]
        hall.sign_in(page, WRITERS[0])  # closing the browser has ended the session
        lost: list[str] = []

        def lose_some(route: Any) -> None:
            """Each third answer is lost after the line was recorded."""
            lost.append(route.request.method)
            if route.request.method == "POST" and lost.count("POST") % 3 == 1:
                route.fetch()
                route.abort()
            else:
                route.continue_()

        page.route("**/hall", lose_some)
        hall.enter(page, conference)
        for _ in range(30):  # each lost answer is asked for again at the next look
            if page.evaluate("document.getElementById('hall').dataset.unsent") == "0":
                break
            page.evaluate("dispatchEvent(new Event('online'))")
            page.wait_for_timeout(300)
        until_unsent(page, 0)
        assert lost.count("POST") > 20
        assert "Lời" not in page.evaluate("JSON.stringify(localStorage)")
        sent = "[...document.querySelectorAll('li.speaker')].map(e => e.dataset.status + e.dataset.number).join()"
        wanted = ",".join(f"sent{number}" for number in range(1, 16))
        until(lambda: page.evaluate(sent) == wanted, 20, f"{page.evaluate(sent)} {page.evaluate(PLACES)}")
        assert page.locator("[data-show=status]", has_text="đã gửi").count() == 15
        assert page.locator("[data-show=status]", has_text="chưa gửi").count() == 0
    assert hall.words(conference) == [f"Lời {number}" for number in range(1, 16)]
    topics = hall.topics(conference)
    assert topics.count("PetitionAnsweredAtConference") == 3
    assert topics.count("PetitionAssigned") == 4
    assert topics.count("PetitionRaised") == 3 + 4 + 5
    assert topics.count("PetitionReceived") == 15


@pytest.mark.timeout(120)
def test_hall__twenty_slips_are_written_down_by_keyboard_alone(hall: HallPair) -> None:
    conference = hall.conference(speakers=0)
    with hall.browser("slips") as context:
        page = context.pages[0]
        hall.sign_in(page, WRITERS[0])
        hall.enter(page, conference)
        for number in range(1, 21):
            type_slip(page, f"Giàng Thị Sua {number}", f"Kéo điện số {number}")
        until_unsent(page, 0)
        assert page.locator("li[data-status=turn], li[data-status=later]").count() == 20
    topics = hall.topics(conference)
    assert topics.count("PetitionReceived") == topics.count("PetitionScheduled") == 20


@pytest.mark.timeout(120)
def test_hall__two_who_write_at_once_overwrite_nothing(hall: HallPair) -> None:
    conference = hall.conference(speakers=3)
    with hall.browser("first") as first, hall.browser("second") as second:
        mine, theirs = first.pages[0], second.pages[0]
        for page, writer in ((mine, WRITERS[0]), (theirs, WRITERS[1])):
            hall.sign_in(page, writer)
            hall.enter(page, conference)
        first.set_offline(True)
        mine.keyboard.press("Alt+n")
        type_line(mine, "Bản của tôi")
        type_line(mine, "Người thứ hai")
        type_slip(mine, "Sùng A Páo", "Cầu treo")
        theirs.keyboard.press("Alt+n")
        type_line(theirs, "Bản của người kia")
        until_unsent(theirs, 0)
        type_slip(theirs, "Giàng A Lử", "Điện sinh hoạt")
        until_unsent(theirs, 0)
        first.set_offline(False)
        until_unsent(mine, 1)
        conflict = mine.locator("li[data-number='1']")
        assert "Bản của người kia" in conflict.locator("[data-show=theirs]").inner_text()
        assert WRITERS[1] in conflict.locator("[data-show=theirs]").inner_text()
        assert conflict.locator("textarea[name=words]").input_value() == "Bản của tôi"
        conflict.locator("[data-move]").click()
        until_unsent(mine, 0)
        assert "Bản của tôi" in mine.input_value("#minutes-minutes")
        # What the other did comes by itself: the speaker of theirs, mine under the next number.
        mine.locator("li[data-number='4']", has_text="Điện sinh hoạt").wait_for()
        mine.locator("li[data-number='5']", has_text="Cầu treo").wait_for()
        theirs.locator("li[data-number='5']", has_text="Cầu treo").wait_for()
        theirs.locator("li[data-number='2'][data-status=sent]").wait_for()
    assert hall.words(conference) == ["Bản của người kia", "Người thứ hai"]


@pytest.mark.timeout(120)
def test_hall__a_refused_line_is_corrected_and_those_behind_it_follow(hall: HallPair) -> None:
    conference = hall.conference(speakers=2)
    with hall.browser("refused") as context:
        page = context.pages[0]
        hall.sign_in(page, WRITERS[0])
        hall.enter(page, conference)
        context.set_offline(True)
        page.keyboard.press("Alt+n")
        type_line(page, "Không có cơ quan", 2)
        type_line(page, "Người thứ hai")
        type_slip(page, "Tẩn Mỹ Dao", "Nước sạch")
        context.set_offline(False)
        refused = page.locator("li[data-number='1'][data-status=refused]")
        refused.wait_for()
        page.locator("li[data-number='2'][data-status=waits]").wait_for()
        page.locator("li[data-number='3'][data-status=turn]").wait_for()
        assert refused.locator(".field.wrong label").inner_text().startswith("Cơ quan")
        refused.locator("select[name=agency]").select_option(AGENCIES[1])
        refused.locator("textarea[name=words]").press("Control+Enter")
        until_unsent(page, 0)
    assert hall.words(conference) == ["Không có cơ quan", "Người thứ hai"]
    assert hall.topics(conference).count("PetitionAssigned") == 1


@pytest.mark.timeout(120)
def test_hall__an_expired_session_loses_nothing_and_signing_out_clears_the_browser(hall: HallPair) -> None:
    conference = hall.conference(speakers=2)
    with hall.browser("expired") as context:
        page = context.pages[0]
        hall.sign_in(page, WRITERS[0])
        hall.enter(page, conference)
        context.set_offline(True)
        page.keyboard.press("Alt+n")
        type_line(page, "Lời trước khi hết phiên")
        context.clear_cookies()
        context.set_offline(False)
        page.wait_for_function("() => document.getElementById('hall').dataset.hindrance === 'signed_out'")
        until_unsent(page, 1)
        # Nobody else sends it: another who signs in here is told whose it is.
        other = context.new_page()
        hall.sign_in(other, WRITERS[1])
        page.bring_to_front()
        page.locator("[data-show=link] a").wait_for()
        until_unsent(page, 1)
        hall.sign_in(other, WRITERS[0])
        page.bring_to_front()
        until_unsent(page, 0)
        page.keyboard.press("Alt+n")
        page.keyboard.insert_text("Đang gõ dở")
        assert "Đang gõ dở" in page.evaluate("JSON.stringify(localStorage)")
        page.on("dialog", lambda dialog: dialog.accept())
        page.click("text=Đăng xuất")
        page.wait_for_url("**/office/login")
        assert page.evaluate("localStorage.length") == 0
    assert hall.words(conference) == ["Lời trước khi hết phiên"]


@pytest.mark.timeout(120)
def test_hall__minutes_are_drafted_kept_and_adopted(hall: HallPair) -> None:
    conference = hall.conference(speakers=1)
    with hall.browser("minutes") as context:
        page = context.pages[0]
        hall.sign_in(page, WRITERS[0])
        hall.enter(page, conference)
        page.keyboard.press("Alt+b")
        page.keyboard.insert_text("Hội nghị khai mạc lúc 8 giờ.")
        page.reload()
        assert page.input_value("#minutes-minutes") == "Hội nghị khai mạc lúc 8 giờ."
        page.press("#minutes-minutes", "Control+Enter")
        page.locator("[data-show=minutes]", has_text="đã thông qua").wait_for()
        until_unsent(page, 0)
        assert "khai mạc" not in page.evaluate("JSON.stringify(localStorage)")


@pytest.mark.timeout(120)
def test_hall__a_line_that_is_not_sent_is_taken_back_and_one_on_its_way_sent_once(hall: HallPair) -> None:
    conference = hall.conference(speakers=2)
    with hall.browser("back") as context:
        page = context.pages[0]
        hall.sign_in(page, WRITERS[0])
        hall.enter(page, conference)
        assert page.locator("li[data-number='1'] .quote").first.inner_text() == "Đường vào bản bị sạt lở."
        context.set_offline(True)
        page.keyboard.press("Alt+n")
        type_line(page, "Nhầm người")
        type_slip(page, "Sùng A Páo", "Cầu treo")
        until_unsent(page, 2)
        page.locator("li[data-number='1'] summary").click()
        page.locator("li[data-number='1'] [data-back]").click()
        until_unsent(page, 1)
        assert page.input_value("li[data-number='1'] textarea[name=words]") == "Nhầm người"
        page.fill("li[data-number='1'] textarea[name=words]", "Đúng người")
        page.locator("li[data-number='3'] summary").click()
        page.locator("li[data-number='3'] [data-back]").click()
        until_unsent(page, 0)
        assert (page.input_value("#slip-name"), page.input_value("#slip-subject")) == ("Sùng A Páo", "Cầu treo")
        context.set_offline(False)
        # Ctrl+Enter and a click at once are one line.
        page.evaluate("""() => {
            const form = document.querySelector("li[data-number='1'] form[data-form=conduct]");
            form.requestSubmit();
            form.requestSubmit();
        }""")
        until_unsent(page, 0)
        page.locator("li[data-number='1'][data-status=sent]").wait_for()
        page.evaluate("document.querySelector(\"li[data-number='1'] form[data-form=conduct]\").requestSubmit()")
        until_unsent(page, 0)
        page.wait_for_selector("li[data-number='2'] :focus")
        page.locator("[data-fill-minutes]").click()
        page.wait_for_function("() => document.getElementById('minutes-minutes').value.includes('Đúng người')")
        assert page.input_value("#minutes-minutes").startswith("1. Lò Thị Mai 1: Đúng người")
    assert hall.words(conference) == ["Đúng người"]


@pytest.mark.timeout(120)
def test_hall__slips_behind_a_taken_number_follow_in_turn(hall: HallPair) -> None:
    conference = hall.conference(speakers=1)
    with hall.browser("mine") as first, hall.browser("other") as second:
        mine, theirs = first.pages[0], second.pages[0]
        for page, writer in ((mine, WRITERS[0]), (theirs, WRITERS[1])):
            hall.sign_in(page, writer)
            hall.enter(page, conference)
        first.set_offline(True)
        type_slip(mine, "Người thứ nhất", "Việc một")
        type_slip(mine, "Người thứ hai", "Việc hai")
        type_slip(theirs, "Người của kia", "Việc kia")
        until_unsent(theirs, 0)
        first.set_offline(False)
        until_unsent(mine, 0)
        numbers = "[...document.querySelectorAll('li.speaker')].map(e => e.dataset.number).join()"
        until(lambda: mine.evaluate(numbers) == "1,2,3,4", 20, "numbers in turn")
        assert "Việc một" in mine.locator("li[data-number='3']").inner_text()
        assert mine.input_value("#slip-speaker") == "5"
        # The other's speaker is named without a reload.
        mine.locator("li[data-number='2']", has_text="Người của kia").wait_for()


@pytest.mark.timeout(120)
def test_hall__works_without_a_script(hall: HallPair) -> None:
    conference = hall.conference(speakers=2)
    with hall.browser("plain", java_script_enabled=False) as context:
        page = context.pages[0]
        hall.sign_in(page, WRITERS[0])
        hall.enter(page, conference)
        page.fill("#s1-words", "Không có kịch bản")
        page.select_option("#s1-outcome", "assigned")
        page.click("#turn button")
        assert page.locator("[role=alert]").first.is_visible()
        assert page.input_value("#s1-words") == "Không có kịch bản"
        page.select_option("#s1-agency", AGENCIES[0])
        page.click("#turn button")
        page.wait_for_url("**recorded=PetitionAssigned**")
        page.fill("#slip-name", "Sùng A Páo")
        page.fill("#slip-text", "Xin sửa cầu.")
        page.fill("#slip-subject", "Sửa cầu")
        page.fill("#slip-field", "giao thông")
        page.click("form[data-form=slip] button")
        page.wait_for_url("**recorded=SpeakerRegistered**")
        assert page.locator("li[data-number='3']").inner_text().startswith("3 Sùng A Páo Sửa cầu")
        page.fill("#minutes-minutes", "Biên bản")
        page.click("form[data-form=minutes] button")
        page.wait_for_url("**recorded=MinutesAdopted**")
    assert hall.words(conference) == ["Không có kịch bản"]
