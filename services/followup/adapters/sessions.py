"""Who is signed in to the console, in `public.sessions`: the browser keeps 32 random bytes, the store their hash.

The person's tokens lie there sealed under a key file of followup's: a copy of the database signs nobody in.
"""

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.http.provider import ProviderAway
from shared.sealing import KEY_BYTES, derived_key, opened_bytes, sealed_bytes

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
SIGN_IN_LASTS = 600.0  # seconds from the way to the provider to the way back
RENEWED_AT_ONCE = 3  # sessions, each with a connection while the provider is asked: it may be slow
PATIENCE = 5.0  # seconds that another waits for its turn
SEEN_EVERY = timedelta(minutes=1)  # a page more often seen is not written down more often

_FOUND = """
SELECT digest, subject, name, post, tokens, seen < clock_timestamp() - $3::interval AS unseen FROM public.sessions
WHERE digest = $1 AND revoked IS NULL AND expires > clock_timestamp() AND seen > clock_timestamp() - $2::interval
"""
_HELD = """
SELECT digest, subject, name, post, tokens FROM public.sessions WHERE digest = $1 AND revoked IS NULL FOR UPDATE
"""
# Nothing rests on when somebody was last seen: a page that is only read waits for no standby.
_SEEN = """
UPDATE public.sessions SET seen = clock_timestamp()
WHERE digest = $1 AND set_config('synchronous_commit', 'local', true) = 'local'
"""
# What has ended is written again: whoever ends it a second time waits for the first, which may be on one disk alone.
_REVOKED = "UPDATE public.sessions SET revoked = coalesce(revoked, clock_timestamp())"
# The service may delete nothing: what is left of a session is the hash of a cookie.
_FORGET = """
UPDATE public.sessions SET subject = '', name = '', tokens = ''
WHERE tokens <> '' AND least(expires, revoked) < clock_timestamp() - interval '1 day'
"""
_BEGIN = """
INSERT INTO public.sessions (digest, subject, name, tokens, expires)
VALUES ($1, $2, $3, $4, clock_timestamp() + $5::interval)
"""


