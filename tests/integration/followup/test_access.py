"""Who may read what at followup: every route, every role, every place."""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.followup.bootstrap import running
from services.followup.console.addresses import LOGIN
from services.followup.console.daily.tasks import TASKS
from services.followup.console.favicon import FAVICON
from services.followup.settings import FollowupSettings
from services.intake.application.definitions import DEFINITIONS
from shared.events.regulation import JurisdictionRegistered
from shared.identifiers import derived_id
from tests.support.access import (
    ANYBODY,
    AWAY,
    CALLERS,
    CASE,
    DECIDERS,
    DECIDERS_AWAY,
    EVERYTHING,
    FOLLOWERS,
    KEEPERS_NOTHING,
    NATION,
    NO_AGENCY,
    NO_CASES,
    NO_INTAKE,
    NO_INTAKE_AT_PLACE,
    NOTHING,
    NOTHING_FOR_ANYBODY,
    PLACE,
    REMINDERS,
    SENT_BACK,
    SENT_ON,
    STAFF,
    STAFF_NOTHING,
    SUBSCRIBERS,
    WATCHERS,
    Asked,
    Asking,
    Question,
    Rule,
    address,
    callers_of_all_kinds,
    routes_of,
    wrong_answers,
)
from tests.support.following import projection_pool
from tests.support.history import History, day
from tests.support.intake_stub import StubIntake
from tests.support.pages import kind_of
from tests.support.postgres import TestServer
from tests.support.projection import AUTUMN, EDUCATION, PACKAGES, TITLES, dialogue, petition, project
from tests.support.reading import reading_app
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: A petition of the district that the agency owes an answer on, and the only case that its callers may see.
THEIRS = petition("waiting")
DISTRICT, STATION = "H35.10", "H35.10.7"
#: Who the caller is, which everybody may know of itself.
ME = "/v1/me"
RULES: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/progressz"): ANYBODY,
    ("GET", LOGIN): ANYBODY,
    ("GET", FAVICON): ANYBODY,
    ("GET", "/language/{language:str}"): SENT_BACK,
    ("GET", "/v1/cases/{subject_id:uuid}"): CASE,
    ("GET", "/cases/{subject_id:uuid}"): CASE,
    ("GET", "/cases/{subject_id:uuid}/acts/{command:str}"): NO_INTAKE,
    ("GET", "/cases/{subject_id:uuid}/do/{task:str}"): NO_INTAKE,
    ("GET", "/jurisdictions/{code:str}"): PLACE,
    ("GET", "/jurisdictions/{code:str}/acts/{command:str}"): NO_INTAKE_AT_PLACE,
    ("GET", "/jurisdictions/{code:str}/do/{task:str}"): NO_INTAKE_AT_PLACE,
    ("GET", "/remind/{agency:str}"): REMINDERS,
    ("GET", "/v1/deadlines/{deadline_id:uuid}"): CASE,
    ("GET", "/v1/deadlines/{deadline_id:uuid}/letter"): CASE,
    ("GET", "/v1/events"): FOLLOWERS,
    ("GET", "/v1/digest"): EVERYTHING,
    ("GET", "/v1/subscriptions"): SUBSCRIBERS,
    ("GET", "/v1/subscriptions/{subscription_id:uuid}"): SUBSCRIBERS,
    ("GET", "/v1/subscriptions/{subscription_id:uuid}/deliveries"): SUBSCRIBERS,
    ("GET", "/v1/sources"): EVERYTHING,
    ("GET", "/metrics"): EVERYTHING,
    ("GET", "/figures"): EVERYTHING,
    ("GET", "/v1/parked"): NO_AGENCY,
    ("GET", "/v1/differences"): NO_AGENCY,
    ("GET", "/v1/uncountable"): NO_AGENCY,
    # Lists: what the caller may see of them, which the test below looks at.
    ("GET", "/"): CALLERS,
    ("GET", "/v1/cases"): CALLERS,
    ("GET", "/v1/cases/totals"): CALLERS,
    ("GET", "/v1/cases.csv"): CALLERS,
    ("GET", "/v1/cases.xlsx"): CALLERS,
    ("GET", "/v1/work"): CALLERS,
    ("GET", "/v1/deadlines"): CALLERS,
    ("GET", "/v1/breaches"): CALLERS,
    ("GET", "/v1/agencies"): CALLERS,
    ("GET", "/v1/reports"): CALLERS,
    ("GET", "/v1/reminders/proposed"): CALLERS,
    ("GET", "/reports"): CALLERS,
    ("GET", "/reports/{period:str}"): CALLERS,
    ("GET", "/cases"): CALLERS,
    ("GET", "/conferences"): CALLERS,
    ("GET", "/jurisdictions"): CALLERS,
    ("GET", "/search"): SENT_ON,
    ("GET", "/cases/{subject_id:uuid}/files/{digest:str}"): NO_INTAKE,
    # The case that is asked for is a petition; nobody is `local` here, who alone has doors and samples.
    ("GET", "/cases/{subject_id:uuid}/hall"): NOTHING,
    ("GET", "/cases/{subject_id:uuid}/hall/now"): NOTHING,
    ("GET", "/cases/{subject_id:uuid}/hall/told"): KEEPERS_NOTHING,
    ("GET", "/conflicts"): DECIDERS,
    ("GET", "/conflicts/{source:str}/{conflict_id:uuid}"): DECIDERS_AWAY,
    ("GET", ME): CALLERS,
    ("GET", "/docs"): ANYBODY,
    ("GET", "/docs/{operation:str}"): NOTHING_FOR_ANYBODY,
    ("GET", "/v1/problems"): ANYBODY,
    ("GET", "/v1/problems/{code:str}"): NOTHING_FOR_ANYBODY,
    ("GET", "/v1/schemas"): ANYBODY,
    ("GET", "/v1/schemas/{topic:str}"): ANYBODY,
    ("GET", "/doors"): NOTHING,
    ("GET", "/doors/{name:str}"): NOTHING,
    ("GET", "/samples"): NOTHING,
    ("GET", "/administration"): WATCHERS,
    ("GET", "/people"): STAFF,
    ("GET", "/people/{source:str}/{kind:str}/{named:uuid}/{command:str}"): STAFF_NOTHING,
    # Rules and calendars are nobody's secret.
    ("GET", "/rules"): CALLERS,
    ("GET", "/rules/{code:str}/adopt"): NO_INTAKE_AT_PLACE,
    ("GET", "/rules/{code:str}/annul/{event_id:uuid}"): NOTHING,
    ("GET", "/calendars"): CALLERS,
    ("GET", "/calendars/{year:int}"): CALLERS,
    ("GET", "/calendars/{year:int}/edit"): AWAY,
    ("GET", "/jurisdictions/{code:str}/catalogues"): PLACE,
}
#: Forms: intake judges what they send, under the token of whoever sends it and has one of the roles of its act.
FORMS = {
    ("POST", LOGIN),
    ("POST", "/office/logout"),
    ("POST", "/cases/{subject_id:uuid}/acts/{command:str}"),
    ("POST", "/cases/{subject_id:uuid}/do/{task:str}"),
    ("POST", "/jurisdictions/{code:str}/acts/{command:str}"),
    ("POST", "/jurisdictions/{code:str}/do/{task:str}"),
    ("POST", "/remind/{agency:str}"),
    ("POST", "/conflicts/{source:str}/{conflict_id:uuid}/acceptance"),
    ("POST", "/conflicts/{source:str}/{conflict_id:uuid}/refusal"),
    ("POST", "/administration/retries/{source:str}/{petition_id:uuid}"),
    ("POST", "/calendars/{year:int}/edit"),
    ("POST", "/cases/{subject_id:uuid}/hall"),
    ("POST", "/people/{source:str}/{kind:str}/{named:uuid}/{command:str}"),
    ("POST", "/rules/{code:str}/adopt"),
    ("POST", "/rules/{code:str}/annul/{event_id:uuid}"),
}
#: What is done about webhooks, of those that the caller may see: `test_webhooks.py`.
OF_WEBHOOKS = {
    ("POST", "/v1/subscriptions"),
    ("PATCH", "/v1/subscriptions/{subscription_id:uuid}"),
    ("DELETE", "/v1/subscriptions/{subscription_id:uuid}"),
    *(
        ("POST", f"/v1/subscriptions/{{subscription_id:uuid}}/{act}")
        for act in ("pause", "resume", "replay", "secret", "verification", "test", "redelivery")
    ),
}
#: The pages of those who see to people.
OF_PEOPLE = (STAFF, STAFF_NOTHING)
QUERIES = {"/v1/reports": "?period=2019-09", "/reports": "?period=2019-09"}
#: The acts on a petition.
ACTS = [each for each in DEFINITIONS.values() if each.aggregate == "petition" and not each.creates]
CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


