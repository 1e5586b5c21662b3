"""Who calls: by a bearer token of a file, which has its hash, or by an access token that a provider signed.

Where there is neither, a call on loopback is the caller `local`.
"""

import functools
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol
from urllib.parse import unquote, unquote_to_bytes, urlsplit
from uuid import UUID

import msgspec
from litestar import Request
from litestar.types import BeforeRequestHookHandler, Scope

from shared.http.loopback import is_loopback
from shared.http.parameters import refuse_unknown_parameters
from shared.http.permissions import permission_of
from shared.http.problems import ProblemError, problem
from shared.http.rate_limits import RATE, WINDOW, RateLimits, TooOften
from shared.http.refused_calls import NO_TOKEN, RefusedCalls, network_of
from shared.http.tokens import (
    RIGHTS,
    ROLES,
    InvalidTokens,
    Right,
    Role,
    TokenEntry,
    checked,
    hash_token,
    load_tokens,
    mint_token,
)
from shared.identifiers import NATION, is_within

#: What whoever makes callers needs beside them.
__all__ = ["ROLES", "InvalidTokens", "Role", "TokenEntry", "load_tokens", "mint_token"]

#: These read every case of their subtree; an agency reads what it was given.
READERS = ("auditor", "chair", "office", "operations", "system")

#: Where a browser keeps its token: HttpOnly, SameSite=Strict. Only a service that has pages looks there.
COOKIE = "doithoai_token"

JWT_DOTS = 2  # in an access token of a provider; a token of the file has none
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: What a proxy adds. Whose call it forwards is not on this machine for certain.
FORWARDED = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip"})
#: What answers without a caller in both services.
PROBES = frozenset({"/healthz", "/readyz", "/progressz"})

#: Where a token is too: a gateway may keep `Authorization` to itself. The token alone, without a scheme.
TOKEN_HEADER = "X-Doithoai-Token"
_TOKEN_HEADER = TOKEN_HEADER.lower().encode()

_PROOF = "proof"  # where a request's scope keeps by what its caller is known
_CALLER = "caller"  # where a request's scope keeps who calls
_ACTING = "acting"  # and with which token it acts elsewhere, where it brought another proof


class AuthenticatedCaller(msgspec.Struct, frozen=True):
    """Who calls and what they are held to. `sources`: in whose names they may push; none: in their own alone.

    The rest is of a person who signed in: `subject` is the stable identifier at the provider, `post` the one that is
    acted in, `delegated` those of the roles that are the person's by a delegation alone.
    """

    name: str
    roles: frozenset[str]
    jurisdiction: str = NATION
    agency: str = ""
    sources: tuple[str, ...] = ()
    subject: str = ""
    post: UUID | None = None
    delegation: UUID | None = None
    delegated: frozenset[str] = frozenset()
    #: What it may do beyond the acts of its roles.
    may: tuple[Right, ...] = RIGHTS
    #: What a person is called on pages.
    called: str = ""


class Proof(msgspec.Struct, frozen=True):
    """By what a caller is known, and until when: seconds since 1970, None where that has no end."""

    kind: Literal["file", "provider", "person", "local"]
    expires: float | None = None


class SystemProofs(Protocol):
    """Knows systems by the access tokens of a provider."""

    def is_theirs(self, token: str) -> bool:
        """Whether a JWT is to be verified as that of a system."""
        ...

    async def caller_of(self, token: str) -> tuple[AuthenticatedCaller, Proof]:
        """Whom it proves. Raises ProblemError."""
        ...


class PersonProofs(Protocol):
    """Knows people by what a request proves them with."""

    def proof_of(self, request: Request[Any, Any, Any]) -> str | None:
        """What a request brings as the proof of a person; None where it brings none."""
        ...

    async def caller_of(self, request: Request[Any, Any, Any], proof: str) -> AuthenticatedCaller:
        """Whom it proves. Raises ProblemError."""
        ...


#: Refuses callers who may not see everything, at once or after a look at the store.
MayRead = Callable[[AuthenticatedCaller], Awaitable[None] | None]

LOCAL = AuthenticatedCaller("local", ROLES, sources=("*",))
_BY_FILE, _BY_PERSON, _BY_NOTHING = Proof("file"), Proof("person"), Proof("local")
#: What a token begins with by which `local` chooses to be less: one role, at one place, of one agency.
LESSER = "local:"


def configured_callers(
    host: str, tokens_file: str, tokens: str, *, cookies: bool = False, provider: bool = False, rate: int = 0
) -> "Callers":
    """The callers that settings name; `provider`: they name one, of people or of systems; `rate`: a second and caller.

    Nobody is `local` once there is either. Raises InvalidTokens.
    """
    entries = load_tokens(tokens_file, tokens)
    local = is_loopback(host) and not (tokens_file or tokens or provider)
    return Callers(entries, local_allowed=local, cookies=cookies, has_provider=provider, rate=rate)