class SessionTokens(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the provider gave for a person. `expires` is when the access token ends, in seconds since 1970."""

    access: str
    expires: float
    refresh: str = ""


class Session(msgspec.Struct, frozen=True):
    """Somebody who is signed in. `form_token` stands in every form of theirs: no other page knows it."""

    digest: bytes
    subject: str
    name: str
    post: UUID | None
    tokens: SessionTokens
    form_token: str


class SignInUnderWay(msgspec.Struct, frozen=True, array_like=True):
    """What is asked of a browser that comes back from the provider, and where it goes on to."""

    state: str
    nonce: str
    verifier: str
    to: str


class InvalidKey(ValueError):
    """The key file cannot be used; the message says why."""


class SessionSeals:
    """Everything under the key file: sealed tokens, the sealed cookie of a sign-in under way, tokens of forms."""

    def __init__(self, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._now = now
        if len(key) != KEY_BYTES:
            raise InvalidKey(f"the key of sessions has {KEY_BYTES} bytes, this one has {len(key)}")
        self._tokens, self._sign_in = AESGCM(_derived(key, b"tokens")), AESGCM(_derived(key, b"sign-in"))
        self._forms = _derived(key, b"forms")

    def form_token(self, digest: bytes) -> str:
        """What the forms of a session carry."""
        return hmac.new(self._forms, digest, "sha256").hexdigest()

    def seal_tokens(self, digest: bytes, tokens: SessionTokens) -> bytes:
        """The tokens of a session, which open in no other."""
        return sealed_bytes(self._tokens, msgspec.json.encode(tokens), digest)

    def open_tokens(self, digest: bytes, sealed: bytes) -> SessionTokens:
        """The tokens again. Raises ValueError."""
        return msgspec.json.decode(opened_bytes(self._tokens, sealed, digest), type=SessionTokens)

    def seal_sign_in(self, carried: SignInUnderWay) -> str:
        """What a browser carries to the provider and back."""
        content = msgspec.msgpack.encode((self._now() + SIGN_IN_LASTS, carried))
        return sealed_bytes(self._sign_in, content, b"").hex()

    def open_sign_in(self, sealed: str) -> SignInUnderWay | None:
        """What it brought back; None where it began no sign-in here, or long ago."""
        try:
            content = opened_bytes(self._sign_in, bytes.fromhex(sealed), b"")
            until, carried = msgspec.msgpack.decode(content, type=tuple[float, SignInUnderWay])
        except (ValueError, msgspec.MsgspecError):
            return None
        return carried if until > self._now() else None


class StoredSessions:
    """The sessions of this store, whichever process began them."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", seals: SessionSeals) -> None:
        self._pool, self._seals = pool, seals
        self._renewals = asyncio.Semaphore(RENEWED_AT_ONCE)

    @property
    def are_many_renewed(self) -> bool:
        """Whether the next to be renewed has to wait."""
        return self._renewals.locked()

    async def begin(self, subject: str, name: str, tokens: SessionTokens) -> str:
        """Begin a session; what the browser keeps of it. Those that ended long ago are forgotten."""
        cookie = secrets.token_urlsafe(32)
        digest = digest_of(cookie)
        await self._pool.execute(_FORGET)
        await self._pool.execute(_BEGIN, digest, subject, name, self._seals.seal_tokens(digest, tokens), LONGEST)
        return cookie

    async def find(self, cookie: str) -> Session | None:
        """The session of a browser that was seen lately; None where there is none, or no longer."""
        row = await self._pool.fetchrow(_FOUND, digest_of(cookie), IDLE, SEEN_EVERY)
        if row is None:
            return None
        if row["unseen"]:
            await self._pool.execute(_SEEN, row["digest"])
        return self._session(row)

    @contextlib.asynccontextmanager
    async def renewing(self, session: Session) -> AsyncIterator["RenewingSession | None"]:
        """Hold a session while its tokens are renewed, so that one process alone does; None where it has ended.

        Raises ProviderAway where too many are held already.
        """
        try:
            await asyncio.wait_for(self._renewals.acquire(), PATIENCE)
        except TimeoutError:
            raise ProviderAway("it is slow to renew others") from None
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(_HELD, session.digest)
                found = None if row is None else self._session(row)
                yield None if found is None else RenewingSession(connection, self._seals, found)
        finally:
            self._renewals.release()

    async def choose(self, session: Session, post: UUID) -> None:
        """Let a person act in another post from now on."""
        await self._pool.execute("UPDATE public.sessions SET post = $2 WHERE digest = $1", session.digest, post)

    async def revoke(self, digest: bytes) -> None:
        """End a session, if there is one; one that has ended is durable then."""
        await self._pool.execute(f"{_REVOKED} WHERE digest = $1", digest)

    async def revoke_all(self, subject: str) -> None:
        """End every session of a person."""
        await self._pool.execute(f"{_REVOKED} WHERE subject = $1", subject)

    def _session(self, row: Any) -> Session | None:
        digest = bytes(row["digest"])
        try:
            tokens = self._seals.open_tokens(digest, bytes(row["tokens"]))
        except ValueError:  # sealed under another key: the key file was replaced, and everybody signs in again
            return None
        return Session(digest, row["subject"], row["name"], row["post"], tokens, self._seals.form_token(digest))


class RenewingSession:
    """A session that nobody else renews meanwhile."""

    def __init__(self, connection: Any, seals: SessionSeals, session: Session) -> None:
        self._connection, self._seals, self.session = connection, seals, session

    async def keep(self, tokens: SessionTokens) -> None:
        """Keep the tokens that the provider gave in place of the old ones."""
        sealed = self._seals.seal_tokens(self.session.digest, tokens)
        await self._connection.execute(
            "UPDATE public.sessions SET tokens = $2 WHERE digest = $1", self.session.digest, sealed
        )

    async def end(self) -> None:
        """End it: the provider renews it no longer."""
        await self._connection.execute(f"{_REVOKED} WHERE digest = $1", self.session.digest)


def digest_of(cookie: str) -> bytes:
    """What is kept of a browser's cookie. One round of SHA-256 is enough for 32 random bytes."""
    return hashlib.sha256(cookie.encode()).digest()


def _derived(key: bytes, purpose: bytes) -> bytes:
    return derived_key(key, b"doithoai-sessions:" + purpose)
