"""Systems that bring access tokens of a provider, beside those of the file and people of the same provider."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from services.followup.bootstrap import callers_of as followup_callers
from services.followup.bootstrap import running as followup_running
from services.followup.settings import FollowupSettings
from services.intake.bootstrap import callers_of
from services.intake.settings import IntakeSettings
from shared.http.auth import mint_token
from shared.settings import WrongSettings
from tests.support.intake import COMMUNE, DISTRICT, Intake, served, tokens_file
from tests.support.postgres import TestServer
from tests.support.provider import Signer, signing
from tests.support.waiting import until

API = "doithoai-api"
PETITION = {"jurisdiction": COMMUNE, "text": "Đường vào bản bị sạt lở."}
SCOPE = f"role:system place:{DISTRICT} source:cong-tinh may:read-answers"


def system(signer: Signer, scope: str = SCOPE, client_id: str = "portal", **claims: Any) -> str:
    """The access token of a client of the provider."""
    return signer.token("service-account", **({"aud": API, "scope": scope, "client_id": client_id} | claims))


class Connected:
    """An intake with a provider of systems and people, and a token of the file."""

    def __init__(self, intake: Intake, signer: Signer, file_token: str) -> None:
        self.intake, self.signer, self.file_token = intake, signer, file_token

    async def status(self, token: str, **headers: str) -> int:
        answer = await self.intake.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"} | headers)
        return answer.status_code

    async def me(self, **headers: str) -> Any:
        answer = await self.intake.client.get("/v1/me", headers={"Authorization": ""} | headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def connected(placed: str, tmp_path: Path) -> AsyncIterator[Connected]:
    token, entry = mint_token("portal", "system", DISTRICT)
    async with signing() as signer:
        settings = {"issuer": signer.issuer, "jwt_issuer": signer.issuer}
        async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry)), **settings) as intake:
            yield Connected(intake, signer, token)


async def test_system__pushes_and_sees_by_the_token_of_a_provider(connected: Connected) -> None:
    token = system(connected.signer)
    body = PETITION | {"source": "cong-tinh", "external_id": "1"}
    pushed = await connected.intake.post("/v1/petitions", body, token=token)
    assert pushed.status_code == 201, pushed.text
    assert (await connected.intake.get(f"/v1/petitions/{pushed.json()['id']}", token=token)).status_code == 200
    other = await connected.intake.post("/v1/petitions", body | {"source": "other"}, token=token)
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (403, "source-may-not")
    elsewhere = await connected.intake.post("/v1/petitions", body | {"jurisdiction": "H36"}, token=token)
    assert elsewhere.status_code == 403


async def test_name__is_one_caller_by_whichever_token_it_comes(connected: Connected) -> None:
    pushed = await connected.intake.post("/v1/petitions", PETITION, token=connected.file_token)
    path = f"/v1/petitions/{pushed.json()['id']}/withdrawal"
    other = system(connected.signer, client_id="another")
    assert (await connected.intake.post(path, token=other)).status_code == 403
    assert (await connected.intake.post(path, token=system(connected.signer))).status_code == 201


async def test_me__says_who_by_what_and_until_when(connected: Connected) -> None:
    token = system(connected.signer)
    said = await connected.me(Authorization=f"Bearer {token}")
    operations = said.pop("operations")
    assert said.pop("expires").endswith("Z") and said.pop("limit")["most"] == 10_000
    assert said == {
        "caller": "portal",
        "roles": ["system"],
        "jurisdiction": DISTRICT,
        "sources": ["cong-tinh"],
        "rights": ["read-answers"],
        "known_by": "provider",
    }
    assert "Petitions" in operations and "PetitionsClassification" not in operations
    by_file = await connected.me(Authorization=f"Bearer {connected.file_token}")
    assert by_file["known_by"] == "file" and "expires" not in by_file


async def test_header__of_our_own_is_taken_and_the_gateways_left_alone(connected: Connected) -> None:
    token = system(connected.signer)
    for sent in (token, connected.file_token):
        assert (await connected.me(**{"X-Doithoai-Token": sent}))["caller"] == "portal"
        assert (await connected.me(**{"X-Doithoai-Token": sent, "Authorization": "Basic Z2F0ZXdheQ=="}))["caller"]
        assert (await connected.me(**{"X-Doithoai-Token": sent, "Authorization": "Bearer gateway"}))["caller"]
        assert (await connected.me(**{"X-Doithoai-Token": "", "Authorization": f"Bearer {sent}"}))["caller"]
    assert await connected.status(token, **{"X-Doithoai-Token": "wrong"}) == 401
    twice = [("X-Doithoai-Token", token), ("X-Doithoai-Token", connected.file_token)]
    assert (await connected.intake.client.get("/v1/me", headers=twice)).status_code == 400


async def test_person__is_none_by_a_systems_token_and_the_other_way_round(connected: Connected) -> None:
    signer = connected.signer
    admin = signer.token("mai", scope="role:office place:VN")
    assert (await connected.me(Authorization=f"Bearer {admin}"))["roles"] == []
    both = signer.token("mai", aud=["doithoai", API], scope="role:office place:VN", client_id="portal")
    said = await connected.me(Authorization=f"Bearer {both}")
    assert (said["caller"], said["roles"]) == ("person:mai", [])


async def test_token__that_proves_nothing_is_refused(connected: Connected) -> None:
    signer, now = connected.signer, 2_000_000_000
    stranger = RSAKey.generate_key(2048, {"kid": "first"})
    claims = {"iss": signer.issuer, "aud": API, "exp": now, "scope": SCOPE, "client_id": "portal"}
    shared_key = OctKey.import_key("0" * 64)
    forged = {
        "another key": system(signer, key=stranger),
        "another audience": system(signer, aud="other"),
        "another issuer": system(signer, iss="https://id.example.vn"),
        "no end": system(signer, exp=None),
        "an end that no float holds": system(signer, exp=10**400),
        "an end that no calendar has": system(signer, exp=10**15),
        "an end that no clock has": system(signer, exp=10**18),
        "an end of a thousand digits": system(signer, exp=1e300),
        "not yet": system(signer, nbf=now),
        "of an ID token": system(signer, nonce="1"),
        "of another type": system(signer, header={"typ": "dpop+jwt"}),
        "by a shared key": jwt.encode({"alg": "HS256", "kid": "first"}, claims, shared_key),
        "too long": system(signer, more="x" * 9000),
    }
    head, _, rest = system(signer).partition(".")
    forged["unsigned"] = f"eyJhbGciOiJub25lIn0.{rest.partition('.')[0]}."
    forged["cut"] = f"{head}.{rest[:-8]}"
    forged["not UTF-8"] = "\xff.\xff.\xff"
    for what, token in forged.items():
        answer = await connected.intake.client.get("/v1/me", headers={"X-Doithoai-Token": token.encode("latin-1")})  # type: ignore[dict-item]
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (401, "unauthenticated"), what


async def test_token__is_good_for_a_minute_beyond_its_end(connected: Connected) -> None:
    now = int(time.time())
    assert await connected.status(system(connected.signer, exp=now - 30)) == 200
    assert await connected.status(system(connected.signer, exp=now - 90)) == 401


async def test_claims__that_say_too_little_are_told_what_is_missing(connected: Connected) -> None:
    answer = await connected.intake.get("/v1/me", token=system(connected.signer, scope="openid"))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:doithoai:problem:unusable-claims")
    assert "role:system" in answer.json()["detail"]


async def test_keys__stand_in_a_file_too_and_are_read_again_for_a_new_one(placed: str, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    signer = Signer()
    signer.issuer = "https://id.example.vn"

    def publish() -> None:
        file.write_text(json.dumps(KeySet(signer.published).as_dict(private=False)))

    publish()
    async with served(placed, tmp_path, jwt_issuer=signer.issuer, jwt_jwks=str(file)) as intake:
        assert (await intake.get("/v1/me")).status_code == 401  # nobody is local
        assert (await intake.get("/v1/me", token=system(signer))).status_code == 200
        file.unlink()  # what is known holds meanwhile
        assert (await intake.get("/v1/me", token=system(signer, jti="1"))).status_code == 200
    signer.rotate("second")
    publish()
    async with served(placed, tmp_path, jwt_issuer=signer.issuer, jwt_jwks=str(file)) as intake:

        async def is_taken() -> bool:
            return (await intake.get("/v1/me", token=system(signer))).status_code == 200

        await until(is_taken)


def test_settings__that_confuse_people_and_systems_start_nothing(tmp_path: Path) -> None:
    known = "https://id.example.vn"
    settings = IntakeSettings(database_url="postgresql://x", issuer=known, jwt_issuer=known, jwt_audience="doithoai")
    with pytest.raises(WrongSettings, match="INTAKE_JWT_AUDIENCE"):
        callers_of(settings)


async def test_followup__knows_the_same_systems(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    async with signing() as signer:
        settings = FollowupSettings(database_url=dsn, migrate=False, sources="", jwt_issuer=signer.issuer)
        async with (
            followup_running(settings, followup_callers(settings)) as app,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
        ):
            bearer = {"Authorization": f"Bearer {system(signer)}"}
            said = (await client.get("/v1/me", headers=bearer)).json()
            assert (said["caller"], said["known_by"], said["jurisdiction"]) == ("portal", "provider", DISTRICT)
            assert "list_deadlines" in said["operations"] and "get_digest" in said["operations"]
            assert (await client.get("/v1/deadlines", headers=bearer)).status_code == 200
            person = {"Authorization": f"Bearer {signer.token('mai')}"}
            assert (await client.get("/v1/me", headers=person)).status_code == 401