class Callers:
    """The callers that this process knows. `local_allowed`: a call without a token is `local`."""

    def __init__(
        self,
        entries: tuple[TokenEntry, ...] = (),
        *,
        local_allowed: bool,
        cookies: bool = False,
        has_provider: bool = False,
        refused: RefusedCalls | None = None,
        rate: int = 0,
    ) -> None:
        self._cookies, self._local_allowed = cookies, local_allowed
        #: Who knows people; None until a provider is configured and reached.
        self.people: PersonProofs | None = None
        #: Who knows systems by the tokens of a provider; None where there is none.
        self.systems: SystemProofs | None = None
        self.refused = refused or RefusedCalls()
        #: How often each caller may call; None where nothing is limited.
        self.limits = RateLimits(rate) if rate and not local_allowed else None
        self._by_hash: dict[str, AuthenticatedCaller] = {}
        self._by_user: dict[str, AuthenticatedCaller] = {}
        if entries or not has_provider:
            self.replace(entries)

    def replace(self, entries: tuple[TokenEntry, ...]) -> None:
        """Replace the known callers. Raises InvalidTokens, in which case the old ones stay.

        A file that names nobody is one that an editor or a full disk emptied: it would shut everybody out.
        """
        if not entries and not self._local_allowed:
            raise InvalidTokens(
                "chưa có mã truy cập nào: hãy tạo bằng `doithoai token NAME --file TOKENS_FILE`",
                "there are no tokens: mint one with `doithoai token NAME --file TOKENS_FILE`",
            )
        found = [(entry, _caller(entry)) for entry in checked(entries)]
        self._by_hash = {each: caller for entry, caller in found for each in entry.hashes}
        self._by_user = {entry.amqp_user: caller for entry, caller in found if entry.amqp_user}

    async def who(self, request: Request[Any, Any, Any]) -> AuthenticatedCaller:
        """The caller of a request, a person too. Raises ProblemError 401, 403, 409, 503."""
        if self.systems is not None:
            token = token_in(dict(request.scope["headers"])) or ""
            if token.count(".") == JWT_DOTS and self.systems.is_theirs(token):
                caller, request.scope["state"][_PROOF] = await self.systems.caller_of(token)
                return caller
        if self.people is not None and (proof := self.people.proof_of(request)) is not None:
            request.scope["state"][_PROOF] = _BY_PERSON
            return await self.people.caller_of(request, proof)
        return self.of_request(request)

    def of_request(self, request: Request[Any, Any, Any]) -> AuthenticatedCaller:
        """The caller of a request that brings a token of the file, or none. Raises ProblemError 401 or 403."""
        headers = dict(request.scope["headers"])
        token = token_in(headers)
        if token is None and self._cookies and (token := cookie_of(request)) is not None:
            refuse_foreign_pages(request)
        if token is None:
            if not self._local_allowed or _is_from_elsewhere(request, headers):
                raise unauthenticated("no-token")
            _refuse_foreign_hosts(headers)
            refuse_foreign_pages(request)
            request.scope["state"][_PROOF] = _BY_NOTHING
            return LOCAL
        caller = self._by_hash.get(hash_token(token))
        if (
            caller is None
            and self._local_allowed
            and token.startswith(LESSER)
            and not _is_from_elsewhere(request, headers)
        ):
            _refuse_foreign_hosts(headers)
            caller = _lesser(token)
        if caller is None:
            raise unauthenticated("unknown-token")
        request.scope["state"][_PROOF] = _BY_FILE
        return caller

    @property
    def are_local(self) -> bool:
        """Whether a call without a token is `local`, as in development."""
        return self._local_allowed

    async def knows(self, request: Request[Any, Any, Any], token: str) -> bool:
        """Whether a token that a request offers is one of ours. A wrong one is counted, as anywhere else."""
        known = hash_token(token) in self._by_hash
        if not known:
            await self.refused.note(_peer(request), "unknown-token")
        return known

    def _count(self, request: Request[Any, Any, Any], who: str) -> None:
        """Count a request towards what its caller, or an unknown one's address, may. Raises ProblemError 429."""
        if self.limits is None:
            return
        try:
            left = self.limits.take(who)
        except TooOften as refusal:
            request.scope["state"][RATE] = self.limits.headers(refusal.left)
            headers = {"Retry-After": str(refusal.wait)}
            raise problem(429, "too-many-requests", headers=headers, most=self.limits.most, window=WINDOW) from None
        request.scope["state"][RATE] = self.limits.headers(left)

    def noting(self, forbidden: tuple[type[Exception], ...] = ()) -> Callable[[Exception, Scope], Awaitable[None]]:
        """The hook for `Litestar(after_exception=...)`, which notes what a known caller may not.

        `forbidden` are the exceptions of a service that say so by another class than ProblemError.
        """

        async def note(error: Exception, scope: Scope) -> None:
            caller: AuthenticatedCaller | None = scope.get("state", {}).get(_CALLER)
            is_told = isinstance(error, ProblemError) and error.status in (403, 429)
            if caller is not None and (is_told or isinstance(error, forbidden)):
                client = scope.get("client")
                self.refused.note_forbidden(client[0] if client else "", caller.name, getattr(error, "code", ""))

        return note

    def of_broker_user(self, user_id: str | None) -> AuthenticatedCaller | None:
        """The caller whom the broker's user id names, or None if nobody is known by it."""
        return self._by_user.get(user_id) if user_id else None

    def named(self, name: str) -> AuthenticatedCaller | None:
        """The caller that the tokens file has under a name, with the rights that it has there now."""
        return next((caller for caller in self._by_hash.values() if caller.name == name), None)

    def broker_users_within(self, jurisdiction: str) -> frozenset[str]:
        """The users of the broker whose callers belong to a jurisdiction or one below it."""
        return frozenset(user for user, c in self._by_user.items() if is_within(c.jurisdiction, jurisdiction))

    def hook(
        self,
        open_paths: frozenset[str] = PROBES,
        before_refusal: Callable[[Request[Any, Any, Any]], Awaitable[None]] | None = None,
    ) -> BeforeRequestHookHandler:
        """The hook for `Litestar(before_request=...)`, which finds the caller of every request or refuses it.

        `before_refusal` is given each request that is about to be refused.
        """

        async def authenticate(request: Request[Any, Any, Any]) -> None:
            if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
                raise problem(400, "nul-character", "address")
            if "\ufffd" in request.scope["path"] and not _is_utf_8(request):
                raise problem(400, "invalid-request", "utf-8")
            if not _is_as_written(request):
                raise problem(404, "not-found", "address")
            permission = permission_of(request.scope["route_handler"])
            if request.scope["path"] not in open_paths and not permission.is_open:
                try:
                    caller = await self.who(request)
                except ProblemError as refusal:
                    is_proof = refusal.status == 401  # whose sentence says what was wrong with it
                    await self.refused.note(_peer(request), refusal.sentence if is_proof else refusal.code)
                    # A page leads to the sign-in, which is open: strangers of the same address shut nobody out of it.
                    is_page = refusal.sentence == NO_TOKEN and not request.scope["path"].startswith("/v1/")
                    if is_proof and not is_page:
                        self._count(request, f"\taddress {network_of(_peer(request))}")
                    if before_refusal is not None:
                        await before_refusal(request)
                    raise
                request.scope["state"][_CALLER] = caller
                self._count(request, caller.name)
                if not permission.allows(caller.roles):
                    raise problem(403, "role-may-not", "needs", roles=sorted(permission.roles))
            if request.scope["query_string"]:
                refuse_unknown_parameters(request)

        return authenticate


