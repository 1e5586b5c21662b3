"""What a caller may see of the read side."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from litestar import Request

from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Coded, Scope
from services.followup.domain.deadlines.case_rows import CaseRow
from shared.cases.feed_scope import concerns, is_own
from shared.cases.pushing import is_own_source
from shared.events import Recorded, decode_metadata, decode_state
from shared.events.deadline import DeadlineEvent
from shared.feed_cursor import FeedFilter
from shared.http.auth import READERS, AuthenticatedCaller, caller_of, need_role
from shared.http.permissions import Permission
from shared.http.problems import problem
from shared.http.scoped_feed import Visible
from shared.identifiers import NATION

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
            event, _ = decode_state(each.topic, each.state)
            if isinstance(event, DeadlineEvent):
                found[each.position] = event.source, event.subject_id
        if not found:
            return ()
        seen = await queries.visible_by_source(scope, {subject for _, subject in found.values()}, asked.jurisdiction)
        if asked.mine:  # by the case: deadlines that 0.5.0 raised do not carry the reference
            seen = {key: row for key, row in seen.items() if _is_mine(caller, row)}
        return [position for position, case in found.items() if case in seen]

    return seen


def _is_mine(caller: AuthenticatedCaller, row: CaseRow) -> bool:
    """Whether a caller pushed a case under a reference."""
    return bool(row.external_id) and is_own_source(row.source, caller.name, caller.sources)


def facts_visible_to(queries: Queries) -> Visible:
    """What of a source's events a caller sees who reads whole subtrees: the same as in the feed of that source."""

    async def seen(caller: AuthenticatedCaller, asked: FeedFilter, events: Sequence[Recorded]) -> Collection[int]:
        need_role(caller, *READERS)
        places = (caller.jurisdiction, asked.jurisdiction or caller.jurisdiction)
        heirs = {} if places == (NATION, NATION) else await queries.heirs_of_places()
        found = []
        for event in events:
            meta = decode_metadata(event.state)
            is_asked = not asked.mine or is_own(event.topic, meta, caller.name, caller.sources)
            if is_asked and concerns(meta, places, partial(_heir_in, heirs, event.source)):
                found.append(event.position)
        return found

    return seen


def _heir_in(heirs: Mapping[Coded, str], source: str, code: str) -> str:
    """Who has taken over from a place of a source; the place itself where it goes on."""
    return heirs.get((source, code), code)


def may_read_all(queries: Queries) -> Callable[[AuthenticatedCaller], Awaitable[None]]:
    """The check for what covers every jurisdiction: feed, digest, figures, metrics, sources."""

    async def check(caller: AuthenticatedCaller) -> None:
        need_role(caller, *READERS)
        if not await reads_all(queries, caller):
            raise problem(403, "jurisdiction-may-not", "everything")

    return check
