"""Reminders over a real projection: who is to be urged, in which order, to whom it is shown, what counts as urged."""

import html
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.regulation_logs import RegulationLogs
from services.followup.adapters.read.reminders import Reminders
from services.followup.console.pages import Pages
from services.followup.console.problem_pages import for_people
from services.followup.entrypoints.app import make_app
from services.followup.entrypoints.queries import query_routes
from services.followup.entrypoints.reminders import reminder_routes
from shared.events.any_stream import RecordAnnulled, ReminderSent
from shared.events.regulation import JurisdictionRegistered
from shared.http.auth import Callers, mint_token
from shared.identifiers import derived_id
from tests.support.following import projection_pool
from tests.support.history import History, day
from tests.support.intake_stub import StubIntake
from tests.support.projection import AUTUMN, COMMUNE, EDUCATION, ENVIRONMENT, Pool, dialogue, petition, project
from tests.support.reading import console_routes

AGENCY, ENTRY = mint_token("phòng", "agency", "H35.10", EDUCATION)
CONFERENCE = derived_id("conference", "c")


@pytest.fixture
async def pool(followup_dsn: str) -> AsyncIterator[Pool]:
    async with projection_pool(followup_dsn) as made:
        yield made


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    queries, callers = Queries(pool), Callers((ENTRY,), local_allowed=True)
    reminders, pages = Reminders(pool, queries), Pages(queries)
    routes = [
        *query_routes(queries, LiveState(pool)),
        *reminder_routes(queries, reminders),
        *console_routes(pages, queries, reminders, RegulationLogs(pool), StubIntake()),
    ]
    transport = httpx.ASGITransport(make_app(routes, callers, for_people=for_people(pages)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made


def told() -> History:
    """The autumn of 2019 in a district that has a name."""
    history = dialogue()
    registered = JurisdictionRegistered(
        effective_on=day("2019-01-02"), code="H35.10", name="Huyện Tam Đường", level="district",
        valid_from=day("2004-01-01"),
    )  # fmt: skip
    history.record(derived_id("H35.10"), registered, "2019-09-20 10:00")
    return history


def deadline(history: History, subject: UUID, duty: str) -> UUID:
    return next(r.deadline_id for r in history.engine.raised_of(subject) if r.duty == duty)


async def proposed(client: httpx.AsyncClient, token: str = "", **query: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found: list[dict[str, Any]] = []
    address = str(httpx.URL("/v1/reminders/proposed", params=query))
    while address:
        answer = await client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        address = answer.links["next"]["url"] if "next" in answer.links else ""
    return found


def duties(proposals: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(p["deadline"]["duty"], p["deadline"]["due_on"]) for p in proposals]


async def test_proposed__are_the_overdue_then_those_due_soon(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    await project(pool, history, AUTUMN)
    found = await proposed(client)
    stages = [p["stage"]["kind"] for p in found]
    assert duties(found) == sorted(duties(found), key=lambda pair: pair[1])
    assert stages == sorted(stages) and set(stages) == {"breached", "due_soon"}
    # The complex case is due on 7 October: five working days before is 30 September.
    assert duties(found)[-1] == ("reply", "2019-10-07")
    by_page = await proposed(client, limit="2")
    assert [p["deadline"]["deadline_id"] for p in by_page] == [p["deadline"]["deadline_id"] for p in found]


async def test_urged__is_proposed_no_more_until_the_next_stage(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    reply = deadline(history, petition("complex"), "reply")
    history.record(
        petition("complex"),
        ReminderSent(effective_on=day("2019-09-30"), deadline_id=reply, to=EDUCATION),
        "2019-09-30 09:00",
        "petition",
    )
    await project(pool, history, AUTUMN)
    assert ("reply", "2019-10-07") not in duties(await proposed(client))
    shown = (await client.get(f"/v1/deadlines/{reply}")).json()
    assert shown["urged_on"] == "2019-09-30"
    items = (await client.get("/v1/deadlines", params={"subject_id": str(petition("complex"))})).json()["items"]
    assert {d["duty"]: d["urged_on"] for d in items} == {"reply": "2019-09-30", "result_report": None}
    assert "đã đôn đốc 30/09/2019" in (await client.get(f"/cases/{petition('complex')}")).text


async def test_first_page__says_when_who_is_late_was_reminded(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    sent = ReminderSent(
        effective_on=day("2019-09-30"), deadline_id=deadline(history, petition("overdue"), "reply"), to=ENVIRONMENT
    )
    history.record(petition("overdue"), sent, "2019-09-30 09:00", "petition")
    await project(pool, history, AUTUMN)
    assert (await client.get("/")).text.count("đã đôn đốc ngày 30/09/2019") == 1


async def test_screen__shows_each_letter_that_it_sends(pool: Pool, client: httpx.AsyncClient) -> None:
    await project(pool, told(), AUTUMN)
    page = (await client.get(f"/remind/{ENVIRONMENT}")).text
    late = re.findall(r'name="(deadlines\.[^"]+)"', page)
    assert page.count('<div class="letter">') == len(late) > 0 and "Kính gửi" in page


async def test_urged_again__names_the_day_of_the_last_time(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    reply = deadline(history, petition("complex"), "reply")
    sent = ReminderSent(effective_on=day("2019-09-30"), deadline_id=reply, to=EDUCATION)
    history.record(petition("complex"), sent, "2019-09-30 09:00", "petition")
    await project(pool, history, "2019-10-04 08:00")  # one working day before
    (again,) = [p for p in await proposed(client, agency=EDUCATION) if p["deadline"]["duty"] == "reply"]
    assert (again["urged_on"], again["stage"]) == ("2019-09-30", {"kind": "due_soon", "on": "2019-10-04"})
    assert "Đã đôn đốc lần gần nhất vào ngày 30 tháng 9 năm 2019" in again["letter"]["vi"]


async def test_annulled_reminder__did_not_urge(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    reply = deadline(history, petition("complex"), "reply")
    reminder = ReminderSent(effective_on=day("2019-09-30"), deadline_id=reply, to=EDUCATION)
    sent = history.record(petition("complex"), reminder, "2019-09-30 09:00", "petition")
    annulled = RecordAnnulled(effective_on=day("2019-09-30"), event_id=sent.event_id)
    history.record(petition("complex"), annulled, "2019-09-30 10:00", "petition")
    await project(pool, history, AUTUMN)
    assert ("reply", "2019-10-07") in duties(await proposed(client))


async def test_letter__is_ready_and_says_how_to_record_it(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    await project(pool, history, AUTUMN)
    (proposal,) = [p for p in await proposed(client, agency=EDUCATION) if p["deadline"]["duty"] == "reply"]
    reply = deadline(history, petition("complex"), "reply")
    assert proposal["recording"]["path"] == f"/v1/petitions/{petition('complex')}/reminders"
    assert proposal["recording"]["body"] == {
        "deadline_id": str(reply), "to": EDUCATION, "channel": "letter", "text": proposal["letter"]["vi"]
    }  # fmt: skip
    answer = await client.get(f"/v1/deadlines/{reply}/letter")
    assert (answer.status_code, answer.text) == (200, proposal["letter"]["vi"])
    assert answer.text.startswith("VĂN PHÒNG HĐND-UBND HUYỆN TAM ĐƯỜNG\n")
    assert "Kính gửi: Phòng Giáo dục và Đào tạo" in answer.text
    english = await client.get(f"/v1/deadlines/{reply}/letter", params={"lang": "en"})
    assert english.text.startswith("Reminder to")


async def test_letter__comes_from_the_office_of_the_conference(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    commune = JurisdictionRegistered(
        effective_on=day("2019-01-02"), code=COMMUNE, name="Xã Bản Bo", level="commune", parent="H35.10",
        valid_from=day("2004-01-01"),
    )  # fmt: skip
    history.record(derived_id(COMMUNE), commune, "2019-09-20 11:00", jurisdiction=COMMUNE)
    await project(pool, history, AUTUMN)
    reply = deadline(history, petition("extended"), "reply")  # from a commune, raised at the district's conference
    assert (await client.get(f"/v1/deadlines/{reply}")).json()["jurisdiction"] == COMMUNE
    assert (await client.get(f"/v1/deadlines/{reply}/letter")).text.startswith("VĂN PHÒNG HĐND-UBND HUYỆN TAM ĐƯỜNG\n")


async def test_letter__of_what_is_done_is_refused(pool: Pool, client: httpx.AsyncClient) -> None:
    history = told()
    await project(pool, history, AUTUMN)
    met = deadline(history, petition("replied"), "reply")
    answer = await client.get(f"/v1/deadlines/{met}/letter")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:doithoai:problem:nothing-to-urge")
    assert (await client.get(f"/v1/deadlines/{derived_id('none')}/letter")).status_code == 404


async def test_agency__is_shown_what_it_owes_alone(pool: Pool, client: httpx.AsyncClient) -> None:
    await project(pool, told(), AUTUMN)
    mine = await proposed(client, AGENCY)
    assert mine and {p["deadline"]["debtor"] for p in mine} == {EDUCATION}
    assert await proposed(client, AGENCY, agency=ENVIRONMENT) == []
    answer = await client.get("/v1/reminders/proposed", params={"cursor": "x"})
    assert answer.status_code == 400


async def test_conference_duty__is_recorded_on_the_conference(pool: Pool, client: httpx.AsyncClient) -> None:
    await project(pool, told(), AUTUMN)
    found = {p["deadline"]["duty"]: p for p in await proposed(client, agency="chair")}
    assert found["conclusion_notice"]["recording"]["path"] == f"/v1/conferences/{CONFERENCE}/reminders"
    assert "PHIẾU TRÌNH" in found["conclusion_notice"]["letter"]["vi"]


async def test_form__of_an_open_deadline_brings_debtor_and_letter(pool: Pool, client: httpx.AsyncClient) -> None:
    await project(pool, told(), AUTUMN)
    proposal = (await proposed(client))[0]
    body = proposal["recording"]["body"]
    case = f"/cases/{proposal['deadline']['subject_id']}"
    link = f"{case}/acts/ReminderSent?deadline_id={body['deadline_id']}"
    assert link in (await client.get(case)).text
    form = html.unescape((await client.get(link)).text)
    assert body["text"] in form
    assert f'<option value="{body["to"]}" selected>' in form
    assert f'<option value="{body["deadline_id"]}" selected>' in form
    other = await client.get(f"{case}/acts/ReminderSent?deadline_id={derived_id('none')}")
    assert other.status_code == 200
    assert 'rows="4"></textarea>' in other.text and "selected" not in other.text


async def test_screen__without_the_key_of_its_form_is_sent_and_answered(pool: Pool, client: httpx.AsyncClient) -> None:
    await project(pool, told(), AUTUMN)
    page = await client.get(f"/remind/{ENVIRONMENT}")
    late = re.findall(r'name="(deadlines\.[^"]+)"', page.text)
    answer = await client.post(f"/remind/{ENVIRONMENT}", data={late[0]: "yes", "channel": "letter"})
    assert answer.status_code == 422 and "Giá trị không dùng được." in answer.text


async def test_screen__says_so_while_intake_is_away(pool: Pool) -> None:
    await project(pool, told(), AUTUMN)
    queries = Queries(pool)
    pages, reminders = Pages(queries), Reminders(pool, queries)
    routes = console_routes(pages, queries, reminders, RegulationLogs(pool))
    app = make_app(routes, Callers((ENTRY,), local_allowed=True), for_people=for_people(pages))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as browser:
        page = await browser.get(f"/remind/{ENVIRONMENT}", headers={"Accept": "text/html"})
        assert page.status_code == 503 and "chưa ghi nhận gì, hãy báo người vận hành" in page.text
        sent = await browser.post(f"/remind/{ENVIRONMENT}", data={"key": "k"}, headers={"Accept": "text/html"})
        assert sent.status_code == 503