def caller_of(request: Request[Any, Any, Any]) -> AuthenticatedCaller:
    """The caller that the hook found."""
    caller: AuthenticatedCaller = request.scope["state"][_CALLER]
    return caller


def proof_of(request: Request[Any, Any, Any]) -> Proof:
    """By what the caller that the hook found is known."""
    proof: Proof = request.scope["state"][_PROOF]
    return proof


def token_in(headers: Mapping[bytes, bytes]) -> str | None:
    """The token that a program sends; None where it sends none, empty where it is not one for us.

    Where `X-Doithoai-Token` is sent, `Authorization` is the gateway's and is not looked at.
    """
    if own := headers.get(_TOKEN_HEADER, b"").strip():
        return own.decode("latin-1")
    given = headers.get(b"authorization")
    if given is None:
        return None
    scheme, _, token = given.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def token_of(request: Request[Any, Any, Any]) -> str:
    """The token of a request, to act elsewhere in the caller's name. It is empty for `local`."""
    if (acting := request.scope["state"].get(_ACTING)) is not None:
        return str(acting)
    return token_in(dict(request.scope["headers"])) or cookie_of(request) or ""


def act_with(request: Request[Any, Any, Any], token: str) -> None:
    """Let a request act elsewhere with another token than the one that it brought."""
    request.scope["state"][_ACTING] = token


def need_role(caller: AuthenticatedCaller, *roles: str) -> None:
    """Refuse a caller that has none of the roles. Raises ProblemError 403."""
    if caller.roles.isdisjoint(roles):
        raise problem(403, "role-may-not", "needs", roles=sorted(roles))


