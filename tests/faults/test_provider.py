"""Faults of the provider whose access tokens systems bring."""

from pathlib import Path

import pytest

from shared.http.auth import mint_token
from tests.support.chaos import fault
from tests.support.intake import DISTRICT, Intake, placed, served, tokens_file
from tests.support.provider import Signer, signing

__all__ = ["placed"]

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

AWAY = "urn:doithoai:problem:provider-away"


def token(signer: Signer, **claims: str) -> str:
    """A new access token of a system."""
    return signer.token("a", aud="doithoai-api", client_id="app", scope=f"role:system place:{DISTRICT}", **claims)


async def answered(intake: Intake, bearer: str) -> tuple[int, str]:
    """How intake answers the question who one is."""
    answer = await intake.get("/v1/me", token=bearer)
    return answer.status_code, answer.json().get("type", "")


@fault("59", "Keys of the provider of systems away", "the address of its keys answers 500; intake restarted",
       "held keys verify new tokens; a new process answers 503, and file tokens go on; it mends itself")  # fmt: skip
async def test_keys_of_systems_away(placed: str, tmp_path: Path) -> None:
    by_file, entry = mint_token("portal", "system", DISTRICT)
    tokens = str(tokens_file(tmp_path, entry))
    async with signing() as signer:
        async with served(placed, tmp_path, tokens_file=tokens, jwt_issuer=signer.issuer) as intake:
            assert await answered(intake, token(signer)) == (200, "")
            signer.instead["/jwks"] = (500, b"")
            assert await answered(intake, token(signer, jti="new")) == (200, "")
        async with served(placed, tmp_path, tokens_file=tokens, jwt_issuer=signer.issuer) as intake:
            assert await answered(intake, token(signer)) == (503, AWAY)
            assert await answered(intake, by_file) == (200, "")
        del signer.instead["/jwks"]
        async with served(placed, tmp_path, tokens_file=tokens, jwt_issuer=signer.issuer) as intake:
            assert await answered(intake, token(signer)) == (200, "")
