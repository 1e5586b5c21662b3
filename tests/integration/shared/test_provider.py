"""The keys of a sign-in provider: read once, rotated, withdrawn, trusted for a while when it is away, within bounds."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import KeySet, RSAKey

from shared.http.access_tokens import AccessTokens, ExpiredToken, InvalidToken, subject_in
from shared.http.provider import AGAIN, MOST, OLDEST, Provider, ProviderAway, is_safe_url
from tests.support.provider import AUDIENCE, Signer, signing


class Verifier:
    """Verifies what a signer signs, at a time that a test says."""

    def __init__(self, signer: Signer, client: httpx.AsyncClient) -> None:
        self.signer, self.now = signer, 1000.0
        self.provider = Provider(signer.issuer, client, lambda: self.now)
        self.tokens = AccessTokens(self.provider, AUDIENCE, subject_in)

    async def takes(self, token: str) -> bool:
        try:
            return (await self.tokens.verified(token))[0] == "mai"
        except InvalidToken:
            return False


@pytest.fixture
async def verifier() -> AsyncIterator[Verifier]:
    async with signing() as signer, httpx.AsyncClient() as client:
        yield Verifier(signer, client)


async def test_keys__are_read_once_for_many_tokens(verifier: Verifier) -> None:
    for _ in range(5):
        assert await verifier.takes(verifier.signer.token("mai"))
    assert verifier.signer.reads == 1


async def test_key__that_is_new_is_found_and_the_old_one_holds(verifier: Verifier) -> None:
    old = verifier.signer.token("mai")
    assert await verifier.takes(old)
    verifier.signer.rotate("second")
    verifier.now += AGAIN
    assert await verifier.takes(verifier.signer.token("mai"))
    assert await verifier.takes(old)


async def test_key__that_nobody_knows_makes_the_keys_be_read_rarely(verifier: Verifier) -> None:
    assert await verifier.takes(verifier.signer.token("mai"))
    verifier.now += AGAIN
    for number in range(20):
        assert not await verifier.takes(verifier.signer.token("mai", header={"kid": f"made-up-{number}"}))
    assert verifier.signer.reads == 2


async def test_key__that_was_withdrawn_opens_nothing_once_the_keys_are_read_again(verifier: Verifier) -> None:
    old = verifier.signer.token("mai")
    assert await verifier.takes(old)
    verifier.signer.rotate("second")
    del verifier.signer.published[0]
    verifier.now += AGAIN
    assert await verifier.takes(verifier.signer.token("mai"))
    assert not await verifier.takes(old)


async def test_provider__that_is_away_is_trusted_for_an_hour(verifier: Verifier) -> None:
    assert await verifier.takes(verifier.signer.token("mai"))
    verifier.signer.instead["/jwks"] = (500, b"")
    verifier.now += OLDEST - 1
    assert await verifier.takes(verifier.signer.token("mai", jti="1"))
    verifier.now += 2
    with pytest.raises(ProviderAway):
        await verifier.takes(verifier.signer.token("mai", jti="2"))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/jwks", (200, b"[" * 100)),
        ("/jwks", (200, b"{}")),
        ("/jwks", (200, b'{"keys": [{"kty": "EC", "crv": "P-192"}]}')),
        ("/jwks", (200, b" " * (MOST + 1))),
        ("/jwks", (200, b"[" * 200_000)),
        ("/jwks", (302, b"")),
        ("/.well-known/openid-configuration", (200, b'{"a":' * 40_000)),
        ("/.well-known/openid-configuration", (200, b'{"issuer": "https://elsewhere.example", "jwks_uri": "x"}')),
        ("/.well-known/openid-configuration", (404, b"")),
    ],
)
async def test_provider__that_answers_nonsense_is_away(
    verifier: Verifier, path: str, answer: tuple[int, bytes]
) -> None:
    verifier.signer.instead[path] = answer
    with pytest.raises(ProviderAway):
        await verifier.takes(verifier.signer.token("mai"))


async def test_answer__that_would_unfold_is_not_taken(verifier: Verifier) -> None:
    assert (await verifier.provider.metadata()).issuer
    verifier.signer.encoding = "gzip"
    verifier.signer.instead["/jwks"] = (200, gzip.compress(b'{"keys": []}'))
    with pytest.raises(ProviderAway, match="encoding"):
        await verifier.takes(verifier.signer.token("mai"))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_key__that_is_too_short_proves_nothing(verifier: Verifier) -> None:
    short = RSAKey.generate_key(1024, {"kid": "short"})
    verifier.signer.published.append(short)
    assert await verifier.takes(verifier.signer.token("mai"))
    assert not await verifier.takes(verifier.signer.token("mai", key=short))


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "EC", "crv": "P-192", "x": "AAAA", "y": "AAAA", "kid": "other"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "other"},
        {"kty": "RSA", "n": "AAAA", "e": "AQ", "kid": "other", "use": None},
        {"kty": "OKP", "crv": "X", "x": "", "kid": 5},
        {},
        None,
    ],
)
async def test_key__that_is_not_understood_hinders_no_other(verifier: Verifier, other: Any) -> None:
    keys = KeySet([verifier.signer.key]).as_dict(private=False)["keys"]
    verifier.signer.instead["/jwks"] = (200, json.dumps({"keys": [other, *keys]}).encode())
    assert await verifier.takes(verifier.signer.token("mai"))


@pytest.mark.parametrize("address", ["https://a:x/", "https://xn--/", "https://a/\n"])
async def test_provider__that_names_an_address_that_is_none_is_away(verifier: Verifier, address: str) -> None:
    described = json.dumps({"issuer": verifier.signer.issuer, "jwks_uri": address}).encode()
    verifier.signer.instead["/.well-known/openid-configuration"] = (200, described)
    with pytest.raises(ProviderAway):
        await verifier.takes(verifier.signer.token("mai"))


async def test_provider__that_does_not_describe_itself_is_asked_by_one_of_those_who_wait(verifier: Verifier) -> None:
    verifier.signer.instead["/.well-known/openid-configuration"] = (500, b"")
    for _ in range(2):
        with pytest.raises(ProviderAway):
            await verifier.provider.metadata()
        verifier.signer.instead.clear()
    verifier.now += AGAIN
    assert (await verifier.provider.metadata()).issuer == verifier.signer.issuer


async def test_keys__are_read_again_whatever_went_wrong_before() -> None:
    class Broken(httpx.AsyncClient):
        async def send(self, *given: Any, **more: Any) -> Any:
            raise RuntimeError("unforeseen")

    async with Broken() as client:
        following = asyncio.create_task(Provider("https://sso.example", client).follow())
        await asyncio.sleep(0.05)
        assert not following.done()
        following.cancel()


async def test_token__that_ends_is_expired_though_it_was_taken_before(verifier: Verifier) -> None:
    token = verifier.signer.token("mai")
    now = [0.0]
    tokens = AccessTokens(verifier.provider, AUDIENCE, subject_in, lambda: now[0])
    now[0] = 4102444800.0
    with pytest.raises(ExpiredToken):
        await tokens.verified(token)


@pytest.mark.parametrize("token", ["a.b.c", "e30.e30.e30", "..", "x" * 9000 + ".y.z", "eyJhbGciOiJub25lIn0.e30."])
async def test_token__that_is_none_is_refused(verifier: Verifier, token: str) -> None:
    assert not await verifier.takes(token)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://sso.example", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000", True),
        ("http://sso.example", False),
        ("https://user@sso.example", False),
        ("ftp://sso.example", False),
        ("//sso.example", False),
        ("https://[", False),
    ],
)
def test_url__is_read_where_it_says_alone(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) == is_safe