def refuse_foreign_pages(request: Request[Any, Any, Any]) -> None:
    """Refuse what a page that is not ours makes a browser send. Raises ProblemError 403."""
    if is_from_foreign_page(request):
        raise problem(403, "foreign-origin", "page")


def is_from_foreign_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser says that a page of another origin sent this. To follow a link to us is everybody's right.

    Browsers send `Sec-Fetch-Site` to loopback and over TLS; elsewhere `Origin` must do. Programs send neither.
    """
    headers, is_safe = request.headers, request.method in SAFE_METHODS
    if (site := headers.get("sec-fetch-site")) is not None:
        return site not in ("same-origin", "none") and not (is_safe and headers.get("sec-fetch-mode") == "navigate")
    origin = headers.get("origin")
    return not is_safe and origin is not None and _netloc(origin) != headers.get("host")


def cookie_of(request: Request[Any, Any, Any], wanted: str = COOKIE) -> str | None:
    """What a browser keeps under a name, which no quotes are around: without one, its token.

    The framework would read every cookie of whoever comes: 64 KiB of backslashes between quotes take it 20 seconds.
    """
    found = None
    for name, value in request.scope["headers"]:
        if name == b"cookie":
            for each in value.split(b";"):
                key, _, token = each.partition(b"=")
                if key.strip() == wanted.encode():
                    found = token.strip().decode("latin-1")
    return found


def _is_as_written(request: Request[Any, Any, Any]) -> bool:
    """Whether an address is the route's own. The framework takes `/metrics/` and `//metrics` for `/metrics`.

    A proxy that keeps others from an address does not.
    """
    raw: bytes = request.scope["raw_path"].partition(b"?")[0]
    return unquote(raw.decode("latin-1")) == request.scope["path"]


def _is_utf_8(request: Request[Any, Any, Any]) -> bool:
    """Whether an address is UTF-8. The server writes one character for all that is not: two addresses would be one."""
    try:
        unquote_to_bytes(request.scope["raw_path"]).decode()
    except UnicodeDecodeError:
        return False
    return True


def lesser_token(role: Role, jurisdiction: str, agency: str = "") -> str:
    """The token by which `local` becomes somebody with one role. It is worth nothing where nobody is `local`."""
    return f"{LESSER}{role}:{jurisdiction}:{agency}"


def _lesser(token: str) -> AuthenticatedCaller | None:
    """`local` with one role; None where the token names none."""
    role, _, rest = token.removeprefix(LESSER).partition(":")
    jurisdiction, _, agency = rest.partition(":")
    if role not in ROLES or not jurisdiction:
        return None
    return AuthenticatedCaller(
        f"local {role}", frozenset({role}), jurisdiction, agency, ("*",) if role == "system" else ()
    )


def _caller(entry: TokenEntry) -> AuthenticatedCaller:
    return AuthenticatedCaller(
        entry.name, frozenset({entry.role}), entry.jurisdiction, entry.agency, entry.sources, may=entry.may
    )


def unauthenticated(sentence: str) -> ProblemError:
    """The answer to who proves nothing, in one of the sentences of that code."""
    return problem(401, "unauthenticated", sentence, headers={"WWW-Authenticate": "Bearer"})


def _peer(request: Request[Any, Any, Any]) -> str:
    client = request.scope["client"]
    return client[0] if client else ""


def _is_from_elsewhere(request: Request[Any, Any, Any], headers: Mapping[bytes, bytes]) -> bool:
    """Whether a call comes from another machine, or through a proxy, which forwards calls of others."""
    return (
        _is_of_another_machine(_peer(request))
        or not FORWARDED.isdisjoint(headers)
        or any(name.startswith(b"x-forwarded") for name in headers)
    )


@functools.lru_cache(maxsize=256)
def _is_of_another_machine(peer: str) -> bool:
    """Whether a peer's address is not this machine's own. What is no address came over no network."""
    try:
        ipaddress.ip_address(peer)
    except ValueError:
        return False
    return not is_loopback(peer)


def _refuse_foreign_hosts(headers: Mapping[bytes, bytes]) -> None:
    """Refuse `local` under a name that is not this machine's: a page may give its own name our address."""
    if not _is_own(headers.get(b"host", b""), headers.get(b"origin", b"")):
        raise problem(403, "foreign-origin", "machine")


@functools.lru_cache(maxsize=256)
def _is_own(host: bytes, origin: bytes) -> bool:
    """Whether the host, and the origin if given, name this machine. Cached: a connection repeats them."""
    hosts = [host.decode("latin-1")]
    if origin:
        hosts.append(_netloc(origin.decode("latin-1")))
    return all(is_loopback(_hostname(name)) for name in hosts)


def _netloc(address: str) -> str:
    try:
        return urlsplit(address).netloc
    except ValueError:  # brackets around what is no address
        return ""


def _hostname(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
