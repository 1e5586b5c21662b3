"""People who signed in with a browser: their session, the post that they act in, and the token that goes to intake."""

import hashlib
import hmac
import secrets
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from services.followup.adapters.person_posts import (
    ActingPosts,
    CallerPost,
    IntakesAway,
    KnownPosts,
    PersonPosts,
    TokenRefused,
)
from services.followup.adapters.sessions import Session, StoredSessions
from services.followup.adapters.sign_in_provider import SignInProvider, SignInRefused
from shared.http.auth import (
    SAFE_METHODS,
    AuthenticatedCaller,
    act_with,
    cookie_of,
    refuse_foreign_pages,
    token_in,
    unauthenticated,
)
from shared.http.problems import problem
from shared.http.provider import ProviderAway
from shared.http.tokens import PERSON

MARGIN = 60.0  # seconds before its end at which an access token is renewed: an act may take a while
FORM_TOKEN = "form_token"
COOKIE_NAME = "session_cookie"  # where a request's scope keeps what the cookie of a session is called
KEPT_FOR = 3600  # seconds
SESSION = "session"  # where a request's scope keeps whose it is
HOST_COOKIE, LOOPBACK_COOKIE = "__Host-doithoai_session", "doithoai_session"


class SignedIn(msgspec.Struct, frozen=True):
    """A request of somebody who signed in: the session with a fresh token, and the posts that stand."""

    session: Session
    known: KnownPosts

    @property
    def post(self) -> CallerPost | None:
        """The post that is acted in: the one that was chosen, else the only one."""
        posts = self.known.posts
        chosen = next((post for post in posts if post.id == self.session.post), None)
        return chosen or (posts[0] if len(posts) == 1 else None)

    @property
    def called(self) -> str:
        """The name for people."""
        return self.known.name or self.session.name or self.session.subject


class SessionCallers:
    """Knows people by their sessions."""

    def __init__(
        self,
        sessions: StoredSessions,
        provider: SignInProvider,
        posts: PersonPosts,
        acting: ActingPosts,
        *,
        is_secure: bool,
    ) -> None:
        self._sessions, self._provider, self._posts, self._acting = sessions, provider, posts, acting
        self.cookie = HOST_COOKIE if is_secure else LOOPBACK_COOKIE

    def proof_of(self, request: Request[Any, Any, Any]) -> str | None:
        """The cookie of a session; a program's token is looked at instead where there is one."""
        request.scope["state"][COOKIE_NAME] = self.cookie
        return None if token_in(dict(request.scope["headers"])) is not None else cookie_of(request, self.cookie)

    async def caller_of(self, request: Request[Any, Any, Any], proof: str) -> AuthenticatedCaller:
        """The person in the post that is acted in. Raises ProblemError 401, 403, 409, 503."""
        refuse_foreign_pages(request)
        found = await self.signed_in(request, proof)
        post = found.post
        if post is None:
            if not found.known.posts:
                raise problem(403, "no-post")
            choices = [str(each.id) for each in found.known.posts]
            raise problem(409, "post-not-chosen", members={"allowed": choices})
        token = found.session.tokens.access
        self._acting.chosen(token, post)
        act_with(request, token)
        delegated = frozenset({"chair"}) if post.is_chairs_deputy else frozenset[str]()
        return AuthenticatedCaller(
            PERSON + found.session.subject,
            frozenset(post.roles) | delegated,
            post.jurisdiction,
            post.agency,
            subject=found.session.subject,
            post=post.id,
            delegated=delegated,
            called=found.called,
        )

    async def signed_in(self, request: Request[Any, Any, Any], proof: str = "") -> SignedIn:
        """Who signed in, whatever posts there are. Raises ProblemError 401, 503."""
        session = await self._sessions.find(proof or cookie_of(request, self.cookie) or "")
        if session is None:
            raise unauthenticated("no-session")
        try:
            session = await self._with_fresh_token(session)
            known = await self._posts.of(session.digest, session.tokens.access)
        except ProviderAway:
            raise problem(503, "provider-away", headers={"Retry-After": "10"}) from None
        except IntakesAway:
            raise problem(503, "intake-away", "no-posts", headers={"Retry-After": "5"}) from None
        except TokenRefused:
            raise unauthenticated("token-not-taken") from None
        found = SignedIn(session, known)
        request.scope["state"][SESSION] = found
        return found

    async def _with_fresh_token(self, session: Session) -> Session:
        """The session with an access token that has not run out. Raises ProviderAway, ProblemError 401."""
        is_usable = self._provider.is_fresh(session.tokens, 0.0)
        if self._provider.is_fresh(session.tokens, MARGIN) or (is_usable and self._sessions.are_many_renewed):
            return session
        async with self._sessions.renewing(session) as held:
            if held is None:
                raise unauthenticated("no-session")
            if self._provider.is_fresh(held.session.tokens, MARGIN):  # another request has renewed it meanwhile
                return held.session
            try:
                tokens = await self._provider.renewed(held.session.tokens)
            except SignInRefused:
                if self._provider.is_fresh(held.session.tokens, 0.0):
                    return held.session
                await held.end()
                tokens = None
            except ProviderAway:
                if self._provider.is_fresh(held.session.tokens, 0.0):
                    return held.session
                raise
            if tokens is not None:
                await held.keep(tokens)
                return msgspec.structs.replace(held.session, tokens=tokens)
        raise unauthenticated("no-session")


def signed_in_of(request: Request[Any, Any, Any]) -> SignedIn | None:
    """Who signed in, of a request that was looked at; None for machines, and where no provider is set."""
    found: SignedIn | None = request.scope["state"].get(SESSION)
    return found


def form_token_of(request: Request[Any, Any, Any]) -> str:
    """What a form on a page for this request carries; empty for who did not sign in at a provider."""
    found = signed_in_of(request)
    return found.session.form_token if found is not None else ""


def kept_form_token(request: Request[Any, Any, Any]) -> tuple[str, Cookie] | None:
    """Let the form that answers this request be sent again after its sender has signed in, which gives a new session.

    The form carries what only a page of ours can have computed from the cookie that goes with it: both are returned,
    None where no provider is set, whose forms carry nothing.
    """
    name = _kept_name(request)
    if not name:
        return None
    secret = cookie_of(request, name) or secrets.token_urlsafe(32)
    secure = name.startswith("__Host-")
    cookie = Cookie(key=name, value=secret, max_age=KEPT_FOR, httponly=True, secure=secure, samesite="strict")
    return _kept_token(secret), cookie


def is_own_form(request: Request[Any, Any, Any], sent: str) -> bool:
    """Whether a form was sent from a page of this session, or from one that was kept over a sign-in.

    Only who signed in at a provider has such forms.
    """
    found = signed_in_of(request)
    if found is None or request.method in SAFE_METHODS:
        return True
    if hmac.compare_digest(sent.encode(), found.session.form_token.encode()):
        return True
    secret = cookie_of(request, _kept_name(request))
    return bool(secret) and hmac.compare_digest(sent.encode(), _kept_token(secret or "").encode())


def _kept_name(request: Request[Any, Any, Any]) -> str:
    cookie = request.scope["state"].get(COOKIE_NAME, "")
    return f"{cookie}_form" if cookie else ""


def _kept_token(secret: str) -> str:
    return hashlib.sha256(f"form:{secret}".encode()).hexdigest()
