"""Who may do what: tokens, roles, jurisdictions, agencies; nobody at all beyond loopback without a token."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.intake.bootstrap import callers_of
from services.intake.settings import IntakeSettings
from shared.http.auth import Callers, InvalidTokens, Role, mint_token
from tests.support.intake import COMMUNE, EDUCATION, OFFICE, Intake, served, tokens_file
from tests.support.waiting import until

TOKENS: dict[str, str] = {}


@pytest.fixture
async def guarded(database: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """An intake with one caller of each kind."""
    entries = []
    callers: list[tuple[str, Role, str, str]] = [
        ("portal", "system", "H35", ""),
        ("elsewhere", "system", "H36", ""),
        ("office", "office", "H35.10", ""),
        ("education", "agency", "H35.10", EDUCATION),
        ("auditor", "auditor", "VN", ""),
        ("district-auditor", "auditor", "H35.10", ""),
    ]
    for name, role, jurisdiction, agency in callers:
        TOKENS[name], entry = mint_token(name, role, jurisdiction, agency, amqp_user=name)
        entries.append(entry)
    async with served(database, tmp_path, tokens_file=str(tokens_file(tmp_path, *entries))) as running:
        await running.places()
        yield running


async def status(intake: Intake, caller: str, path: str, body: object = None) -> int:
    return (await intake.post(path, body, token=TOKENS[caller])).status_code


async def test_a_bad_token(guarded: Intake) -> None:
    for token in ("nonsense", TOKENS["portal"] + "x"):
        answer = await guarded.post("/v1/petitions", {"jurisdiction": COMMUNE}, token=token)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert (await guarded.get("/v1/events", token=token)).status_code == 401


async def test_a_role_that_may_not(guarded: Intake) -> None:
    petition = (await guarded.petition())["id"]
    classification = f"/v1/petitions/{petition}/classification"
    body = {"subject": "Đường", "field": "land"}
    assert await status(guarded, "auditor", "/v1/petitions", {"jurisdiction": COMMUNE}) == 403
    assert await status(guarded, "portal", classification, body) == 403
    assert await status(guarded, "office", classification, body) == 201
    assert await status(guarded, "portal", "/v1/clock", {"to": "2030-01-01T00:00:00Z"}) == 403


async def test_a_jurisdiction_that_may_not(guarded: Intake) -> None:
    assert await status(guarded, "elsewhere", "/v1/petitions", {"jurisdiction": COMMUNE}) == 403
    assert await status(guarded, "portal", "/v1/petitions", {"jurisdiction": COMMUNE}) == 201
    petition = (await guarded.petition())["id"]
    assert (await guarded.get(f"/v1/petitions/{petition}", token=TOKENS["elsewhere"])).status_code == 404
    assert (await guarded.get(f"/v1/petitions/{petition}", token=TOKENS["portal"])).status_code == 200


async def test_an_agency_acts_on_what_was_given_to_it(guarded: Intake) -> None:
    given, other = (await guarded.petition())["id"], (await guarded.petition())["id"]
    await guarded.done(f"/v1/petitions/{given}/forwarding", {"agency": EDUCATION})
    await guarded.done(f"/v1/petitions/{other}/forwarding", {"agency": OFFICE})
    answer = {"agency": EDUCATION, "text": "Dự thảo."}
    assert await status(guarded, "education", f"/v1/petitions/{other}/prepared-answer", answer) == 403
    assert await status(guarded, "education", f"/v1/petitions/{given}/prepared-answer", answer) == 201


async def test_the_feed_is_for_callers_of_the_whole_tree(guarded: Intake) -> None:
    assert (await guarded.get("/v1/events", token=TOKENS["auditor"])).status_code == 200
    assert (await guarded.get("/v1/events", token=TOKENS["district-auditor"])).status_code == 403
    assert (await guarded.get("/v1/events", token=TOKENS["education"])).status_code == 403


async def test_content_is_for_the_office_and_the_agency_that_has_the_case(guarded: Intake) -> None:
    petition = (await guarded.petition())["id"]
    path = f"/v1/petitions/{petition}/content"
    assert (await guarded.get(path, token=TOKENS["portal"])).status_code == 403
    assert (await guarded.get(path, token=TOKENS["education"])).status_code == 403
    assert (await guarded.get(path, token=TOKENS["office"])).status_code == 200
    reads = await guarded.rows("SELECT caller FROM content_reads")
    assert [row["caller"] for row in reads] == ["office"]


async def test_a_foreign_page_is_not_the_local_caller(guarded: Intake) -> None:
    answer = await guarded.post("/v1/petitions", {"jurisdiction": COMMUNE}, Origin="https://example.org")
    assert answer.status_code == 403
    assert (await guarded.client.get("/v1/clock", headers={"Host": "example.org"})).status_code == 403


def test_nothing_starts_beyond_loopback_without_tokens() -> None:
    with pytest.raises(InvalidTokens):
        callers_of(IntakeSettings(database_url="postgresql:///none", host="0.0.0.0"))


async def test_beyond_loopback_a_call_without_a_token_is_refused(database: str, tmp_path: Path) -> None:
    token, entry = mint_token("ops", "operations")
    path = str(tokens_file(tmp_path, entry))
    async with served(database, tmp_path, host="0.0.0.0", tokens_file=path) as running:
        assert (await running.get("/v1/clock")).status_code == 401
        assert (await running.get("/v1/clock", token=token)).status_code == 200
        assert (await running.get("/healthz")).status_code == 200
        assert (await running.get("/readyz")).status_code == 200


async def test_a_revoked_token_is_refused_and_a_new_one_taken_without_a_restart(database: str, tmp_path: Path) -> None:
    (old, first), (new, second) = mint_token("portal", "system", "H35"), mint_token("portal", "system", "H35")
    path = tokens_file(tmp_path, first)
    async with served(database, tmp_path, tokens_file=str(path)) as intake:
        await intake.places()
        body = {"jurisdiction": COMMUNE}

        async def is_answered(token: str, status: int) -> bool:
            return (await intake.post("/v1/petitions", body, token=token)).status_code == status

        assert await is_answered(old, 201) and await is_answered(new, 401)
        # A file that is being written, or is wrong, takes nobody's token away.
        path.write_text("{")
        tokens_file(tmp_path, second)
        await until(lambda: is_answered(new, 201))
        assert await is_answered(old, 401)
        tokens_file(tmp_path)
        await until(lambda: is_answered(new, 401))


def test_names_of_the_products_own_are_no_callers() -> None:
    for name in ("local", "bootstrap"):
        with pytest.raises(InvalidTokens, match=name):
            Callers((mint_token(name, "office")[1],), local_allowed=True)


@pytest.mark.parametrize("path", ["/v1/policies/check", "/v1/policies/comparison", "/v1/calendars/check"])
async def test_questions_about_rules__are_answered_to_those_who_may_adopt_them(guarded: Intake, path: str) -> None:
    body = {"policies/check": {}, "policies/comparison": {"before": "plan-570", "after": "plan-570"}}.get(path[4:], {})
    assert [await status(guarded, caller, path, body) for caller in ("office", "portal", "education", "auditor")] == [
        200,
        403,
        403,
        403,
    ]
