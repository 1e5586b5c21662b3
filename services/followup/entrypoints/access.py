"""What a caller may see of the read side."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request

from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from shared.http.auth import READERS, AuthenticatedCaller, caller_of, need_role
from shared.http.problems import problem


def scope_of(request: Request[Any, Any, Any]) -> Scope:
    """What the caller of a request may see."""
    caller = caller_of(request)
    if caller.roles.isdisjoint(READERS):
        need_role(caller, "agency", *READERS)
        return Scope(caller.jurisdiction, caller.agency)
    return Scope(caller.jurisdiction)


def place_scope_of(request: Request[Any, Any, Any]) -> Scope:
    """The places of which the caller may know: also who sees to people alone, and reads no case."""
    return Scope(caller_of(request).jurisdiction)


async def reads_all(queries: Queries, caller: AuthenticatedCaller) -> bool:
    """Whether a caller may read what covers every jurisdiction."""
    return not caller.roles.isdisjoint(READERS) and await queries.covers(Scope(caller.jurisdiction))


def may_read_all(queries: Queries) -> Callable[[AuthenticatedCaller], Awaitable[None]]:
    """The check for what covers every jurisdiction: feed, digest, figures, metrics, sources."""

    async def check(caller: AuthenticatedCaller) -> None:
        need_role(caller, *READERS)
        if not await reads_all(queries, caller):
            raise problem(403, "jurisdiction-may-not", "everything")

    return check
