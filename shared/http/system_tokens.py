"""Systems as callers by access tokens of a provider (OAuth 2.0 client credentials), beside the tokens file.

A token says itself what its holder may: by the words of its scope, such as `role:system place:H35.10 source:cong-tinh`,
or by one claim `doithoai` that says the same. It always says a role and a place: what it leaves out it does not have.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import msgspec

from shared.http.access_tokens import AccessTokens, verified_or_refused
from shared.http.auth import AuthenticatedCaller, Proof
from shared.http.problems import problem
from shared.http.provider import Provider, is_safe_url
from shared.http.tokens import RIGHTS, ROLES, is_own_name
from shared.identifiers import MalformedCode, agency_code, normalised

CLAIM = "doithoai"
#: The claims that name the client, the first that there is (RFC 9068, 2.2.1; OpenID Connect Core, 2).
NAMES = ("client_id", "azp", "sub")
LONGEST_NAME = 128  # characters of the name of a caller or a source
MAX_SOURCES = 64
KEYS_OF_SYSTEMS_OLD = "the keys of the provider of systems could not be read for a while"
#: The words of a scope that are ours; all others are the provider's and are passed over.
_WORDS = ("role", "place", "agency", "source", "may")


class SystemSettings(msgspec.Struct, frozen=True):
    """What an operator sets of the provider of systems; without an issuer there is none.

    `people_issuer` and `people_audience` are those of the provider of people, which may be the same.
    """

    issuer: str
    audience: str
    keys_at: str
    may_administer: bool
    people_issuer: str = ""
    people_audience: str = ""

    @property
    def wrong(self) -> str:
        """Why nobody would be told for certain by these settings, behind the setting that is to blame; else empty."""
        if not self.issuer:
            return (
                "JWT_JWKS: keys of no provider: name its issuer by JWT_ISSUER, or leave them out"
                if self.keys_at
                else ""
            )
        if not (self.keys_at or is_safe_url(self.issuer)):
            return "JWT_ISSUER: an address with https, or name its keys by JWT_JWKS"
        if not self.audience:
            return "JWT_AUDIENCE: name the audience of its tokens"
        if "://" in self.keys_at and not is_safe_url(self.keys_at):
            return "JWT_JWKS: a file, or an address with https"
        if self.issuer == self.people_issuer and self.audience == self.people_audience:
            return (
                "JWT_AUDIENCE: the provider of people signs tokens for systems too: give these another audience, or a "
                "person's token could be taken for a system's"
            )
        return ""


class ClaimedRights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says of its holder, in the claim `doithoai` or in the words of its scope."""

    role: str = ""
    place: str = ""
    agency: str = ""
    sources: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


class _Addressed(msgspec.Struct, frozen=True):
    """Who says that it signed a token, and for whom it is."""

    iss: str = ""
    aud: str | tuple[str, ...] = ()


class SystemTokens:
    """Knows systems by the tokens of one provider."""

    def __init__(self, settings: SystemSettings, client: httpx.AsyncClient) -> None:
        self.provider = Provider(settings.issuer, client, keys_at=settings.keys_at)
        self._settings = settings

        def caller(claims: Mapping[str, Any]) -> AuthenticatedCaller:
            return caller_in(claims, may_administer=settings.may_administer)

        self._tokens = AccessTokens(self.provider, settings.audience, caller)

    def is_theirs(self, token: str) -> bool:
        """Whether a JWT is to be verified as a system's. One that is for people too is a person's: that has less."""
        if not self._settings.people_issuer:
            return True
        said = _addressed(token)
        audiences = (said.aud,) if isinstance(said.aud, str) else said.aud
        if said.iss != self._settings.issuer:
            return False
        return said.iss != self._settings.people_issuer or self._settings.people_audience not in audiences

    async def caller_of(self, token: str) -> tuple[AuthenticatedCaller, Proof]:
        """Whom a token proves, and until when. Raises ProblemError 401, 403, 503."""
        caller, expires = await verified_or_refused(self._tokens, token)
        return caller, Proof("provider", expires)


def caller_in(claims: Mapping[str, Any], *, may_administer: bool) -> AuthenticatedCaller:
    """The caller that verified claims name. Raises ProblemError 403 where they do not say what a caller needs."""
    name, rights = _name_in(claims), _rights_in(claims)
    if rights.role not in ROLES:
        raise problem(403, "unusable-claims", "role", known=sorted(ROLES))
    if rights.role == "admin" and not may_administer:
        raise problem(403, "unusable-claims", "admin")
    if (rights.role == "agency") != bool(rights.agency):
        raise problem(403, "unusable-claims", "agency")
    sources = tuple(map(normalised, rights.sources))
    if len(sources) > MAX_SOURCES or not all(map(_is_name, sources)):
        raise problem(403, "unusable-claims", "source", most=MAX_SOURCES, longest=LONGEST_NAME)
    place = _code(rights.place)
    agency = _code(rights.agency) if rights.agency else ""
    may = tuple(right for right in RIGHTS if right in rights.may)
    return AuthenticatedCaller(name, frozenset({rights.role}), place, agency, sources, may=may)


def _name_in(claims: Mapping[str, Any]) -> str:
    given = next((claims[each] for each in NAMES if claims.get(each)), "")
    # What is not written in the one form of a name may be somebody else's in it.
    if not isinstance(given, str) or normalised(given) != given or not _is_name(given) or is_own_name(given):
        raise problem(403, "unusable-claims", "name", claims=NAMES, longest=LONGEST_NAME)
    return given


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()


def _rights_in(claims: Mapping[str, Any]) -> ClaimedRights:
    """The claim of ours where there is one, else what the scope says."""
    if CLAIM in claims:
        try:
            return msgspec.convert(claims[CLAIM], ClaimedRights)
        except msgspec.ValidationError:
            raise problem(403, "unusable-claims", "claim") from None
    scope = claims.get("scope", "")
    words = scope.split(" ") if isinstance(scope, str) else scope if isinstance(scope, list) else ()
    said = _said(word for word in words if isinstance(word, str))
    if any(len(said[word]) > 1 for word in ("role", "place", "agency")):
        raise problem(403, "unusable-claims", "twice")
    role, place, agency = ("".join(said[word]) for word in ("role", "place", "agency"))
    return ClaimedRights(role, place, agency, tuple(said["source"]), tuple(said["may"]))


def _said(words: Iterable[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {word: [] for word in _WORDS}
    for each in words:
        word, colon, value = each.partition(":")
        if colon and word in found and value not in found[word]:
            found[word].append(value)
    return found


def _code(text: str) -> str:
    try:
        return agency_code(text)
    except MalformedCode:
        raise problem(403, "unusable-claims", "place") from None


def _addressed(token: str) -> _Addressed:
    """What a token says of itself, unverified; of one that cannot be read nothing."""
    payload = token.split(".")[1]
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Addressed)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return _Addressed()
