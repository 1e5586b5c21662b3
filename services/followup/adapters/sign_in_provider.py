"""Signing people in at the OpenID provider: the authorization code flow with PKCE, renewed and revoked tokens."""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec

from services.followup.adapters.sessions import SessionTokens
from shared.http.access_tokens import ExpiredToken, InvalidToken, verified_claims
from shared.http.provider import Provider, ProviderAway, bounded
from shared.identifiers import normalised

DEFAULT_LIFE = 300.0  # seconds of an access token of which the provider does not say how long it lives
LONGEST_NAME = 200  # characters


class SignInRefused(Exception):
    """The provider did not sign anybody in, or renews nothing; the message is its code for that."""


class SignedInPerson(msgspec.Struct, frozen=True):
    """Who signed in, as the provider says."""

    subject: str
    name: str
    tokens: SessionTokens


class _Tokens(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str = "Bearer"
    expires_in: float = DEFAULT_LIFE
    refresh_token: str = ""
    id_token: str = ""


class SignInProvider:
    """The provider as the console's client meets it."""

    def __init__(
        self,
        provider: Provider,
        client: httpx.AsyncClient,
        *,
        client_id: str,
        secret: str,
        redirect_uri: str,
        scope: str,
        audience: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider, self._client, self._now = provider, client, now
        self._client_id, self._secret, self._redirect_uri = client_id, secret, redirect_uri
        # A provider that goes by resources (RFC 8707) takes absolute addresses alone; others map audiences themselves.
        self._asked = {"scope": scope} | ({"resource": audience} if "://" in audience else {})

    @property
    def issuer(self) -> str:
        """Who the provider is."""
        return self._provider.issuer

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser signs in. Raises ProviderAway."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        metadata = await self._provider.metadata()
        if not metadata.authorization_endpoint:
            raise ProviderAway("it names no place to sign in at")
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        return metadata.authorization_endpoint + joint + urlencode(asked | self._asked)

    async def end_address(self) -> str:
        """Where a browser ends its session at the provider too; empty where there is no such place."""
        try:
            metadata = await self._provider.metadata()
        except ProviderAway:
            return ""
        end = metadata.end_session_endpoint
        return end and f"{end}{'&' if '?' in end else '?'}client_id={quote(self._client_id)}"

    async def person(self, code: str, verifier: str, nonce: str) -> SignedInPerson:
        """Whom a code of the provider stands for. Raises SignInRefused, ProviderAway."""
        asked = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        found = await self._tokens(asked | {"redirect_uri": self._redirect_uri})
        claims = {
            "iss": {"essential": True, "value": self._provider.issuer},
            "aud": {"essential": True, "value": self._client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        }
        try:
            said = await verified_claims(found.id_token, self._provider, claims, self._now)
        except (InvalidToken, ExpiredToken):
            raise SignInRefused("id_token") from None
        if said.get("azp", self._client_id) != self._client_id:
            raise SignInRefused("azp")
        name = normalised(str(said.get("name") or ""))[:LONGEST_NAME]
        return SignedInPerson(normalised(str(said["sub"])), name, self._kept(found, ""))

    async def renewed(self, tokens: SessionTokens) -> SessionTokens:
        """Other tokens for the same person. Raises SignInRefused, ProviderAway."""
        if not tokens.refresh:
            raise SignInRefused("no-refresh-token")
        asked = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
        if "resource" in self._asked:
            asked["resource"] = self._asked["resource"]
        return self._kept(await self._tokens(asked), tokens.refresh)

    async def revoke(self, tokens: SessionTokens) -> None:
        """Tell the provider that nobody needs these tokens any more. Raises ProviderAway, SignInRefused."""
        metadata = await self._provider.metadata()
        if metadata.revocation_endpoint and tokens.refresh:
            await self._posted(metadata.revocation_endpoint, {"token": tokens.refresh})

    def is_fresh(self, tokens: SessionTokens, margin: float) -> bool:
        """Whether the access token is one for some seconds more."""
        return tokens.expires - margin > self._now()

    def _kept(self, found: _Tokens, refresh: str) -> SessionTokens:
        return SessionTokens(found.access_token, self._now() + found.expires_in, found.refresh_token or refresh)

    async def _tokens(self, asked: Mapping[str, str]) -> _Tokens:
        metadata = await self._provider.metadata()
        if not metadata.token_endpoint:
            raise ProviderAway("it names no place to get tokens at")
        try:
            found = msgspec.json.decode(await self._posted(metadata.token_endpoint, asked), type=_Tokens, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ProviderAway("its tokens are none") from None
        if not (found.access_token.isascii() and found.access_token.isprintable()):  # it goes into a header
            raise ProviderAway("its tokens are none")
        if found.token_type.lower() != "bearer":
            raise SignInRefused("token_type")
        return found

    async def _posted(self, url: str, asked: Mapping[str, str]) -> bytes:
        headers: dict[str, Any] = {"Accept": "application/json"}
        if self._secret:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            asked = {**asked, "client_id": self._client_id}
        try:
            request = httpx.Request("POST", url, data=dict(asked), headers=headers)
        except (httpx.InvalidURL, ValueError):
            raise ProviderAway("it names an address that is none") from None
        return await bounded(self._client, request, refused=SignInRefused)
