"""The pages of open cases and of one case with every day of its counts, made on the server without scripts."""

import contextlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.models import Case, Deadline
from services.followup.adapters.read.queries import Queries
from services.followup.console.form_fields import BY_PATH, ENDED, RECEIVE, acts_for
from services.followup.console.pages import Pages, annulled_ids, lateness, names_of
from services.followup.console.sign_in import SEE_OTHER
from services.followup.domain.deadlines.case_rows import OPEN_STATES, CaseState
from services.followup.entrypoints.access import reads_all, scope_of
from services.followup.entrypoints.json_views import EventView, event_view
from services.followup.entrypoints.query_parameters import (
    Body,
    Cursor,
    HttpRequest,
    InState,
    body_of,
    next_link,
    or_400,
    or_404,
)
from shared.events.deadline import Subject
from shared.http.auth import caller_of, cookie_of

ON_A_PAGE = 25
IN_THE_FORM = 500  # agencies
MAX_CODE = 40  # characters of a receipt's code, as it is typed
#: The fields of events that name another case.
NAMES_A_CASE = ("conference_id", "into")
#: Those whom intake may show what is sealed.
CONTENT_ROLES = frozenset({"office", "chair", "agency"})


def case_pages(queries: Queries) -> list[HTTPRouteHandler]:
    """The routes `/`, `/receipts` and `/cases/{id}`."""
    pages = Pages()

    @get("/", include_in_schema=False)
    async def list_of_cases(
        request: HttpRequest,
        subject: FromQuery[Subject] = "petition",
        agency: Body = "",
        case_state: InState = "",
        overdue: FromQuery[bool] = False,
        cursor: Cursor = "",
    ) -> Response[str]:
        scope = scope_of(request)
        wanted = CaseFilter(
            subject=subject,
            agency=body_of(agency),
            state=case_state,
            overdue=overdue,
            # Without a word on the state the petitions are those that are not done with.
            unresolved=subject == "petition" and not case_state,
        )
        page = await or_400(queries.cases(scope, wanted, ON_A_PAGE, cursor))
        owed = await queries.open_deadlines([case.row.subject_id for case in page.items])
        codes = {case.row.agency for case in page.items} | {d.raised.debtor for ds in owed.values() for d in ds}
        return pages.show(
            "cases.html",
            sources=await queries.sources(),
            rows=[(case, owed.get(case.row.subject_id, [])) for case in page.items],
            agencies=(await queries.agencies(scope, "", IN_THE_FORM)).items,
            open_states=OPEN_STATES,
            ended_states=(CaseState.RESOLVED, *ENDED),
            may_receive=bool(RECEIVE.roles & caller_of(request).roles),
            may_read_figures=await reads_all(queries, caller_of(request)),
            late=await lateness(queries),
            wanted=wanted,
            names=await names_of(queries, codes),
            next=next_link(request, page.next) if page.next else "",
            first=next_link(request, "") if cursor else "",
            signed_in=cookie_of(request) is not None,
        )

    @get("/receipts", include_in_schema=False)
    async def by_receipt(
        request: HttpRequest, code: Annotated[str, QueryParameter(max_length=MAX_CODE)] = ""
    ) -> Redirect:
        sought = "".join(letter for letter in code.upper() if letter.isalnum())
        found = await queries.by_receipt(scope_of(request), sought) if sought else None
        return Redirect(f"/cases/{or_404(found, 'case')}", status_code=SEE_OTHER)

    @get("/cases/{subject_id:uuid}", include_in_schema=False)
    async def one_case(request: HttpRequest, subject_id: FromPath[UUID]) -> Response[str]:
        file = or_404(await queries.case(scope_of(request), subject_id), "case")
        events = [event_view(event) for event in file.events]
        return pages.show(
            "case.html",
            sources=await queries.sources(),
            file=file,
            case=file.case,
            row=file.case.row,
            deadlines=sorted(file.deadlines, key=_open_first),
            events=events,
            waits=any(event.waits for event in events),
            places=await queries.places(scope_of(request)),
            acts=acts_for(
                file.case.row,
                caller_of(request).roles,
                {d.raised.duty for d in file.deadlines if d.raised.is_open},
            ),
            may_remind=bool(BY_PATH["reminders"].roles & caller_of(request).roles),
            may_read=bool(CONTENT_ROLES & caller_of(request).roles),
            annulled=annulled_ids(file.events),
            names_a_case=NAMES_A_CASE,
            linked={str(i) for i in await queries.visible(scope_of(request), _others(file.case, events))},
            late=await lateness(queries),
            names=await names_of(queries, _bodies(file.case, file.deadlines, events)),
        )

    return [list_of_cases, by_receipt, one_case]


def _open_first(deadline: Deadline) -> tuple[bool, date]:
    return not deadline.raised.is_open, deadline.raised.due_on or date.max


def _others(case: Case, events: Sequence[EventView]) -> set[UUID]:
    """The cases that the page of a case names."""
    found = {each for each in (case.row.conference_id, case.row.merged_into) if each}
    for named in (event.data.get(field) for event in events for field in NAMES_A_CASE):
        with contextlib.suppress(ValueError):  # an event that waits may hold anything
            found.add(UUID(str(named)))
    return found


def _bodies(case: Case, deadlines: Iterable[Deadline], events: Sequence[EventView]) -> set[str]:
    named = {str(event.data[field]) for event in events for field in ("agency", "to") if field in event.data}
    return {case.row.agency, *(span.agency for span in case.row.spans), *(d.raised.debtor for d in deadlines), *named}
