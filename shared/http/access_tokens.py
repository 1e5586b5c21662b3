"""Access tokens of people and systems: JWTs that a provider signed for us (RFC 9068), verified without asking it."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jws import JWSRegistry, extract_compact

from shared.http.auth import unauthenticated
from shared.http.problems import problem
from shared.http.provider import Provider, ProviderAway, UnknownKey
from shared.identifiers import normalised

#: Signatures of key pairs alone: whoever verifies could else sign.
ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "Ed25519", "EdDSA")
LEEWAY = 60  # seconds by which two clocks may differ
LONGEST = 8192  # characters of a token
LATEST = 253_402_300_799  # the last second of the year 9999: no calendar here has a later one
LONGEST_SUBJECT = 255  # characters (OpenID Connect Core, 2)
KEPT = 4096  # verified tokens that are remembered
#: How a token says that it is one for an API, and how it may where the provider is older than RFC 9068.
TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt", ""})
#: What only an ID token says; Keycloak calls one `ID`. It proves a sign-in to a client and is not for us.
OF_ID_TOKENS = frozenset({"nonce", "at_hash", "c_hash"})


T = TypeVar("T")


class InvalidToken(Exception):
    """The token is none of ours: another issuer or audience, a wrong signature, no access token at all."""


class ExpiredToken(Exception):
    """The token was one of ours; its time is over."""


class _Verified(msgspec.Struct, Generic[T], frozen=True):
    said: T
    expires: float
    generation: int


class AccessTokens(Generic[T]):
    """Verifies the tokens of one provider for one audience; `said_in` reads what the claims of a token say."""

    def __init__(
        self,
        provider: Provider,
        audience: str,
        said_in: Callable[[Mapping[str, Any]], T],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider, self._said_in, self._now = provider, said_in, now
        self._claims = {
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": audience},
            "exp": {"essential": True},
        }
        self._verified: OrderedDict[bytes, _Verified[T]] = OrderedDict()

    async def verified(self, token: str) -> tuple[T, float]:
        """What a token says, and the second until which it does.

        Raises InvalidToken, ExpiredToken, ProviderAway, and what `said_in` raises.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is None or known.generation != self._provider.generation:
            known = await self._verify(token)
            self._verified[digest] = known
            if len(self._verified) > KEPT:
                self._verified.popitem(last=False)
        if known.expires + LEEWAY <= self._now():
            self._verified.pop(digest, None)
            raise ExpiredToken
        return known.said, known.expires

    async def _verify(self, token: str) -> _Verified[T]:
        claims = await verified_claims(token, self._provider, self._claims, self._now)
        if not OF_ID_TOKENS.isdisjoint(claims) or claims.get("typ") == "ID":
            raise InvalidToken
        if claims["exp"] > LATEST:  # before it is a float: JSON has integers that none holds
            raise InvalidToken
        return _Verified(self._said_in(claims), float(claims["exp"]), self._provider.generation)


async def verified_or_refused(tokens: AccessTokens[T], token: str) -> tuple[T, float]:
    """What a token says that a caller brought, and until when.

    Raises ProblemError 401, 503, and what `said_in` raises.
    """
    try:
        return await tokens.verified(token)
    except ExpiredToken:
        raise unauthenticated("expired-token") from None
    except InvalidToken:
        raise unauthenticated("unknown-token") from None
    except ProviderAway:
        raise problem(503, "provider-away", headers={"Retry-After": "10"}) from None


def subject_in(claims: Mapping[str, Any]) -> str:
    """Whose token it is, by the stable identifier. Raises InvalidToken."""
    given = claims.get("sub")
    subject = normalised(given) if isinstance(given, str) else ""
    if not 0 < len(subject) <= LONGEST_SUBJECT:
        raise InvalidToken
    return subject


async def verified_claims(
    token: str, provider: Provider, asked: Mapping[str, Any], now: Callable[[], float]
) -> dict[str, Any]:
    """What a token says that the provider signed. Raises InvalidToken, ExpiredToken, ProviderAway."""
    if len(token) > LONGEST:
        raise InvalidToken
    try:
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        header = extract_compact(token.encode(), registry=registry).headers()
        if str(header.get("typ", "")).lower() not in TYPES or header.get("alg") not in ALGORITHMS:
            raise InvalidToken
        key_id = header.get("kid")
        keys = await provider.keys(key_id if isinstance(key_id, str) else None)
        decoded = jwt.decode(token, keys, registry=registry)
        jwt.JWTClaimsRegistry(now=lambda: int(now()), leeway=LEEWAY, **asked).validate(decoded.claims)
    except ExpiredTokenError:
        raise ExpiredToken from None
    except (JoseError, UnknownKey, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        raise InvalidToken from None
    return decoded.claims
