"""What a caller may see of the read side."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from litestar import Request

from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from shared.cases.pushing import is_own_source
from shared.events import Recorded, decode_state
from shared.events.deadline import DeadlineEvent
from shared.feed_cursor import FeedFilter
from shared.http.auth import READERS, AuthenticatedCaller, caller_of, need_role
from shared.http.permissions import Permission
from shared.http.problems import problem
from shared.http.scoped_feed import Visible

#: For who sees cases: whole subtrees, or as an agency what it leads or owes.
READING = Permission(frozenset({"agency", *READERS}), "own")


def scope_of(request: Request[Any, Any, Any]) -> Scope:
    """What the caller of a request may see."""
    return _scope(caller_of(request))


def _scope(caller: AuthenticatedCaller) -> Scope:
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


def visible_to(queries: Queries) -> Visible:
    """What of the deadline events a caller sees who may not see all of them: those of the cases that it sees."""

    async def seen(caller: AuthenticatedCaller, asked: FeedFilter, events: Sequence[Recorded]) -> Collection[int]:
        scope = _scope(caller)
        found = {}
        for each in events:
            event, meta = decode_state(each.topic, each.state)
            pushed_as = meta.petition_reference
            is_mine = pushed_as is not None and is_own_source(pushed_as.source, caller.name, caller.sources)
            if isinstance(event, DeadlineEvent) and (is_mine or not asked.mine):
                found[each.position] = event.source, event.subject_id
        seen = await queries.visible_by_source(scope, {subject for _, subject in found.values()}, asked.jurisdiction)
        return [position for position, case in found.items() if case in seen]

    return seen


def may_read_all(queries: Queries) -> Callable[[AuthenticatedCaller], Awaitable[None]]:
    """The check for what covers every jurisdiction: feed, digest, figures, metrics, sources."""

    async def check(caller: AuthenticatedCaller) -> None:
        need_role(caller, *READERS)
        if not await reads_all(queries, caller):
            raise problem(403, "jurisdiction-may-not", "everything")

    return check
