"""The pages of cases: the lists of petitions and conferences, and one of them with every day of its counts."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode
from uuid import UUID

from litestar import Response, get
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect, Stream

from services.followup.adapters.intake_client import ConflictAnswer, IntakeClient, Refusal, away
from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.models import Case, CaseFile, Deadline
from services.followup.adapters.read.queries import Queries
from services.followup.console.actors import ActorNames
from services.followup.console.acts import PossibleActs
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.agenda import Agendas, by_petition
from services.followup.console.conference_view import PHASES, conference_view
from services.followup.console.conflicts import OpenConflicts
from services.followup.console.content import content_of
from services.followup.console.history import history_of
from services.followup.console.intake_door import Address
from services.followup.console.pages import Pages, annulled_ids, lateness, names_by_source, names_of, today_of
from services.followup.console.problem_pages import refused_page
from services.followup.console.recorded import MAX_ADDRESS, JustRecorded, recorded_now
from services.followup.console.roles import DECIDING_CONFLICTS, PROPOSING, has_any
from services.followup.console.targets import FormTarget, case_target
from services.followup.console.typed_days import typed_day
from services.followup.domain.deadlines.case_rows import OPEN_STATES, CaseState
from services.followup.domain.wording.collation import by_name
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.json_views import EventView
from services.followup.entrypoints.query_parameters import (
    Body,
    Code,
    Cursor,
    Exact,
    HttpRequest,
    InState,
    OfSource,
    Sort,
    Typed,
    body_of,
    code_of,
    next_link,
    or_400,
)
from shared.http.auth import caller_of, token_of
from shared.identifiers import local_day

ON_A_PAGE = 25
#: What intake says of a file that a browser has to know; the rest is said anew.
FILE_HEADERS = (
    "Content-Type",
    "Content-Length",
    "Content-Disposition",
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "Cross-Origin-Resource-Policy",
    "Cache-Control",
)
FIRST = date(2000, 1, 1)  # the day before any source was read, when nothing is listed
IN_THE_FORM = 500  # agencies
#: Which petitions a list shows: those that are not done with, those that are, or all.
Shown = Literal["open", "ended", "all"]
#: A day as people type it.
TypedDay = Annotated[str, QueryParameter(max_length=40)]
ENDED = ("answered", "withdrawn", "redirected", "merged", "closed", "refused")


def case_pages(
    pages: Pages,
    queries: Queries,
    agendas: Agendas,
    conflicts: OpenConflicts,
    intake: IntakeClient,
    address: Address,
) -> list[HTTPRouteHandler]:
    """The routes of the lists, of the search and of one case."""
    shown = _Cases(pages, queries, agendas, conflicts, intake, address)

    @get("/cases", include_in_schema=False)
    async def petitions(
        request: HttpRequest,
        q: Typed = "",
        show: FromQuery[Shown] = "open",
        case_state: InState = "",
        agency: Body = "",
        jurisdiction: Code = "",
        field: Exact = "",
        overdue: FromQuery[bool] = False,
        received_from: TypedDay = "",
        received_to: TypedDay = "",
        due_from: TypedDay = "",
        due_to: TypedDay = "",
        sort: Sort = "best",
        cursor: Cursor = "",
    ) -> Response[str]:
        days = {"received_from": received_from, "received_to": received_to, "due_from": due_from, "due_to": due_to}
        today = await today_of(queries) or FIRST
        typed = {name: typed_day(text, today) if text else None for name, text in days.items()}
        wanted = CaseFilter(
            subject="petition",
            text=q,
            ended={"open": False, "ended": True, "all": None}[show] if not case_state else None,
            state=case_state,
            agency=body_of(agency),
            jurisdiction=code_of(jurisdiction),
            field=field,
            overdue=overdue,
            sort=sort if q or sort != "best" else "due",
            received_from=typed["received_from"],
            received_to=typed["received_to"],
            due_from=typed["due_from"],
            due_to=typed["due_to"],
        )
        wrong = [name for name, text in days.items() if text and typed[name] is None]
        return await shown.list(request, wanted, cursor, show=show, days=days, wrong=wrong)

    @get("/conferences", include_in_schema=False)
    async def conferences(
        request: HttpRequest, case_state: InState = "", sort: Sort = "due", cursor: Cursor = ""
    ) -> Response[str]:
        return await shown.list(request, CaseFilter(subject="conference", state=case_state, sort=sort), cursor)

    @get("/search", include_in_schema=False)
    async def search(request: HttpRequest, q: Typed = "") -> Redirect:
        sought = "".join(letter for letter in q.upper() if letter.isalnum())
        found = await queries.by_receipt(scope_of(request), sought) if sought else None
        to = f"/cases/{found}" if found else f"/cases?{urlencode({'q': q, 'show': 'all'})}"
        return Redirect(to, status_code=SEE_OTHER)

    @get("/cases/{subject_id:uuid}", include_in_schema=False)
    async def one_case(
        request: HttpRequest,
        subject_id: FromPath[UUID],
        recorded: Annotated[str, QueryParameter(max_length=MAX_ADDRESS)] = "",
        on: FromQuery[date | None] = None,
        slip_of: FromQuery[UUID | None] = None,
        source: OfSource = "",
    ) -> Response[Any]:
        target = await case_target(queries, scope_of(request), subject_id, source)
        if target.subject == "jurisdiction":
            return Redirect(target.page, status_code=SEE_OTHER)
        return await shown.one(request, target, recorded_now(recorded, on), slip_of)

    @get("/cases/{subject_id:uuid}/files/{digest:str}", include_in_schema=False)
    async def case_file(request: HttpRequest, subject_id: FromPath[UUID], digest: FromPath[str]) -> Response[Any]:
        return await shown.file(request, await case_target(queries, scope_of(request), subject_id), digest)

    return [petitions, conferences, search, one_case, case_file]


class _Cases:
    def __init__(
        self,
        pages: Pages,
        queries: Queries,
        agendas: Agendas,
        conflicts: OpenConflicts,
        intake: IntakeClient,
        address: Address,
    ) -> None:
        self._pages, self._queries, self._agendas, self._conflicts = pages, queries, agendas, conflicts
        self._intake, self._address = intake, address
        self._acts, self._actors = PossibleActs(intake, address), ActorNames(intake, address)

    async def list(self, request: HttpRequest, wanted: CaseFilter, cursor: str, **asked: Any) -> Response[str]:
        """A page of a list."""
        queries, scope = self._queries, scope_of(request)
        page = await or_400(queries.cases(scope, wanted, ON_A_PAGE, cursor))
        totals = await queries.case_totals(scope, wanted)
        owed = await queries.open_deadlines([case.row.subject_id for case in page.items])
        codes = {(case.source, case.row.agency) for case in page.items}
        codes |= {(d.raised.source, d.raised.debtor) for ds in owed.values() for d in ds}
        asked_for = [case.row.subject_id for case in page.items if case.row.state == CaseState.PROPOSED]
        proposals = await queries.proposals(asked_for)
        codes |= {
            (case.source, proposals[case.row.subject_id].proposer)
            for case in page.items
            if case.row.subject_id in proposals
        }
        places = await queries.places(scope)
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        return await self._pages.show(
            request,
            "cases.html",
            rows=[(case, owed.get((case.source, case.row.subject_id), [])) for case in page.items],
            totals=totals,
            proposals=proposals,
            agencies=by_name((await queries.agencies(scope, "", IN_THE_FORM)).items),
            places=places,
            open_states=OPEN_STATES,
            ended_states=(CaseState.RESOLVED, *ENDED),
            late=await lateness(queries),
            wanted=wanted,
            names=await names_by_source(queries, codes),
            asked={"show": "all", "days": {}, "wrong": []} | asked,
            # The same question for a link to another order or to a file.
            question=lambda **changed: urlencode([*((n, v) for n, v in kept if n not in changed), *changed.items()]),
            export=_export(wanted),
            proposes_at=_proposes_at(request, wanted, places),
            next=next_link(request, page.next) if page.next else "",
            first=next_link(request, "") if cursor else "",
        )

    async def one(
        self, request: HttpRequest, target: FormTarget, recorded: JustRecorded | None, slip_of: UUID | None
    ) -> Response[str]:
        """The page of one petition or conference; `slip_of`: where the next slip is recorded."""
        file = target.file
        assert file is not None  # only a place may have none
        queries, row = self._queries, file.case.row
        acts, content, conflicts = await asyncio.gather(
            self._acts.on(target, token_of(request), caller_of(request).agency, await self._today(file)),
            content_of(self._intake, self._address, request, file),
            self._open_conflicts(request, file),
        )
        history = await history_of(queries, scope_of(request), file)
        more, template = await self._of_subject(request, file, history.events)
        shown = {code for item in more.get("agenda", {}).values() for code in item.agencies}
        shown |= {case.row.agency for case in more.get("petitions", ())}
        if proposal := more.get("proposal"):
            shown.add(proposal.proposer)
        names = history.names | await names_of(queries, file.case.source, shown)
        return await self._pages.show(
            request,
            template,
            **more,
            can={act.command for act in [*acts.first, *acts.others]} if acts else set(),
            recorded=recorded,
            slip_of=slip_of or "",
            target=target,
            file=file,
            case=file.case,
            row=row,
            deadlines=sorted(file.deadlines, key=_open_first),
            timeline=history.entries,
            waits=any(event.waits for event in history.events),
            conflicts=conflicts,
            places=await queries.places(scope_of(request), file.case.source),
            acts=acts,
            content=content,
            linked=history.linked,
            actors=await self._actors.of(request, file.case.source, history.actors),
            late=await lateness(queries),
            names=names,
        )

    async def file(self, request: HttpRequest, target: FormTarget, digest: str) -> Response[Any]:
        """A file that a case names, as intake gives it out, or why it does not; intake records that it was read."""
        path = f"{target.path}/files/{quote(digest, safe='')}"
        try:
            if (url := self._address(target.source)) is None:
                raise away("unread-source", source=target.source)
            answer = await self._intake.download(url, path, token_of(request))
        except Refusal as refusal:
            return await refused_page(self._pages, request, target, refusal)
        kept = {name: value for name in FILE_HEADERS if (value := answer.headers.get(name))}
        return Stream(answer.aiter_bytes(), headers=kept, background=BackgroundTask(answer.aclose))

    async def _open_conflicts(self, request: HttpRequest, file: CaseFile) -> Sequence[ConflictAnswer]:
        """What a push would change of it, for those who decide that; only what was pushed can be in conflict."""
        row = file.case.row
        if row.subject != "petition" or not row.external_id or not has_any(caller_of(request), DECIDING_CONFLICTS):
            return []
        return await self._conflicts.of_petition(file.case.source, row.subject_id, token_of(request))

    async def _today(self, file: CaseFile) -> date | None:
        now = next((s.now for s in await self._queries.sources() if s.source == file.case.source), None)
        return local_day(now) if now else None

    async def _of_subject(
        self, request: HttpRequest, file: CaseFile, events: Sequence[EventView]
    ) -> tuple[dict[str, Any], str]:
        """What the page of a conference shows beside what every case has, and its template."""
        queries, scope, row = self._queries, scope_of(request), file.case.row
        if row.subject != "conference":
            return {}, "case.html"
        petitions = await queries.at_conference(scope, row.subject_id)
        states = Counter(case.row.state for case in petitions)
        forwarded = await queries.forwarded([case.row.subject_id for case in petitions])
        proposal = (await queries.proposals([row.subject_id])).get(row.subject_id)
        view = conference_view(events, annulled_ids(file.events), file.deadlines, row.state)
        return {
            "view": view,
            "proposal": proposal,
            "proposed_on": await queries.titles(scope, proposal.petition_ids) if proposal else {},
            "not_forwarded": sum(case.row.unresolved and case.row.subject_id not in forwarded for case in petitions),
            "is_in_hall": view.is_in_hall(row.state, await self._today(file)),
            "phases": PHASES,
            "petitions": petitions,
            "agenda": by_petition(await self._agendas.of(row.subject_id, petitions, None)),
            "titles": {case.row.subject_id: case.row.title for case in petitions},
            "followed": await _followed(queries, petitions),
            "progress": [(state, states[state]) for state in CaseState if states[state]],
        }, "conference.html"


def _proposes_at(request: HttpRequest, wanted: CaseFilter, places: Mapping[str, str]) -> str:
    """The place at which the caller may propose a dialogue with the petitions of a list; empty for none."""
    caller = caller_of(request)
    may = wanted.subject != "jurisdiction" and has_any(caller, PROPOSING)
    return caller.jurisdiction if may and caller.jurisdiction in places else ""


def _export(wanted: CaseFilter) -> str:
    """The question of a list as the API takes it."""
    asked: dict[str, Any] = {
        "subject": wanted.subject,
        "q": wanted.text,
        "state": wanted.state,
        "agency": wanted.agency,
        "jurisdiction": wanted.jurisdiction,
        "field": wanted.field,
        "ended": None if wanted.ended is None else str(wanted.ended).lower(),
        "overdue": "true" if wanted.overdue else None,
        "received_from": wanted.received_from,
        "received_to": wanted.received_to,
        "due_from": wanted.due_from,
        "due_to": wanted.due_to,
        "sort": wanted.sort,
    }
    return urlencode({name: value for name, value in asked.items() if value})


def _open_first(deadline: Deadline) -> tuple[bool, date]:
    return not deadline.raised.is_open, deadline.raised.due_on or date.max


async def _followed(queries: Queries, petitions: Sequence[Case]) -> list[tuple[Case, Deadline | None]]:
    """The petitions that are not done with, and what is owed on each first, the answer for the conference aside."""
    still_open = [case for case in petitions if case.row.unresolved]
    owed = await queries.open_deadlines([case.row.subject_id for case in still_open])
    asked = {
        of_case: next((each for each in deadlines if each.raised.duty != "prepared_answer"), None)
        for of_case, deadlines in owed.items()
    }
    return [(case, asked.get((case.source, case.row.subject_id))) for case in still_open]
