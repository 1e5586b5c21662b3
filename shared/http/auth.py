"""Who calls: bearer tokens from a file, stored as hashes. On loopback a call without one is the caller `local`."""

import asyncio
import functools
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import structlog
from litestar import Request
from litestar.types import BeforeRequestHookHandler

from shared.http.parameters import refuse_unknown_parameters
from shared.http.problems import ProblemError, problem
from shared.identifiers import NATION, is_within

Role = Literal["system", "office", "agency", "chair", "auditor", "operations"]
ROLES: frozenset[str] = frozenset({"system", "office", "agency", "chair", "auditor", "operations"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

#: Where a browser keeps its token: HttpOnly, SameSite=Strict. Only a service that has pages looks there.
COOKIE = "doithoai_token"

#: What answers without a caller in both services.
PROBES = frozenset({"/healthz", "/readyz"})

LOOK_EVERY = 1.0  # seconds between two looks at the tokens file

log = structlog.get_logger("auth")

_CALLER = "caller"  # where a request's scope keeps who calls
_PREFIX = "dt_"
_ENTROPY = 32  # bytes


class InvalidTokens(ValueError):
    """A tokens file that cannot be used. The message says why."""


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One calling system. `sha256` is the hash of its token, `amqp_user` its user at the broker."""

    name: str
    sha256: str
    role: Role
    jurisdiction: str = NATION
    agency: str = ""
    amqp_user: str = ""


class TokensFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokens file: `{"tokens": [...]}`."""

    tokens: tuple[TokenEntry, ...] = ()


class AuthenticatedCaller(msgspec.Struct, frozen=True):
    """Who calls and what they are held to."""

    name: str
    roles: frozenset[str]
    jurisdiction: str = NATION
    agency: str = ""


LOCAL = AuthenticatedCaller("local", ROLES)
RESERVED = frozenset({LOCAL.name, "bootstrap"})


def hash_token(token: str) -> str:
    """The hash that is kept of a token. One round of SHA-256 is enough for 32 random bytes."""
    return hashlib.sha256(token.encode()).hexdigest()


def mint_token(
    name: str, role: Role, jurisdiction: str = NATION, agency: str = "", amqp_user: str = ""
) -> tuple[str, TokenEntry]:
    """A new token and its entry for the tokens file. The token itself is kept nowhere."""
    token = _PREFIX + secrets.token_urlsafe(_ENTROPY)
    entry = TokenEntry(
        name=name, sha256=hash_token(token), role=role, jurisdiction=jurisdiction, agency=agency, amqp_user=amqp_user
    )
    return token, entry


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` is reached from this machine alone."""
    return host in LOOPBACK or host.startswith("127.")


class Callers:
    """The callers that this process knows. `local_allowed`: a call without a token is `local`."""

    def __init__(self, entries: tuple[TokenEntry, ...] = (), *, local_allowed: bool, cookies: bool = False) -> None:
        self._cookies, self._local_allowed = cookies, local_allowed
        self._by_hash: dict[str, AuthenticatedCaller] = {}
        self._by_user: dict[str, AuthenticatedCaller] = {}
        if not local_allowed and not entries:
            raise InvalidTokens("beyond loopback nothing starts without tokens: mint one with `doithoai token`")
        self.replace(entries)

    def replace(self, entries: tuple[TokenEntry, ...]) -> None:
        """Replace the known callers. Raises InvalidTokens, in which case the old ones stay."""
        if len({e.sha256 for e in entries}) != len(entries):
            raise InvalidTokens("two entries have the same sha256: mint a token for each caller")
        for entry in entries:
            if entry.role == "agency" and not entry.agency:
                raise InvalidTokens(f"{entry.name}: the role agency needs the agency's code")
            if entry.name in RESERVED:
                raise InvalidTokens(f"{entry.name}: this name is the product's own; take another one")
        self._by_hash = {e.sha256: _caller(e) for e in entries}
        self._by_user = {e.amqp_user: _caller(e) for e in entries if e.amqp_user}

    def of_request(self, request: Request[Any, Any, Any]) -> AuthenticatedCaller:
        """The caller of a request. Raises ProblemError 401 or 403."""
        headers = dict(request.scope["headers"])
        given = headers.get(b"authorization")
        authorization = None if given is None else given.decode("latin-1")
        if authorization is None and self._cookies and COOKIE in request.cookies:
            _refuse_other_origins(request)
            authorization = f"Bearer {request.cookies[COOKIE]}"
        if authorization is None:
            if not self._local_allowed:
                raise _unauthenticated("no-token")
            _refuse_foreign_pages(headers)
            return LOCAL
        scheme, _, token = authorization.partition(" ")
        caller = self._by_hash.get(hash_token(token.strip())) if scheme.lower() == "bearer" else None
        if caller is None:
            raise _unauthenticated("unknown-token")
        return caller

    def knows(self, token: str) -> bool:
        """Whether a token is one of ours."""
        return hash_token(token) in self._by_hash

    def of_broker_user(self, user_id: str | None) -> AuthenticatedCaller | None:
        """The caller whom the broker's user id names, or None if nobody is known by it."""
        return self._by_user.get(user_id) if user_id else None

    def broker_users_within(self, jurisdiction: str) -> frozenset[str]:
        """The users of the broker whose callers belong to a jurisdiction or one below it."""
        return frozenset(user for user, c in self._by_user.items() if is_within(c.jurisdiction, jurisdiction))

    def hook(self, open_paths: frozenset[str] = PROBES) -> BeforeRequestHookHandler:
        """The hook for `Litestar(before_request=...)`, which finds the caller of every request or refuses it."""

        async def authenticate(request: Request[Any, Any, Any]) -> None:
            if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
                raise problem(400, "nul-character", "address")
            if request.scope["path"] not in open_paths:
                request.scope["state"][_CALLER] = self.of_request(request)
            if request.scope["query_string"]:
                refuse_unknown_parameters(request)

        return authenticate


def caller_of(request: Request[Any, Any, Any]) -> AuthenticatedCaller:
    """The caller that the hook found."""
    caller: AuthenticatedCaller = request.scope["state"][_CALLER]
    return caller


def token_of(request: Request[Any, Any, Any]) -> str:
    """The token of a request, to act elsewhere in the caller's name. It is empty for `local`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")


def need_role(caller: AuthenticatedCaller, *roles: str) -> None:
    """Refuse a caller that has none of the roles. Raises ProblemError 403."""
    if caller.roles.isdisjoint(roles):
        raise problem(403, "role-may-not", "needs", roles=sorted(roles))


def load_tokens(path: str = "", text: str = "") -> tuple[TokenEntry, ...]:
    """The entries of a tokens file, or of the same JSON given as text. Raises InvalidTokens."""
    try:
        content = Path(path).read_bytes() if path else text.encode()
        return msgspec.json.decode(content, type=TokensFile).tokens if content.strip() else ()
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidTokens(f"the tokens cannot be read: {error}") from error


async def follow_tokens(callers: Callers, path: str) -> None:
    """Apply each change of a tokens file, for ever. One that cannot be used changes nothing and is logged."""
    known = _stamp(path)
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if (found := _stamp(path)) == known:
            continue
        known = found
        try:
            callers.replace(load_tokens(path))
            log.info("tokens_replaced")
        except InvalidTokens as error:
            log.error("tokens_not_replaced", why=str(error))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _caller(entry: TokenEntry) -> AuthenticatedCaller:
    return AuthenticatedCaller(entry.name, frozenset({entry.role}), entry.jurisdiction, entry.agency)


def _unauthenticated(sentence: str) -> ProblemError:
    return problem(401, "unauthenticated", sentence, headers={"WWW-Authenticate": "Bearer"})


def _refuse_other_origins(request: Request[Any, Any, Any]) -> None:
    """Refuse a change whose cookie was sent by a page that is not ours: browsers send cookies by themselves."""
    origin = request.headers.get("origin")
    if request.method != "GET" and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise problem(403, "foreign-origin", "page")


def _refuse_foreign_pages(headers: Mapping[bytes, bytes]) -> None:
    """Refuse `local` to foreign web pages: a page in the operator's browser can reach loopback too."""
    if not _is_own(headers.get(b"host", b""), headers.get(b"origin", b"")):
        raise problem(403, "foreign-origin", "machine")


@functools.lru_cache(maxsize=256)
def _is_own(host: bytes, origin: bytes) -> bool:
    """Whether the host, and the origin if given, name this machine. Cached: a connection repeats them."""
    hosts = [host.decode("latin-1")]
    if origin:
        hosts.append(urlsplit(origin.decode("latin-1")).netloc)
    return all(is_loopback(urlsplit(f"//{name}").hostname or "") for name in hosts)
