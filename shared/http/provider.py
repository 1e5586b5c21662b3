"""An OpenID provider, of people or of systems: what it says of itself, and the keys by which it signs.

Both are read over HTTPS, within bounds, and kept; keys may stand in a file or at an address of their own instead. A key
that is not known yet makes the keys be read again, but not more often than every few seconds, so that nobody who makes
up keys makes this process call there all the time.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from shared.http.loopback import is_loopback

TIMEOUT = 5.0  # seconds for one answer, connecting included
MOST = 256 * 1024  # bytes of an answer
READ_EVERY = 300.0  # seconds between two readings of the keys
AGAIN = 10.0  # seconds before they are read again for a key that is not known, or after a failure
OLDEST = 3600.0  # seconds for which keys are trusted while the provider does not answer
SMALLEST_RSA = 2048  # bits of a key that is trusted (RFC 7518, 3.3)
SIGNING_CURVES = frozenset({"Ed25519", "Ed448"})  # of the OKP keys; others agree on keys
KEYS_OLD = 900.0  # seconds after which it is said that the keys could not be read
WELL_KNOWN = "/.well-known/openid-configuration"
#: What is raised for a key of an unknown kind, curve or use, or whose values are none.
_NOT_UNDERSTOOD = (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError, ArithmeticError)

log = structlog.get_logger("provider")


class ProviderAway(Exception):
    """The provider does not answer, or says what cannot be used; the message says why, without its content."""


class UnknownKey(Exception):
    """The provider has no such key."""


class ProviderMetadata(msgspec.Struct, frozen=True):
    """What is read of its description (OpenID Connect Discovery 1.0)."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""


