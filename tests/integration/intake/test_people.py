"""People at intake: posts on record, access tokens of a provider, the post that is acted in, delegations."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import build
from shared.http.auth import Role, mint_token
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, Intake, served, tokens_file
from tests.support.provider import Signer, signing
from tests.support.waiting import until

ADMIN = "6d1f2e8a-admin"
CLERK = "0c5a77e2-clerk"
DEPUTY = "91be4d10-deputy"


class Staffed:
    """An intake with a provider, and machine tokens by role."""

    def __init__(self, intake: Intake, signer: Signer, tokens: dict[str, str]) -> None:
        self.intake, self.signer, self.tokens = intake, signer, tokens

    async def granted(self, subject: str, *roles: str, token: str = "", **fields: Any) -> str:
        """A post that was granted; its id."""
        body = {
            "subject": subject,
            "name": "Lò Văn Nam",
            "position": "Chuyên viên Văn phòng HĐND-UBND",
            "roles": roles,
            "jurisdiction": DISTRICT,
            "valid_from": "2020-01-01",
        } | fields
        answer = await self.intake.post("/v1/people", body, token=token or self.tokens["admin"])
        assert answer.status_code == 201, answer.text
        (event,) = await self.intake.rows(
            "SELECT event_id FROM stored_events WHERE notification_id = $1", answer.json()["position"]
        )
        return str(event["event_id"])

    async def me(self, subject: str, **headers: str) -> Any:
        """Who intake takes a person for."""
        token = self.signer.token(subject)
        answer = await self.intake.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"} | headers)
        return answer.json() if answer.status_code == 200 else answer

    async def meta(self, answer: Any) -> dict[str, Any]:
        """The metadata of what was recorded."""
        assert answer.status_code == 201, answer.text
        (row,) = await self.intake.rows(
            "SELECT state FROM stored_events WHERE notification_id = $1", answer.json()["position"]
        )
        found: dict[str, Any] = json.loads(bytes(row["state"]))["meta"]
        return found


@pytest.fixture
async def staffed(placed: str, tmp_path: Path) -> AsyncIterator[Staffed]:
    kinds: list[tuple[str, Role, str]] = [
        ("admin", "admin", DISTRICT),
        ("operations", "operations", "VN"),
        ("chair", "chair", DISTRICT),
    ]
    tokens, entries = {}, []
    for name, role, jurisdiction in kinds:
        tokens[name], entry = mint_token(name, role, jurisdiction)
        entries.append(entry)
    async with signing() as signer:
        file = tokens_file(tmp_path, *entries)
        async with served(placed, tmp_path, tokens_file=str(file), issuer=signer.issuer) as intake:
            intake.client.headers["Authorization"] = f"Bearer {tokens['operations']}"
            yield Staffed(intake, signer, tokens)


PETITION = {"jurisdiction": COMMUNE, "text": "Đường vào bản bị sạt lở."}


async def test_person__acts_in_the_only_post_and_the_event_says_who(staffed: Staffed) -> None:
    post = await staffed.granted(CLERK, "office")
    answer = await staffed.intake.post("/v1/petitions", PETITION, token=staffed.signer.token(CLERK))
    meta = await staffed.meta(answer)
    assert (meta["on_behalf_of"], meta["post"], meta["actor"]) == (CLERK, post, f"person:{CLERK}")
    assert "delegation" not in meta


async def test_person__without_a_post_is_told_so(staffed: Staffed) -> None:
    answer = await staffed.intake.post("/v1/petitions", PETITION, token=staffed.signer.token("somebody"))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:doithoai:problem:no-post")
    assert (await staffed.me("somebody"))["roles"] == []


async def test_person__is_held_to_the_post(staffed: Staffed) -> None:
    await staffed.granted(CLERK, "office")
    elsewhere = await staffed.intake.post(
        "/v1/petitions", PETITION | {"jurisdiction": "H36"}, token=staffed.signer.token(CLERK)
    )
    assert elsewhere.status_code == 403
    assert (await staffed.intake.get("/v1/events", token=staffed.signer.token(CLERK), after="0")).status_code == 403


async def test_post__that_is_ended_stops_within_seconds(staffed: Staffed) -> None:
    post, token = await staffed.granted(CLERK, "office"), staffed.signer.token(CLERK)
    assert (await staffed.me(CLERK))["post"] == post
    ended = await staffed.intake.post(
        f"/v1/posts/{post}/ending", {"reason": "Chuyển công tác."}, token=staffed.tokens["admin"]
    )
    assert ended.status_code == 201, ended.text

    async def refused() -> bool:
        return (await staffed.intake.post("/v1/petitions", PETITION, token=token)).status_code == 403

    await until(refused)
    again = await staffed.intake.post(f"/v1/posts/{post}/ending", {}, token=staffed.tokens["admin"])
    assert again.json()["type"] == "urn:doithoai:problem:post-over"


async def test_posts__several_are_chosen_from_by_a_header(staffed: Staffed) -> None:
    office = await staffed.granted(CLERK, "office")
    agency = await staffed.granted(CLERK, "agency", agency=EDUCATION, position="Phó Trưởng phòng")
    token = staffed.signer.token(CLERK)

    async def both_known() -> bool:
        return len((await staffed.me(CLERK))["posts"]) == 2

    await until(both_known)
    unsaid = await staffed.intake.post("/v1/petitions", PETITION, token=token)
    assert (unsaid.status_code, sorted(unsaid.json()["allowed"])) == (409, sorted([office, agency]))
    assert unsaid.json()["field"] == "Doithoai-Post"
    assert {each["id"] for each in (await staffed.me(CLERK))["posts"]} == {office, agency}
    chosen = await staffed.me(CLERK, **{"Doithoai-Post": agency})
    assert (chosen["roles"], chosen["agency"], chosen["post"]) == (["agency"], EDUCATION, agency)
    for wrong in ("x", "00000000-0000-0000-0000-000000000000"):
        assert (await staffed.me(CLERK, **{"Doithoai-Post": wrong})).status_code == 403


async def test_person__acts_in_nobody_elses_name(staffed: Staffed) -> None:
    await staffed.granted(CLERK, "office")
    token = staffed.signer.token(CLERK)
    other = await staffed.intake.post("/v1/petitions", PETITION | {"on_behalf_of": "Chủ tịch"}, token=token)
    assert (other.status_code, other.json()["field"]) == (422, "on_behalf_of")
    own = await staffed.intake.post("/v1/petitions", PETITION | {"on_behalf_of": CLERK}, token=token)
    assert own.status_code == 201


async def test_delegation__gives_the_deputy_the_chairs_role_and_events_say_so(staffed: Staffed) -> None:
    post = await staffed.granted(DEPUTY, "office", position="Phó Chủ tịch")
    token, today = staffed.signer.token(DEPUTY), await staffed.intake.today()
    clerk = await staffed.granted(CLERK, "office")
    days = {"valid_from": today, "valid_until": today, "number": "5/QĐ-UBND"}
    onwards = f"/v1/posts/{clerk}/delegations"
    assert (await staffed.intake.post(onwards, days, token=token)).status_code == 403
    granted = await staffed.intake.post(f"/v1/posts/{post}/delegations", days, token=staffed.tokens["chair"])
    assert granted.status_code == 201, granted.text

    async def is_chair() -> bool:
        return "chair" in (await staffed.me(DEPUTY))["roles"]

    await until(is_chair)
    delegation = (await staffed.me(DEPUTY))["delegation"]
    passed_on = await staffed.intake.post(onwards, days, token=token)
    assert passed_on.json()["type"] == "urn:doithoai:problem:delegation-not-passed-on"
    # What the office may do needs no delegation, so the event names none.
    meta = await staffed.meta(await staffed.intake.post("/v1/petitions", PETITION, token=token))
    assert (meta["on_behalf_of"], meta["post"], "delegation" in meta) == (DEPUTY, post, False)
    ending = f"/v1/delegations/{delegation}/ending"
    meta = await staffed.meta(await staffed.intake.post(ending, {"reason": "Về sớm."}, token=token))
    assert (meta["on_behalf_of"], meta["delegation"]) == (DEPUTY, delegation)

    async def is_office_again() -> bool:
        return (await staffed.me(DEPUTY))["roles"] == ["office"]

    await until(is_office_again)


async def test_administrator__grants_within_the_own_subtree(staffed: Staffed) -> None:
    body = {"subject": CLERK, "name": "A", "position": "B", "roles": ["office"], "valid_from": "2020-01-01"}
    for place, status in ((COMMUNE, 201), ("H35", 403), ("VN", 403)):
        answer = await staffed.intake.post("/v1/people", body | {"jurisdiction": place}, token=staffed.tokens["admin"])
        assert answer.status_code == status, answer.text
    for role in ("chair", "operations"):
        answer = await staffed.intake.post("/v1/people", body | {"jurisdiction": DISTRICT}, token=staffed.tokens[role])
        assert answer.status_code == 403, answer.text


async def test_administrator__who_signed_in_grants_too(staffed: Staffed) -> None:
    await staffed.granted(ADMIN, "admin")
    token = staffed.signer.token(ADMIN)
    await staffed.granted(CLERK, "office", token=token)
    assert (await staffed.me(CLERK))["roles"] == ["office"]


async def test_names__are_sealed_and_opened_to_staff(staffed: Staffed) -> None:
    await staffed.granted(CLERK, "office")
    rows = await staffed.intake.rows("SELECT state, sealed FROM stored_events WHERE topic = 'PostGranted'")
    assert all("Lò Văn Nam".encode() not in bytes(row["state"]) + bytes(row["sealed"]) for row in rows)
    seen = (await staffed.intake.get("/v1/people", token=staffed.tokens["admin"])).json()["items"]
    assert [
        (person["subject"], person["name"], person["posts"][0]["stands"], person["posts"][0]["may_deputise"])
        for person in seen
    ] == [(CLERK, "Lò Văn Nam", True, True)]
    assert (await staffed.intake.get("/v1/people", token=staffed.tokens["operations"])).status_code == 403


async def test_post__that_is_annulled_stops_and_is_shown_as_such(staffed: Staffed) -> None:
    post, admin = await staffed.granted(CLERK, "office"), staffed.tokens["admin"]
    body = {"reason": "Nhầm người.", "source": "admin", "external_id": "huy-1"}
    for status in (201, 200):  # what is known by its reference is answered as it was
        answer = await staffed.intake.post(f"/v1/posts/{post}/annulment", body, token=admin)
        assert answer.status_code == status, answer.text

    async def refused() -> bool:
        answer = await staffed.intake.post("/v1/petitions", PETITION, token=staffed.signer.token(CLERK))
        return answer.status_code == 403

    await until(refused)
    (person,) = (await staffed.intake.get("/v1/people", token=admin)).json()["items"]
    assert [(each["stands"], each["annulled"]) for each in person["posts"]] == [(False, True)]
    await staffed.granted(CLERK, "office")


async def test_name__that_is_erased_opens_to_nobody(staffed: Staffed) -> None:
    await staffed.granted(CLERK, "office")
    await staffed.granted(DEPUTY, "chair", name="Hà Thị Bé")
    admin = staffed.tokens["admin"]
    (clerk,) = [p for p in (await staffed.intake.get("/v1/people", token=admin)).json()["items"] if p["name"][0] == "L"]
    erasure = f"/v1/people/{clerk['id']}/erasure"
    assert (await staffed.intake.post(erasure, {}, token=staffed.tokens["chair"])).status_code == 403
    assert (await staffed.intake.post(erasure, {}, token=admin)).status_code == 201
    people = (await staffed.intake.get("/v1/people", token=admin)).json()["items"]
    assert sorted(person["name"] for person in people) == ["", "Hà Thị Bé"]
    owners = await staffed.intake.rows("SELECT owner_id FROM sealing_keys WHERE owner_id LIKE 'person/%'")
    assert len(owners) == 1
    assert (await staffed.intake.post(erasure, {}, token=admin)).json()["type"] == "urn:doithoai:problem:not-found"
    # Who is given a post again has a name again.
    await staffed.granted(CLERK, "auditor", name="Lò Văn Nam")
    people = (await staffed.intake.get("/v1/people", token=admin)).json()["items"]
    assert sorted(person["name"] for person in people) == ["Hà Thị Bé", "Lò Văn Nam"]


async def test_people__are_listed_page_by_page(staffed: Staffed) -> None:
    for number in range(3):
        await staffed.granted(f"subject-{number}", "office")
    found, path = set(), "/v1/people?limit=2"
    while path:
        answer = await staffed.intake.client.get(path, headers={"Authorization": f"Bearer {staffed.tokens['admin']}"})
        found |= {person["subject"] for person in answer.json()["items"]}
        path = answer.links.get("next", {}).get("url", "")
    assert found == {"subject-0", "subject-1", "subject-2"}


@pytest.mark.parametrize(
    ("why", "claims", "header"),
    [
        ("another audience", {"aud": "other"}, {}),
        ("another issuer", {"iss": "https://elsewhere.example"}, {}),
        ("no end", {"exp": None}, {}),
        ("an id token", {"nonce": "n"}, {"typ": "JWT"}),
        ("an id token of Keycloak", {"typ": "ID"}, {"typ": "JWT"}),
        ("another kind of token", {}, {"typ": "logout+jwt"}),
        ("not yet valid", {"nbf": 4102444800}, {}),
        ("no subject", {"sub": ""}, {}),
    ],
)
async def test_token__that_is_none_of_ours_is_refused(
    staffed: Staffed, why: str, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    await staffed.granted(CLERK, "office")
    answer = await staffed.intake.get("/v1/me", token=staffed.signer.token(CLERK, header=header, **claims))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), why


async def test_token__that_has_expired_is_refused_in_words_of_its_own(staffed: Staffed) -> None:
    answer = await staffed.intake.get("/v1/me", token=staffed.signer.token(CLERK, exp=1))
    assert (answer.status_code, answer.json()["detail"][:24]) == (401, "the access token has exp")


async def test_token__by_a_key_that_the_provider_does_not_publish_is_refused(staffed: Staffed) -> None:
    forged = Signer()
    forged.issuer = staffed.signer.issuer
    assert (await staffed.intake.get("/v1/me", token=forged.token(CLERK))).status_code == 401


async def test_local__is_nobody_once_people_sign_in(database: str, tmp_path: Path) -> None:
    async with signing() as signer, served(database, tmp_path, issuer=signer.issuer) as intake:
        assert (await intake.get("/v1/me")).status_code == 401


async def test_provider_away__lets_machines_go_on_and_people_wait(database: str, tmp_path: Path) -> None:
    token, entry = mint_token("operator", "operations")
    file = tokens_file(tmp_path, entry)
    async with served(database, tmp_path, tokens_file=str(file), issuer="http://127.0.0.1:9") as intake:
        assert (await intake.get("/v1/me", token=token)).json()["roles"] == ["operations"]
        answer = await intake.get("/v1/me", token="e30.e30.e30")
        assert answer.status_code == 401
        signer = Signer()
        signer.issuer = "http://127.0.0.1:9"
        answer = await intake.get("/v1/me", token=signer.token(CLERK))
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:doithoai:problem:provider-away")
        assert "provider" in (await intake.get("/readyz")).text

        async def is_measured() -> bool:
            return "intake_provider_keys_read_timestamp_seconds 0.0" in (await intake.get("/metrics", token=token)).text

        await until(is_measured)


def doithoai(staffed: Staffed, *arguments: str) -> Any:
    url = str(staffed.intake.client.base_url)
    run = CliRunner().invoke
    return asyncio.to_thread(
        run, build("person"), ["person", *arguments, "--url", url, "--token", staffed.tokens["admin"]]
    )


async def test_command_line__grants_lists_imports_and_ends(staffed: Staffed, tmp_path: Path) -> None:
    said = ["--name", "Lò Thị Mai", "--position", "Chánh Văn phòng", "--role", "office", "--place", DISTRICT]
    granted = await doithoai(staffed, "grant", CLERK, *said, "--from", "2020-01-01")
    assert granted.exit_code == 0, granted.output
    post = granted.stdout.split()[-1]  # a server of the same process may log beside it
    listed = await doithoai(staffed, "list")
    assert post in listed.stdout
    assert "Lò Thị Mai, Chánh Văn phòng" in listed.stdout
    sheet = tmp_path / "people.csv"
    sheet.write_text(
        "subject,name,position,roles,jurisdiction,valid_from\n"
        f"a,A,Chuyên viên,office,{DISTRICT},2020-01-01\nb,B,Chuyên viên,auditor,{COMMUNE},2020-01-01\n"
    )
    for _ in range(2):  # sent again it grants nothing more
        assert (await doithoai(staffed, "import", str(sheet))).exit_code == 0
    rows = await staffed.intake.rows("SELECT 1 FROM stored_events WHERE topic = 'PostGranted'")
    assert len(rows) == 3
    mendable = sheet.read_text() + f"c,C,Kiểm tra,auditor,{DISTRICT},2020-01-01\n"
    sheet.write_text(mendable + "d,D,Chủ tịch,chair,H35,2020-01-01\n")
    refused = await doithoai(staffed, "import", str(sheet))
    assert (refused.exit_code, f"{sheet}:5" in refused.stderr) == (1, True), refused.stderr
    assert "gửi lại cả tệp" in refused.stderr
    # Mended and sent again whole: what is recorded is known by its key and skipped.
    sheet.write_text(mendable + f"d,D,Chủ tịch,chair,{DISTRICT},2020-01-01\n")
    assert (await doithoai(staffed, "import", "--check", str(sheet))).exit_code == 0
    assert (await doithoai(staffed, "import", str(sheet))).exit_code == 0
    rows = await staffed.intake.rows("SELECT 1 FROM stored_events WHERE topic = 'PostGranted'")
    assert len(rows) == 5
    for wrong in (
        "e,E,Chủ tịch,chair,H99,2020-01-01",
        "a,A,Kế toán,office,H35.10,2020-02-01",
        "f,F,X,agency,H35.10,2020-01-01",
    ):
        sheet.write_text(f"{mendable}{wrong},2020-02-01\n")
        checked = await doithoai(staffed, "import", "--check", str(sheet))
        assert (checked.exit_code, f"{sheet}:5" in checked.stderr) == (1, True), checked.stderr
    assert len(await staffed.intake.rows("SELECT 1 FROM stored_events WHERE topic = 'PostGranted'")) == 5
    assert (await doithoai(staffed, "end", post, "--reason", "Nghỉ hưu")).exit_code == 0
    assert f"× {post}" in (await doithoai(staffed, "list")).stdout
    assert (await doithoai(staffed, "annul", post, "--reason", "Nhầm người")).exit_code == 0
    again = [await doithoai(staffed, "grant", CLERK, *said, "--from", "2020-01-01") for _ in range(2)]
    assert [each.exit_code for each in again] == [0, 1], again[0].output
    assert again[0].stdout.strip() not in ("", post)
    assert (await doithoai(staffed, "erase", CLERK)).exit_code == 0
    assert "Lò Thị Mai" not in (await doithoai(staffed, "list")).stdout
