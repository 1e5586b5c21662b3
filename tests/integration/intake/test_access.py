"""Who may read what at intake, and give which command: every route, every role, every place."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from services.intake.application.command_body import CODECS
from services.intake.application.composite_acts import COMPOSITE_ACTS
from services.intake.bootstrap import callers_of, running
from services.intake.configured import seals_of
from services.intake.entrypoints.pushes import BY_REFERENCE
from services.intake.settings import IntakeSettings
from tests.support.access import (
    ANSWER,
    ANYBODY,
    CALLERS,
    CASE,
    COMPARED,
    CONFLICTS,
    CONFLICTS_NOTHING,
    CONTENT,
    DECIDERS,
    DRAFTERS,
    EVERYTHING,
    FILE_OF_CASE,
    FOLLOWERS,
    MINUTES,
    MINUTES_FILE,
    NATION,
    NOTHING_FOR_ANYBODY,
    OFFICES,
    OPERATORS,
    PUSHERS,
    STAFF,
    UPLOADERS,
    Asked,
    Question,
    Rule,
    address,
    callers_of_all_kinds,
    routes_of,
    wrong_answers,
)
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, OFFICE, served
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The rule of every route that is no command; a command's is the roles of its act.
RULES: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/progressz"): ANYBODY,
    ("GET", "/v1/petitions"): CASE,
    ("GET", "/v1/petitions/{target:str}"): CASE,
    ("GET", "/v1/petitions/{target:str}/answer"): ANSWER,
    ("GET", "/v1/petitions/by-reference/{source:str}/{external_id:str}/answer"): ANSWER,
    ("GET", "/v1/reconciliation"): COMPARED,
    ("GET", "/v1/reconciliation/statement"): COMPARED,
    ("GET", "/v1/petitions/{target:str}/content"): CONTENT,
    ("GET", "/v1/petitions/{target:str}/files/{digest:str}"): FILE_OF_CASE,
    ("GET", "/v1/conferences/{target:str}/files/{digest:str}"): MINUTES_FILE,
    ("GET", "/v1/conferences/{target:str}"): CASE,
    ("GET", "/v1/conferences/{target:str}/content"): MINUTES,
    ("GET", "/v1/petitions/{target:str}/commands"): CASE,
    ("GET", "/v1/conferences/{target:str}/commands"): CASE,
    ("GET", "/v1/jurisdictions/{target:str}/commands"): CALLERS,
    ("GET", "/v1/commands"): CALLERS,
    ("GET", "/v1/events"): FOLLOWERS,
    ("GET", "/metrics"): EVERYTHING,
    # The regulation is nobody's secret: who is charged with what, and how days are counted.
    ("GET", "/v1/jurisdictions"): CALLERS,
    ("GET", "/v1/agencies"): CALLERS,
    ("GET", "/v1/calendars"): CALLERS,
    ("GET", "/v1/calendars/{year:int}"): CALLERS,
    ("GET", "/v1/calendars/{year:int}/proposal"): CALLERS,
    ("GET", "/v1/policies"): CALLERS,
    ("GET", "/v1/plans"): CALLERS,
    ("GET", "/v1/catalogues"): CALLERS,
    ("GET", "/v1/jurisdictions/{target:str}/catalogues"): CALLERS,
    ("GET", "/v1/clock"): CALLERS,
    ("GET", "/v1/refused-commands"): OFFICES,
    ("GET", "/v1/people"): STAFF,
    ("GET", "/v1/me"): CALLERS,
    ("GET", "/v1/conflicts"): CONFLICTS,
    ("GET", "/v1/conflicts/{conflict_id:uuid}"): CONFLICTS_NOTHING,
    ("GET", "/docs"): ANYBODY,
    ("GET", "/docs/{operation:str}"): NOTHING_FOR_ANYBODY,
    ("GET", "/v1/problems"): ANYBODY,
    ("GET", "/v1/problems/{code:str}"): NOTHING_FOR_ANYBODY,
    ("GET", "/v1/schemas"): ANYBODY,
    ("GET", "/v1/schemas/{topic:str}"): NOTHING_FOR_ANYBODY,
}
#: Questions that are posted, and the clock: who may ask at all. An empty body is no question, and refused as one.
POSTED: dict[str, Rule] = {
    "/v1/policies/check": DRAFTERS,
    "/v1/policies/comparison": DRAFTERS,
    "/v1/calendars/check": DRAFTERS,
    "/v1/clock": OPERATORS,
    "/v1/files": UPLOADERS,
    "/v1/petitions/batch": PUSHERS,
    f"{BY_REFERENCE}/withdrawal": DECIDERS,  # of a source that none of these systems is
    "/v1/conflicts/{conflict_id:uuid}/acceptance": DECIDERS,
    "/v1/conflicts/{conflict_id:uuid}/refusal": DECIDERS,
}
FILE = b"%PDF-1.7 a file that both a petition and a conference name"
DIGEST = hashlib.sha256(FILE).hexdigest()
DOCUMENTATION = "/schema"
CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asked]:
    database, tmp_path = await pg_server.fresh("shared.postgres"), tmp_path_factory.mktemp("asked")
    folder = str(tmp_path / "files")
    async with served(database, tmp_path, files=folder) as intake:
        await intake.places()
        other = {"code": "H36", "name": "Tỉnh khác", "level": "province", "parent": "VN", "valid_from": "2004-01-01"}
        await intake.done("/v1/jurisdictions", other)
        petition = await intake.petition(source="cổng", external_id="1")
        await intake.done(f"/v1/petitions/{petition['id']}/forwarding", {"agency": EDUCATION})
        days = {"first_day": await intake.today(), "last_day": await intake.today(), "place": "Hội trường"}
        conference = {"jurisdiction": DISTRICT, "kind": "periodic", "office": EDUCATION} | days
        ids = {
            "petitions": petition["id"],
            "conferences": (await intake.done("/v1/conferences", conference))["id"],
            "jurisdictions": DISTRICT,
            "today": await intake.today(),
        }
        for name, command in (("petitions", "prepared-answer"), ("conferences", "preparation-report")):
            await intake.client.post("/v1/files", content=FILE)
            body = {"digest": DIGEST} | ({"agency": EDUCATION} if name == "petitions" else {})
            await intake.done(f"/v1/{name}/{ids[name]}/{command}", body)
        settings = intake.settings
    callers, askings = callers_of_all_kinds(EDUCATION, OFFICE)
    settings = IntakeSettings(
        database_url=database, source="local", master_key_file=settings.master_key_file, files=folder
    )
    callers_of(settings)
    async with (
        running(settings, callers, seals_of(settings)) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
    ):
        yield Asked(app, client, askings, ids)


def where(path: str, ids: Mapping[str, object]) -> str:
    target = ids.get(path.split("/")[2] if path.count("/") > 1 else "", "x")
    of_case = {"source": "cổng", "external_id": 1, "conflict_id": UUID(int=1)}
    found = address(path, {"target": target, "year": 2026, "digest": DIGEST, **of_case})
    if path.startswith("/v1/reconciliation"):
        return f"{found}?source=cổng&day={ids['today']}"
    return found + ("?source=cổng&external_id=1" if path == "/v1/petitions" else "")


async def test_route__has_a_rule(asked: Asked) -> None:
    """Whoever adds a route says here who may use it."""
    commands = {("POST", codec.route.path.replace("{id}", "{target:str}")) for codec in CODECS.values()}
    acts = {("POST", act.path) for act in COMPOSITE_ACTS.values()}
    named = RULES.keys() | commands | acts | {("POST", path) for path in POSTED} | {("PUT", BY_REFERENCE)}
    assert {r for r in routes_of(asked.app) if not r[1].startswith(DOCUMENTATION)} == named


async def test_contract__is_the_document_that_is_served(asked: Asked) -> None:
    committed = json.loads((CONTRACTS / "openapi-intake.json").read_text("utf-8"))
    headers = {"Authorization": f"Bearer {next(a.token for a in asked.askings if a.token)}"}
    assert (await asked.client.get("/schema/openapi.json", headers=headers)).json() == committed


async def test_question__is_answered_by_its_rule_alone(asked: Asked) -> None:
    questions = [
        Question(where(path, asked.ids), rule, COMMUNE if "petitions" in path else DISTRICT)
        for (_, path), rule in RULES.items()
    ]
    assert await wrong_answers(asked.client, asked.askings, questions) == []


async def test_posted_question__is_for_its_callers(asked: Asked) -> None:
    for method, path, rule in [
        *(("POST", path, rule) for path, rule in POSTED.items()),
        ("PUT", BY_REFERENCE, PUSHERS),
    ]:
        for asking in asked.askings:
            headers = {"Authorization": f"Bearer {asking.token}"} if asking.token else {}
            answer = await asked.client.request(method, where(path, asked.ids), json={}, headers=headers)
            allowed = rule(asking, NATION)
            assert (answer.status_code in (401, 403)) == (allowed != {200}), f"{asking}: {path}: {answer.text}"


async def test_command__is_taken_from_nobody_without_its_role(asked: Asked) -> None:
    for codec in CODECS.values():
        path = where(codec.route.path.replace("{id}", "{target:str}"), asked.ids).partition("?")[0]
        for asking in asked.askings:
            if asking.role in codec.route.roles and asking.place != "H36":
                continue
            headers = {"Authorization": f"Bearer {asking.token}"} if asking.token else {}
            answer = await asked.client.post(path, json={}, headers=headers)
            # Where a body needs fields, it is read before anybody is asked for a role.
            expected = {401} if not asking.role else {403, 404, 422}
            assert answer.status_code in expected, f"{asking}: {path}: {answer.status_code} {answer.text}"


async def test_act__is_taken_from_nobody_without_the_role_of_each_part(asked: Asked) -> None:
    target = asked.ids["petitions"]
    received = {"command": "PetitionReceived", "body": {"jurisdiction": COMMUNE, "text": "Nước."}}
    classified = {"command": "PetitionClassified", "target": target, "body": {"subject": "Nước", "field": "water"}}
    for parts in ([received, classified], [classified, received]):
        for asking in asked.askings:
            if asking.role in ("office", "chair") and asking.place != "H36":
                continue
            headers = {"Authorization": f"Bearer {asking.token}"} if asking.token else {}
            answer = await asked.client.post("/v1/acts/receive-and-classify", json={"parts": parts}, headers=headers)
            assert answer.status_code == (403 if asking.role else 401), f"{asking}: {answer.text}"
