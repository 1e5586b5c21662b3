"""The console in a real browser, on a pair on which the story was told: every kind of page as each role sees it.

A page has no violation that axe-core knows, and at 320 px nothing scrolls sideways but what says so itself; every
subject is three clicks away at most; and every form is taken, or refused with what was typed.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.story.places import AGRICULTURE, DISTRICT, ENVIRONMENT
from tests.support.browser import BEYOND, HEIGHT, WIDE, Looker, browser, page_of, press, walked
from tests.support.postgres import TestServer
from tests.support.told import ToldPair, told

NOBODY = "00000000-0000-4000-8000-000000000000"


class Desk:
    """What was told, and a browser with a page for each role and language."""

    def __init__(self, told: ToldPair, chrome: Any) -> None:
        self.told, self._chrome, self.looker = told, chrome, Looker()
        self._pages: dict[tuple[str, str], Any] = {}

    def page(self, role: str, language: str = "vi") -> Any:
        """The page of a browser that has signed in as a role."""
        if (role, language) not in self._pages:
            self._pages[role, language] = self.fresh(role, language)
        return self._pages[role, language]

    def fresh(self, role: str, language: str = "vi", **options: Any) -> Any:
        """A page of a browser of its own."""
        return page_of(
            self._chrome, self.told.followup.url, self.told.tokens[role], language, bypass_csp=True, **options
        )


@pytest.fixture(scope="module")
def desk(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    # The services first: while Playwright runs, no other loop can be run in this thread.
    with told(pg_server, tmp_path_factory.mktemp("pages")) as story, browser() as chrome:
        yield Desk(story, chrome)


# --- every kind of page ----------------------------------------------------------------------------------------------


def kind_of(path: str) -> str:
    """What is the same for pages that are made alike: a form by its act, a list by what narrows it."""
    act = re.search(r"/(?:acts|do)/(\w+)", path)
    return act[1] if act else re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|H35[.\d]*|VN|\d+|=[^&]*", "*", path)


def kinds(desk: Desk, role: str, clicks: dict[str, int]) -> list[str]:
    """One page of each kind that a role is led to; of petitions one of each state; and the halls."""
    found: dict[str, str] = {}
    listed = {} if role == "admin" else desk.told.ask("/v1/cases", role, limit=100)
    states = {case["subject_id"]: case["state"] for case in listed.get("items", [])}
    for path in clicks:
        if "/files/" not in path:
            subject = path.removeprefix("/cases/")
            found.setdefault(f"{kind_of(path)} {states.get(subject, '')}", path)
    return [*found.values(), *(path + "/hall" for path in conferences(clicks, states))]


def conferences(clicks: dict[str, int], states: dict[str, str]) -> list[str]:
    """The pages of conferences."""
    cases = {path for path in clicks if re.fullmatch("/cases/[0-9a-f-]{36}", path)}
    return sorted(path for path in cases if path.removeprefix("/cases/") not in states)


#: What of a page is no other page: ids, codes, numbers, days.
CHANGING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+|value=\"[^\"]*\"")
#: Pages of which a role before has seen the same.
SEEN: set[int] = set()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ["office", "chair", "agency", "auditor", "operations", "system", "admin"])
def test_pages__of_a_role_are_near_have_no_violation_and_fit_every_width(desk: Desk, role: str) -> None:
    page = desk.page(role)
    clicks = walked(page)
    assert far(desk, role, clicks) == []
    desk.looker.wrong.clear()
    for path in kinds(desk, role, clicks):
        answer = page.goto(path)
        if answer.status != 200:
            desk.looker.wrong.append(f"{path}: {answer.status}")
        same = hash(CHANGING.sub("", page.inner_html("main")))
        if same not in SEEN:
            SEEN.add(same)
            desk.looker.look(page, path)
    assert desk.looker.wrong == []


def far(desk: Desk, role: str, clicks: dict[str, int]) -> list[str]:
    """The subjects that a role may see and does not reach."""
    told = desk.told
    if role == "admin":
        wanted = ["/people"]
    else:
        cases = [each["subject_id"] for each in told.ask("/v1/cases", role, limit=100)["items"]]
        assert cases
        if role != "agency":  # which sees its own
            assert len(cases) >= 22
            wanted_conferences = conferences(clicks, dict.fromkeys(cases, ""))
            assert len(wanted_conferences) >= 2
        places = [DISTRICT, *(f"{DISTRICT}.{number}" for number in range(31, 45))]
        wanted = [f"/cases/{each}" for each in cases] + [f"/jurisdictions/{each}" for each in places]
        wanted += [f"/jurisdictions/{DISTRICT}/catalogues", "/rules"]
        if role in ("office", "chair"):
            wanted.append("/people")
        for many in ("/calendars/2019", "/reports/2019"):
            assert any(path.startswith(many) for path in clicks), many
    return [path for path in wanted if path not in clicks]


@pytest.mark.timeout(600)
def test_pages__in_english_fit_too(desk: Desk) -> None:
    page = desk.page("office", "en")
    desk.looker.wrong.clear()
    for path in kinds(desk, "office", walked(page)):
        page.goto(path)
        if page.get_attribute("html", "lang") != "en":
            desk.looker.wrong.append(f"{path}: not in English")
        desk.looker.fits(page, path)
    assert desk.looker.wrong == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_pages__that_say_why_there_is_nothing_are_pages_too(desk: Desk, language: str) -> None:
    page, looker = desk.page("office", language), desk.looker
    looker.wrong.clear()
    done = desk.told.ask("/v1/cases", state="withdrawn")["items"][0]["subject_id"]
    for path, status in (
        (f"/cases/{NOBODY}", 404), ("/nothing", 404), (f"/cases/{done}/acts/PetitionWithdrawn", 409),
        ("/reports/2019-13", 400), ("/jurisdictions/H99/acts/PetitionReceived", 404),
    ):  # fmt: skip
        assert page.goto(path).status == status, path
        looker.look(page, path)
    page.goto(f"/jurisdictions/{DISTRICT}/do/receive")
    assert press(page, "form.form .buttons button") == 422
    looker.look(page, "an empty form")
    assert desk.page("admin").goto("/cases").status == 403
    looker.look(desk.page("admin"), "a page of others")
    assert looker.wrong == []


# --- tasks that record many things at once ---------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "has_script"), [("vi", True), ("en", False)])
def test_tasks__prepare_a_conference_urge_and_report(desk: Desk, language: str, has_script: bool) -> None:
    conference = desk.told.conference(is_open=False)
    petitions = [desk.told.petition(f"Việc chuẩn bị {number}") for number in (1, 2)]
    for petition in petitions:
        desk.told.act(f"/v1/petitions/{petition}/schedule", conference_id=conference)
    desk.told.read()
    page = desk.fresh("office", language, java_script_enabled=has_script)
    page.goto(f"/cases/{conference}")
    assert press(page, "main a[href$='/do/forward']") == 200
    for name in (*(f"petitions.{each}" for each in petitions), f"agencies.{ENVIRONMENT}", f"agencies.{AGRICULTURE}"):
        page.check(f"[name='{name}']")
    assert press(page, "form.form .buttons button") == 200
    page.goto(f"/cases/{conference}")
    assert press(page, "main a[href$='/do/notify']") == 200
    for number, channel in enumerate(("media", "portal")):
        page.select_option(f"[name='notices.{number}.channel']", channel)
        page.fill(f"[name='notices.{number}.evidence']", "Bản tin 17 giờ 30")
    page.fill("[name=citizens]", "30")
    page.fill("[name=organisations]", "Hội Nông dân huyện\nHuyện đoàn")
    assert press(page, "form.form .buttons button") == 200
    assert topics(desk, conference) >= {"PublicNoticePublished", "InvitationsSent"}
    for petition in petitions:
        assert topics(desk, petition) >= {"PetitionForwarded"}
    page.goto("/")
    assert press(page, f"main a[href='/remind/{ENVIRONMENT}']") == 200
    assert page.locator("input[type=checkbox]:checked").count() > 0
    assert press(page, "form.form .buttons button") == 200
    assert press(page, "nav a[href='/reports']") == 200
    assert page.locator("main table").count() > 0
    page.context.close()


def topics(desk: Desk, case: str) -> set[str]:
    """What happened to a case."""
    return {event["topic"] for event in desk.told.ask(f"/v1/cases/{case}")["events"]}


# --- how many steps --------------------------------------------------------------------------------------------------


class Hand:
    """Fills in, chooses and presses, and counts."""

    def __init__(self, page: Any) -> None:
        self.page, self.steps = page, 0

    def fill(self, selector: str, text: str) -> None:
        self.steps += 1
        self.page.fill(selector, text)

    def choose(self, selector: str, value: str) -> None:
        self.steps += 1
        self.page.select_option(selector, value)

    def press(self, selector: str) -> int:
        self.steps += 1
        return press(self.page, selector)


def test_steps__to_a_petition_by_its_code(desk: Desk) -> None:
    case = desk.told.ask("/v1/cases", limit=5)["items"][-1]
    hand = Hand(desk.page("office"))
    hand.page.goto("/")
    hand.fill("[name=q]", case["receipt_code"].lower())
    assert hand.press("form[action='/search'] button") == 200
    assert hand.page.url.endswith(case["subject_id"])
    assert hand.steps <= 2


def test_steps__to_receive_and_classify(desk: Desk) -> None:
    hand = Hand(desk.page("office"))
    hand.page.goto("/")
    assert hand.press("main a.button") == 200
    hand.choose("#f-jurisdiction", f"{DISTRICT}.31")
    hand.fill("#f-name", "Sùng A Páo")
    hand.fill("#f-address", "bản Nà Hiềng")
    hand.fill("#f-phone", "0912 345 678")
    hand.fill("#f-text", "Cầu treo bản Nà Hiềng hỏng mặt cầu.")
    hand.fill("#f-subject", "Sửa cầu treo Nà Hiềng")
    hand.choose("#f-field", "giao-thong")
    hand.choose("#f-urgency", "urgent")
    assert hand.press("form.form .buttons button") == 200
    assert "Mã tiếp nhận trao cho công dân" in hand.page.inner_text("main")
    assert hand.steps <= 12


def test_steps__to_write_down_a_slip(desk: Desk) -> None:
    conference = desk.told.conference()
    desk.told.read()
    hand = Hand(desk.page("office"))
    hand.page.goto(f"/cases/{conference}")
    assert hand.press("main a[href$='/do/slip']") == 200
    hand.fill("#f-name", "Giàng Thị Sua")
    hand.fill("#f-address", "bản Sáy San")
    hand.fill("#f-phone", "0912 345 679")
    hand.fill("#f-text", "Xin kéo điện về bản.")
    hand.fill("#f-subject", "Kéo điện về bản Sáy San")
    hand.choose("#f-field", "ha-tang")
    assert hand.press("form.form .buttons button") == 200
    assert "Đã ghi nhận" in hand.page.inner_text("main")
    assert hand.steps <= 9
    hand.page.goto(f"/cases/{conference}")
    assert "Giàng Thị Sua" in hand.page.inner_text("main")


def test_steps__to_assign_seventeen_petitions_are_a_table_and_a_button(desk: Desk) -> None:
    conference = desk.told.conference()
    petitions = [desk.told.petition(f"Việc thứ {number}", conference) for number in range(1, 18)]
    desk.told.act(f"/v1/conferences/{conference}/closing")
    desk.told.read()
    page = desk.page("chair")
    page.goto(f"/cases/{conference}/do/conclude")
    page.fill("#f-number", "112/TB-UBND")
    page.fill("#f-signatory", "Chủ tịch UBND huyện")
    choose_files(page)
    for number, petition in enumerate(petitions):
        page.select_option(f"[id='f-line-{petition}.agency']", ENVIRONMENT if number % 2 else AGRICULTURE)
    assert press(page, "form.form .buttons button") == 200, page.inner_text("main")[:1000]
    assert "Đã ghi nhận" in page.inner_text("main")
    led = {each: desk.told.ask(f"/v1/cases/{each}") for each in petitions}
    assert {each["state"] for each in led.values()} == {"assigned"}
    assert {each["agency"] for each in led.values()} == {ENVIRONMENT, AGRICULTURE}


# --- every form ------------------------------------------------------------------------------------------------------


#: What a person fills in, each at its own id.
INPUTS = "form.form :is(input[id]:not([type=checkbox], [type=radio], [type=file]), select[id], textarea[id])"


def fill(page: Any) -> None:
    """Fill in what a form asks for, as a person would; what may be empty stays so."""
    for field in page.query_selector_all(INPUTS):
        name, tag = field.get_attribute("id"), field.evaluate("e => e.tagName")
        if field.get_attribute("required") is None or field.input_value():
            continue
        if tag == "SELECT":
            values = [o.get_attribute("value") for o in field.query_selector_all("option")]
            field.select_option(next(v for v in values if v and v != ENVIRONMENT))  # no form without a choice is linked
        elif "/" in (field.get_attribute("placeholder") or ""):
            field.fill("30/12/2019" if name == "f-expected_on" else "hôm nay")
        else:
            field.fill(f"Nội dung ô {name}")


def choose_files(page: Any) -> None:
    """Choose a file wherever a form takes one; what was chosen does not come back with a refusal."""
    for field in page.query_selector_all("form.form input[type=file]"):
        field.set_input_files({"name": "van-ban.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})


def send(page: Any) -> int:
    """Send the form; the status of the page that comes of it."""
    return press(page, "form.form .buttons button")


def forms(page: Any, petition: str) -> list[str]:
    page.goto(f"/cases/{petition}")
    acts = "main a[href*='/acts/']:not([href*='deadline_id'])"
    return [str(a) for a in page.eval_on_selector_all(acts, "all => all.map(a => a.getAttribute('href'))")]


@pytest.mark.timeout(600)
def test_forms__each_is_taken_or_refused_by_intake_and_keeps_what_was_typed(desk: Desk) -> None:
    page = desk.page("office")
    page.goto(f"/jurisdictions/{DISTRICT}/acts/PetitionReceived")
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
    conference = desk.told.conference()
    fresh, assigned = desk.told.petition("Sửa đường số 1"), desk.told.petition("Sửa đường số 2", conference)
    # Whatever ends those two, this one is withdrawn.
    another = desk.told.petition("Sửa đường số 3")
    desk.told.act(f"/v1/conferences/{conference}/closing")
    desk.told.act(f"/v1/petitions/{assigned}/assignment", agency=ENVIRONMENT)
    desk.told.read()
    for petition in (fresh, assigned, another):
        for path in forms(page, petition):
            act = path.rpartition("/")[2]
            if walked.get(act) == 200 or (petition == another and act != "PetitionWithdrawn"):
                continue
            if page.goto(path).status == 409:
                continue  # what was recorded meanwhile has made it impossible
            fill(page)
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


def test_form__seen_in_the_other_language_keeps_what_was_typed(desk: Desk) -> None:
    page = desk.fresh("office")
    page.goto(f"/jurisdictions/{DISTRICT}/acts/PetitionReceived")
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
    page = desk.fresh("office")
    (assigned, *_) = desk.told.ask("/v1/cases", "office", state="assigned")["items"]
    page.goto("/conferences")
    conference = page.get_attribute("main tbody a", "href")
    for path in (f"/cases/{assigned['subject_id']}", conference, "/reports"):
        page.goto(path)
        size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
        near = page.evaluate(size)
        page.set_viewport_size({"width": 1920, "height": 1080})
        assert page.evaluate(size) > near and page.evaluate(BEYOND) <= 0, path
        page.set_viewport_size({"width": WIDE, "height": HEIGHT})
        page.emulate_media(media="print")
        assert page.evaluate(NOT_ON_PAPER) == [] and page.evaluate(UNDERLINED) == [], path
        page.emulate_media(media="screen")
    page.goto(conference)
    preparation = page.locator("#prepare dl")
    assert not preparation.is_visible()
    page.emulate_media(media="print")
    assert preparation.is_visible()  # every phase is on the paper, also one that was not opened
    page.context.close()


def test_sign_out__is_taken_and_ends_what_the_browser_may(desk: Desk) -> None:
    page = desk.fresh("office")
    assert press(page, "text=Đăng xuất") == 200
    assert page.url.endswith("/office/login")
    # The language stays: it says nothing of who was here.
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"doithoai_language"}
    desk.looker.wrong.clear()
    desk.looker.look(page)
    page.fill("#token", "dt_wrong")
    assert press(page, "main button") == 401
    assert "Mã truy cập không đúng" in page.inner_text("main")
    desk.looker.look(page)
    assert desk.looker.wrong == []
    page.context.close()