def is_safe_url(url: str) -> bool:
    """Whether what is sent to an address is read there alone: HTTPS, or this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (
        bool(host)
        and not parts.username
        and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
    )


def keys_in(published: Any) -> list[Key]:
    """The keys of a set. One that is not understood is passed over (RFC 7517, 5): the others verify all the same.

    Raises ValueError where none is understood, TypeError and KeyError for what is no set.
    """
    found = list[Key]()
    for each in published["keys"]:
        with contextlib.suppress(*_NOT_UNDERSTOOD):
            found += KeySet.import_key_set({"keys": [each]}).keys
    if not found:
        raise ValueError("no key is understood")
    return found


def verifying(keys: KeySet) -> KeySet:
    """The keys among some that may verify a token."""
    return KeySet([key for key in keys.keys if _verifies(key)])


def _verifies(key: Key) -> bool:
    match key:
        case RSAKey():
            return key.public_key.key_size >= SMALLEST_RSA
        case OKPKey():
            return key.curve_name in SIGNING_CURVES
        case _:
            return isinstance(key, ECKey)


class Provider:
    """One provider, by its issuer. `keys_at`: the file or address of its keys, where its description is not read."""

    def __init__(
        self,
        issuer: str,
        client: httpx.AsyncClient,
        clock: Callable[[], float] = time.monotonic,
        *,
        keys_at: str = "",
    ) -> None:
        self.issuer, self._keys_at = issuer, keys_at
        self._client, self._clock = client, clock
        self._metadata: ProviderMetadata | None = None
        self._keys: KeySet | None = None
        self._read_at = self._tried_at = self._asked_at = float("-inf")
        self._lock = asyncio.Lock()
        #: How often the keys were replaced by others: tells what was verified by the old ones.
        self.generation = 0

    @property
    def age(self) -> float:
        """The seconds since the keys were read; infinity where they never were."""
        return self._clock() - self._read_at

    def read_at(self, now: float) -> float:
        """When the keys were read, by the clock that shows `now`; 0 where they never were."""
        return max(now - self.age, 0.0)

    async def metadata(self) -> ProviderMetadata:
        """What the provider says of itself. Raises ProviderAway."""
        if self._metadata is None:
            async with self._lock:
                if self._metadata is None:
                    # Whoever waited for one who asked in vain does not ask again, or all would wait for one another.
                    if self._clock() - self._asked_at < AGAIN:
                        raise ProviderAway("it could not be asked a moment ago")
                    self._metadata = await self._described()
        return self._metadata

    async def keys(self, key_id: str | None) -> KeySet:
        """The keys, among them the one of an id. Raises UnknownKey, ProviderAway."""
        if (known := self._holding(key_id)) is not None:
            return known
        async with self._lock:
            if (known := self._holding(key_id)) is None and self._clock() - self._tried_at >= AGAIN:
                await self._read()
        if (known := self._holding(key_id)) is not None:
            return known
        if self._keys is None or self.age > OLDEST:
            raise ProviderAway("the keys could not be read")
        raise UnknownKey

    async def follow(self) -> None:
        """Read the keys again and again, so that one that was withdrawn is trusted no longer."""
        while True:
            try:
                async with self._lock:
                    await self._read()
            except ProviderAway as error:
                log.warning("provider_away", why=str(error))
            except Exception as error:  # whatever it answers, the next round tries again
                log.error("provider_keys_not_read", kind=type(error).__name__)
            await asyncio.sleep(READ_EVERY if self.age < READ_EVERY else AGAIN)

    def _holding(self, key_id: str | None) -> KeySet | None:
        if self._keys is None or self.age > OLDEST:
            return None
        if key_id is None:
            return self._keys if len(self._keys.keys) == 1 else None
        return self._keys if any(key.kid == key_id for key in self._keys) else None

    async def _read(self) -> None:
        """Read the keys; what is known stays where that fails. Raises ProviderAway."""
        self._tried_at = self._clock()
        content = await self._published()
        try:
            published = msgspec.json.decode(content)
            found = verifying(KeySet(keys_in(published)))
        except (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ProviderAway(f"its keys are none: {type(error).__name__}") from None
        if self._keys is None or found.as_dict() != self._keys.as_dict():
            self._keys, self.generation = found, self.generation + 1
            log.info("provider_keys_read", keys=len(found.keys), not_trusted=len(published["keys"]) - len(found.keys))
        self._read_at = self._clock()

    async def _published(self) -> bytes:
        """The keys as they are published."""
        if not self._keys_at:
            if self._metadata is None:
                self._metadata = await self._described()
            return await self._get(self._metadata.jwks_uri)
        if "://" in self._keys_at:
            return await self._get(self._keys_at)
        try:
            content = await asyncio.to_thread(_beginning, Path(self._keys_at))
        except OSError as error:
            raise ProviderAway(f"the file of its keys cannot be read: {error.strerror}") from None
        if len(content) > MOST:
            raise ProviderAway(f"the file of its keys has more than {MOST} bytes")
        return content

    async def _described(self) -> ProviderMetadata:
        self._asked_at = self._clock()
        try:
            found = msgspec.json.decode(await self._get(self.issuer.rstrip("/") + WELL_KNOWN), type=ProviderMetadata)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ProviderAway("its description is none") from None
        if found.issuer != self.issuer:
            raise ProviderAway(f"it calls itself another issuer than {self.issuer}")
        urls = (found.jwks_uri, found.authorization_endpoint, found.token_endpoint, found.end_session_endpoint)
        if not all(is_safe_url(url) for url in (*urls, found.revocation_endpoint) if url):
            raise ProviderAway("it names an address without HTTPS")
        return found

    async def _get(self, url: str) -> bytes:
        try:
            request = httpx.Request("GET", url, headers={"Accept": "application/json"})
        except (httpx.InvalidURL, ValueError):  # names of hosts that are none are ValueErrors
            raise ProviderAway("it names an address that is none") from None
        return await bounded(self._client, request)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST + 1)


async def bounded(client: httpx.AsyncClient, request: httpx.Request, refused: type[Exception] | None = None) -> bytes:
    """What the provider answers, within the bounds of time and size, which hold as it is sent: nothing is unfolded.

    Raises ProviderAway, and `refused` where the provider refuses what was asked.
    """
    request.headers["Accept-Encoding"] = "identity"
    try:
        async with asyncio.timeout(TIMEOUT):
            answer = await client.send(request, stream=True, follow_redirects=False)
            try:
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise ProviderAway("it answered in an encoding that it was not asked for")
                body = b""
                async for piece in answer.aiter_raw():
                    body += piece
                    if len(body) > MOST:
                        raise ProviderAway(f"it answered more than {MOST} bytes")
            finally:
                await answer.aclose()
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        raise ProviderAway(f"it does not answer ({type(error).__name__})") from None
    if refused is not None and answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED):
        raise refused(str(answer.status_code))
    if answer.status_code != httpx.codes.OK:
        raise ProviderAway(f"it answered {answer.status_code}")
    return body
