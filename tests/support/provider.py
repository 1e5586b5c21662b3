"""A sign-in provider in the test's own process: it answers over real HTTP and signs what a test asks for."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

AUDIENCE = "doithoai"


class Signer:
    """What the provider publishes, and the tokens that it signs."""

    def __init__(self) -> None:
        self.issuer = ""
        self.key: RSAKey | ECKey = ECKey.generate_key("P-256", {"kid": "first"})
        self.published: list[Any] = [self.key]
        #: How often its keys were read.
        self.reads = 0
        #: What it answers instead, by path.
        self.instead: dict[str, tuple[int, bytes]] = {}

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

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        if path in self.instead:
            return self.instead[path]
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}).encode()
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
            status, body = signer.answer(head.split(b" ")[1].decode())
            writer.write(
                b"HTTP/1.1 %d x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    signer.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield signer
    finally:
        server.close()
