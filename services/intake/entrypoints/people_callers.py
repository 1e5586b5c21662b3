"""People as callers: whoever brings an access token of the provider acts in a post that stands today."""

from typing import Any

from litestar import Request

from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain.people import DELEGATED, HeldPost
from shared.http.access_tokens import AccessTokens, verified_or_refused
from shared.http.auth import AuthenticatedCaller, token_in
from shared.http.problems import problem
from shared.http.tokens import PERSON

#: By which a person with several posts chooses one.
POST_HEADER = "Doithoai-Post"
#: Where a person may ask without a post: it tells which there are.
ME = "/v1/me"


class PeopleCallers:
    """Knows people by their access tokens and by the posts on record."""

    def __init__(self, tokens: AccessTokens[str], regulation_cache: RegulationCache) -> None:
        self._tokens, self._regulation_cache = tokens, regulation_cache

    def proof_of(self, request: Request[Any, Any, Any]) -> str | None:
        """The access token of a request. It has two dots, a token of ours has none."""
        token = token_in(dict(request.scope["headers"]))
        return token if token is not None and token.count(".") == 2 else None

    async def caller_of(self, request: Request[Any, Any, Any], proof: str) -> AuthenticatedCaller:
        """The person in the post that was chosen, or in the only one. Raises ProblemError 401, 403, 409, 503."""
        subject, _ = await verified_or_refused(self._tokens, proof)
        chosen = request.headers.get(POST_HEADER, "").strip().lower()
        if not (found := _chosen(self._posts(subject), chosen)):
            # Another process, or this one a moment ago, may have granted one.
            await self._regulation_cache.refresh()
            found = _chosen(self._posts(subject), chosen)
        if len(found) != 1 and not chosen and request.scope["path"] == ME:
            return AuthenticatedCaller(PERSON + subject, frozenset(), jurisdiction="", subject=subject)
        match found:
            case (post,):
                return self._in_post(subject, post)
            case () if chosen:
                raise problem(403, "no-post", "other", field=POST_HEADER)
            case ():
                raise problem(403, "no-post")
            case _:
                choices = [str(post.post_id) for post in found]
                raise problem(409, "post-not-chosen", field=POST_HEADER, members={"allowed": choices})

    def _posts(self, subject: str) -> tuple[HeldPost, ...]:
        return self._regulation_cache.regulation.people.standing_posts(subject, self._regulation_cache.today)

    def _in_post(self, subject: str, post: HeldPost) -> AuthenticatedCaller:
        people, today = self._regulation_cache.regulation.people, self._regulation_cache.today
        delegation = people.standing_delegation(post.post_id, today)
        delegated = DELEGATED if delegation is not None else frozenset[str]()
        return AuthenticatedCaller(
            PERSON + subject,
            post.roles | delegated,
            post.jurisdiction,
            post.agency,
            subject=subject,
            post=post.post_id,
            delegation=delegation.delegation_id if delegation is not None else None,
            delegated=delegated,
        )


def _chosen(posts: tuple[HeldPost, ...], chosen: str) -> tuple[HeldPost, ...]:
    """The post that was chosen, if it is one of these; all of them where none was."""
    return tuple(post for post in posts if chosen in ("", str(post.post_id)))