def told() -> History:
    """The autumn of 2019 in a district that is registered."""
    history = dialogue()
    registered = JurisdictionRegistered(
        effective_on=day("2019-01-02"), code=DISTRICT, name="Huyện Tam Đường", level="district",
        valid_from=day("2004-01-01"),
    )  # fmt: skip
    history.record(derived_id("jurisdiction", DISTRICT), registered, "2019-09-20 10:00")
    return history


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(pg_server: TestServer) -> AsyncIterator[Asked]:
    """The conference of August 2019 as it stood in autumn, and one caller of each kind."""
    autumn_dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(autumn_dsn) as pool:
        await project(pool, told(), AUTUMN)
    callers, askings = callers_of_all_kinds(EDUCATION, STATION)
    settings = FollowupSettings(database_url=autumn_dsn, migrate=False, sources="", source="local")
    async with (
        running(settings, callers) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
    ):

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready)  # it has seen that 0.4.0 has left nothing
        yield Asked(app, client, askings, callers=callers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acting(pg_server: TestServer, asked: Asked) -> AsyncIterator[Asked]:
    """The same pages and callers before an intake that judges by the role."""
    roles = {asking.token: frozenset({asking.role}) for asking in asked.askings}
    async with reading(pg_server, asked, StubIntake(roles.__getitem__)) as made:
        yield made


@contextlib.asynccontextmanager
async def reading(pg_server: TestServer, asked: Asked, intake: StubIntake) -> AsyncIterator[Asked]:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await project(pool, told(), AUTUMN)
        app = await reading_app(pool, dsn, asked.callers, intake)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            yield Asked(app, client, asked.askings, callers=asked.callers)


async def theirs(asked: Asked) -> dict[str, object]:
    """What stands in addresses: a case of the agency's, an open deadline of it, a form."""
    nation = next(a for a in asked.askings if a.role == "auditor" and a.place == NATION)
    headers = {"Authorization": f"Bearer {nation.token}"}
    file = (await asked.client.get(f"/v1/cases/{THEIRS}", headers=headers)).json()
    (deadline,) = [d for d in file["deadlines"] if d["debtor"] == EDUCATION]
    return {
        "subject_id": THEIRS,
        "subscription_id": THEIRS,
        "deadline_id": deadline["deadline_id"],
        "command": "WrittenReplyIssued",
        "language": "en",
        "task": "reply",
        "code": DISTRICT,
        "agency": "H35.10.99",
        "period": "2019-09",
        "source": "test",
        "kind": "posts",
        "named": THEIRS,
        "petition_id": THEIRS,
        "event_id": THEIRS,
        "year": 2019,
        "digest": "0" * 64,
        "name": "office",
        "conflict_id": THEIRS,
        "operation": "me",
        "topic": "DeadlineBreached",
    }


async def test_route__has_a_rule(asked: Asked) -> None:
    """Whoever adds a route says here who may use it."""
    found = {route for route in routes_of(asked.app) if not route[1].startswith("/schema")}
    known = RULES.keys() | FORMS | OF_WEBHOOKS
    assert sorted(found - known) == [] and sorted(known - found) == []


async def test_contract__is_the_document_that_is_served(asked: Asked) -> None:
    committed = json.loads((CONTRACTS / "openapi-followup.json").read_text("utf-8"))
    headers = {"Authorization": f"Bearer {next(a.token for a in asked.askings if a.token)}"}
    assert (await asked.client.get("/schema/openapi.json", headers=headers)).json() == committed


async def test_question__is_answered_by_its_rule_alone(asked: Asked) -> None:
    ids = await theirs(asked)
    questions = [Question(address(p, ids) + QUERIES.get(p, ""), rule, DISTRICT) for (_, p), rule in RULES.items()]
    others = [asking for asking in asked.askings if asking.role != "admin"]
    assert await wrong_answers(asked.client, others, questions) == []


async def test_question__is_answered_to_nobody_who_sees_to_people_alone(asked: Asked) -> None:
    ids = await theirs(asked)
    addresses = [
        address(p, ids) + QUERIES.get(p, "")
        for (_, p), rule in RULES.items()
        if rule not in (ANYBODY, *OF_PEOPLE) and p != ME
    ]
    admins = [asking for asking in asked.askings if asking.role == "admin"]
    shown = []
    for asking in admins:
        for each in addresses:
            answer = await asked.client.get(each, headers={"Authorization": f"Bearer {asking.token}"})
            if answer.status_code not in NO_CASES | {303}:  # the choice of a language leads on
                shown.append(f"{asking}: {each} was answered {answer.status_code}")
    assert shown == []


async def test_list__holds_only_what_its_caller_may_see(asked: Asked) -> None:
    """No title of a case that is out of reach is anywhere in what a caller is shown."""
    cases = {name: petition(name) for name in TITLES}
    for asking in [a for a in asked.askings if a.role]:
        headers = {"Authorization": f"Bearer {asking.token}"}
        seen = {
            name
            for name, subject_id in cases.items()
            if (await asked.client.get(f"/v1/cases/{subject_id}", headers=headers)).status_code == 200
        }
        hidden = [TITLES[name] for name in TITLES.keys() - seen]
        for (_, path), rule in RULES.items():
            if rule is CALLERS:
                where = address(path, {"period": "2019-09"})
                answer = await asked.client.get(where + QUERIES.get(path, ""), headers=headers)
                assert [title for title in hidden if title in answer.text] == [], f"{asking}: {path}"


async def test_form__names_no_case_that_its_caller_may_not_see(acting: Asked) -> None:
    """What there is to choose from is no more than what may be looked at."""
    cases = {name: petition(name) for name in TITLES}
    ids = await theirs(acting)
    naming = [act for act in DEFINITIONS.values() if {field.kind for field in act.fields} & {"petition", "conference"}]
    pages = [f"/cases/{THEIRS}/acts/{act.command}" for act in naming if act in ACTS]
    pages += [f"/jurisdictions/{DISTRICT}/acts/{act.command}" for act in naming if act.creates]
    pages += [address(path, ids | {"task": task}) for _, path in FORMS if "/do/" in path for task in TASKS]
    opened = 0
    for asking in [a for a in acting.askings if a.role in ("agency", "office")]:
        headers = {"Authorization": f"Bearer {asking.token}"}
        seen = {
            name
            for name, subject_id in cases.items()
            if (await acting.client.get(f"/v1/cases/{subject_id}", headers=headers)).status_code == 200
        }
        hidden = [TITLES[name] for name in TITLES.keys() - seen]
        for path in pages:
            answer = await acting.client.get(path, headers=headers)
            opened += answer.status_code == 200
            assert [title for title in hidden if title in answer.text] == [], f"{asking}: {path}"
    assert opened > 0


@pytest.mark.slow
async def test_page__links_only_what_answers_its_caller(acting: Asked) -> None:
    offered = dict[str, set[str]]()
    for asking in [a for a in acting.askings if a.role]:
        headers = {"Authorization": f"Bearer {asking.token}", "Accept": "text/html"}
        linked = set[str]()
        for path in ("/", "/cases", f"/cases/{THEIRS}", "/reports/2019-09"):
            page = await acting.client.get(path, headers=headers)
            if page.status_code == 200:
                linked |= {unescape(path) for path in re.findall(r'href="(/[^"]*)"', page.text)}
        for path in {kind_of(path): path for path in sorted(linked)}.values():
            answer = await acting.client.get(path, headers=headers)
            expected = 303 if path.startswith("/language/") else 200
            assert answer.status_code == expected, f"{asking}: {path} was answered {answer.status_code}"
        acts = {path.rpartition("/acts/")[2].partition("?")[0] for path in linked if f"/cases/{THEIRS}/acts/" in path}
        if CASE(asking, DISTRICT) == {200}:
            offered.setdefault(asking.role, set()).update(acts)
    assert offered == {
        role: {act.command for act in ACTS if role in act.roles}
        for role in ("office", "chair", "agency", "system", "auditor", "operations")
    }


async def test_form__is_taken_from_nobody_without_a_token(asked: Asked) -> None:
    for _, path in sorted(FORMS - {("POST", LOGIN)}):
        where = address(path, await theirs(asked))
        answer = await asked.client.post(where, data={"text": "…"})
        assert answer.status_code == 401, where


async def test_form__is_read_of_nobody_without_its_role(acting: Asked) -> None:
    """Whom intake would refuse sends no file through this process first."""
    assert await wrongly_read(acting, acting.askings) == []


async def test_form__is_read_of_nobody_without_its_role_whatever_intake_says(
    pg_server: TestServer, asked: Asked
) -> None:
    async with reading(pg_server, asked, StubIntake()) as deceived:
        assert await wrongly_read(deceived, [a for a in asked.askings if a.place == DISTRICT]) == []


async def wrongly_read(asked: Asked, askings: list[Asking]) -> list[str]:
    """Forms whose sender was answered otherwise than role and reach say, or whose body was read in vain."""
    read, wrong = list[str](), list[str]()

    async def body(who: str) -> AsyncIterator[bytes]:
        read.append(who)
        yield b"unknown=x"

    for asking in [a for a in askings if a.role]:
        headers = {"Authorization": f"Bearer {asking.token}", "Content-Type": "application/x-www-form-urlencoded"}
        for act in ACTS:
            read.clear()
            path = f"/cases/{THEIRS}/acts/{act.command}"
            answer = await asked.client.post(path, content=body(str(asking)), headers=headers)
            if CASE(asking, DISTRICT) == {404}:
                expected = {404}
            elif asking.role in act.roles:
                expected = {200, 422}
            else:
                expected = {403}
            if answer.status_code not in expected or bool(read) != (expected == {200, 422}):
                wrong.append(f"{asking}: {path} was answered {answer.status_code}, read {read}")
    return wrong
