"""A sign-in provider in the test's own process: it answers over real HTTP and signs what a test asks for."""

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

AUDIENCE = "doithoai"


class Signer:
    """What the provider publishes, and the tokens that it signs."""

    def __init__(self) -> None:
        self.issuer, self.client_id = "", "doithoai-console"
        self.key: RSAKey | ECKey = ECKey.generate_key("P-256", {"kid": "first"})
        self.published: list[Any] = [self.key]
        #: How often its keys were read.
        self.reads = 0
        #: Whom each code of a sign-in stands for: subject, nonce, challenge of PKCE.
        self.codes: dict[str, tuple[str, str, str]] = {}
        #: How many seconds access tokens live, and what was revoked.
        self.life = 300
        self.revoked: list[str] = []
        #: Whom each token to renew stands for; it is good for once.
        self.renewable: dict[str, str] = {}
        #: What it answers instead, by path.
        self.instead: dict[str, tuple[int, bytes]] = {}
        #: How its bodies are said to be encoded.
        self.encoding = "identity"

    def rotate(self, key_id: str) -> None:
        """Sign by another key, which is published beside the others."""
        self.key = RSAKey.generate_key(2048, {"kid": key_id})
        self.published.append(self.key)

    def token(self, subject: str, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """An access token; a claim of None is left out."""
        now = int(time.time())
        said = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 300} | claims
        by = key or self.key
        alg = "RS256" if isinstance(by, RSAKey) else "ES256"
        head = {"alg": alg, "kid": by.kid, "typ": "at+jwt"} | (header or {})
        return jwt.encode(head, {name: value for name, value in said.items() if value is not None}, by)

    def code_for(self, subject: str, address: str) -> str:
        """The code that a browser brings back after signing in at an address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = (subject, asked["nonce"], asked["code_challenge"])
        return code

    def _tokens(self, sent: dict[str, str]) -> tuple[int, bytes]:
        nonce = ""
        if sent.get("grant_type") == "refresh_token":
            subject = self.renewable.pop(sent.get("refresh_token", ""), "")
            if not subject:
                return 400, b'{"error": "invalid_grant"}'
        else:
            subject, nonce, challenge = self.codes.pop(sent.get("code", ""), ("", "", ""))
            digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
            if not subject or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
                return 400, b'{"error": "invalid_grant"}'
        refresh = secrets.token_urlsafe(8)
        self.renewable[refresh] = subject
        found = {
            "access_token": self.token(subject, exp=int(time.time()) + self.life, jti=secrets.token_urlsafe(8)),
            "token_type": "Bearer",
            "expires_in": self.life,
            "refresh_token": refresh,
            "id_token": self.token(
                subject, header={"typ": "JWT"}, aud=self.client_id, nonce=nonce or None, name="Lò Thị Mai"
            ),
        }
        return 200, json.dumps(found).encode()

    def answer(self, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        sent = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if path in self.instead:
            return self.instead[path]
        if path == "/.well-known/openid-configuration":
            found = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
            for name in ("authorization", "token", "revocation", "end_session"):
                found[f"{name}_endpoint"] = f"{self.issuer}/{name}"
            return 200, json.dumps(found).encode()
        if path == "/token":
            return self._tokens(sent)
        if path == "/revocation":
            self.revoked.append(sent["token"])
            self.renewable.pop(sent["token"], None)
            return 200, b""
        if path == "/jwks":
            self.reads += 1
            return 200, json.dumps(KeySet(self.published).as_dict(private=False)).encode()
        return 404, b"{}"


@contextlib.asynccontextmanager
async def signing() -> AsyncIterator[Signer]:
    """A provider that answers until the block ends."""
    signer = Signer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            status, body = signer.answer(head.split(b" ")[1].decode(), await reader.readexactly(length))
            writer.write(
                b"HTTP/1.1 %d x\r\nContent-Length: %d\r\nContent-Encoding: %s\r\nConnection: close\r\n\r\n"
                % (status, len(body), signer.encoding.encode())
                + body
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    signer.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield signer
    finally:
        server.close()
