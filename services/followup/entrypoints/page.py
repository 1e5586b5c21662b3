"""The page for people: open cases, and one case with every day of its counts. Made on the server, no script in it."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.models import Case, Deadline
from services.followup.adapters.read.queries import Queries
from services.followup.domain.deadlines.case_rows import OPEN_STATES
from services.followup.domain.wording.explanation import DayLine, counted_days, letter, short_line
from services.followup.domain.wording.names import (
    Words,
    body_words,
    duty_words,
    ground_words,
    part_words,
    state_words,
    status_words,
    subject_words,
)
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.acts import ACTS
from services.followup.entrypoints.json_views import EventView, event_view
from services.followup.entrypoints.queries import Asked, Body, Cursor, InState, asked, body_of, following, found
from shared.http.auth import COOKIE
from shared.identifiers import LOCAL_ZONE

ON_A_PAGE = 25
IN_THE_FORM = 500  # agencies
BODIES = ("office", "chair", "unassigned")

#: Fields of events that a person looks for; those that name a case become links.
DETAILS = {
    "subject": Words("Trích yếu", "subject"),
    "agency": Words("Cơ quan", "agency"),
    "authority": Words("Cấp trên", "authority"),
    "number": Words("Số văn bản", "document"),
    "reply_number": Words("Văn bản trả lời", "reply"),
    "due_on": Words("Ngày ấn định", "date set"),
    "expected_on": Words("Dự kiến trả lời", "expected"),
    "petitioner_told_on": Words("Báo người kiến nghị", "petitioner told"),
    "committee_told_on": Words("Báo cáo Ủy ban nhân dân", "committee told"),
    "first_day": Words("Ngày đầu", "first day"),
    "last_day": Words("Ngày cuối", "last day"),
    "for_date": Words("Cho ngày", "for the date"),
    "place": Words("Địa điểm", "place"),
    "conference_id": Words("Hội nghị", "conference"),
    "into": Words("Nhập vào", "merged into"),
    "to": Words("Gửi", "to"),
}


class Cell(NamedTuple):
    """A day in a week of a count."""

    date: date
    line: DayLine | None
    is_due: bool


def page_routes(queries: Queries) -> list[HTTPRouteHandler]:
    """`/` and `/cases/{id}`."""
    pages = Pages()

    @get("/", include_in_schema=False)
    async def open_cases(
        request: Asked,
        agency: Body = "",
        case_state: InState = "",
        overdue: FromQuery[bool] = False,
        cursor: Cursor = "",
    ) -> Response[str]:
        scope = scope_of(request)
        wanted = CaseFilter(agency=body_of(agency), state=case_state, overdue=overdue, unresolved=True)
        page = await asked(queries.cases(scope, wanted, ON_A_PAGE, cursor))
        owed = await queries.open_deadlines([case.row.subject_id for case in page.items])
        codes = {case.row.agency for case in page.items} | {d.raised.debtor for ds in owed.values() for d in ds}
        return pages.show(
            "cases.html",
            sources=await queries.sources(),
            rows=[(case, owed.get(case.row.subject_id, [])) for case in page.items],
            agencies=(await queries.agencies(scope, "", IN_THE_FORM)).items,
            states=OPEN_STATES,
            wanted=wanted,
            names=await names_of(queries, codes),
            next=following(request, page.next) if page.next else "",
            first=following(request, "") if cursor else "",
            signed_in=COOKIE in request.cookies,
        )

    @get("/cases/{subject_id:uuid}", include_in_schema=False)
    async def one_case(request: Asked, subject_id: FromPath[UUID]) -> Response[str]:
        file = found(await queries.case(scope_of(request), subject_id), "case")
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
            acts=ACTS if file.case.row.subject == "petition" else (),
            names=await names_of(queries, _bodies(file.case, file.deadlines, events)),
        )

    return [open_cases, one_case]


class Pages:
    """The templates, and headers under which a page can do nothing but be read."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("services.followup.entrypoints"),
            autoescape=True,
            auto_reload=False,  # a process serves what it was started with
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = self._templates.get_template("style.css").render()
        self._templates.filters.update(day=_day, moment=_moment)
        self._templates.globals.update(
            duty=duty_words,
            part=part_words,
            state=state_words,
            status=status_words,
            ground=ground_words,
            subject=subject_words,
            short=short_line,
            letter=letter,
            weeks=weeks,
            details=DETAILS,
            bodies={code: body_words(code) for code in BODIES},
            style=style,
        )
        known = hashlib.sha256(style.encode()).digest()
        self._headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{base64.b64encode(known).decode()}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            # With no-referrer a browser sends `Origin: null` with our own forms, and the check of origins refuses them.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }

    def show(self, template: str, **values: Any) -> Response[str]:
        """A page as an answer."""
        html = self._templates.get_template(template).render(**values)
        return Response(html, media_type="text/html; charset=utf-8", headers=self._headers)


def weeks(deadline: Deadline) -> list[list[Cell]]:
    """The days of a count as weeks from Monday to Sunday; empty where no days are counted."""
    explanation = deadline.raised.explanation
    lines = counted_days(explanation) if explanation else []
    if len(lines) < 2:
        return []
    by_day = {line.date: line for line in lines}
    first, last = min(by_day), max(by_day)
    monday = first - timedelta(days=first.weekday())
    return [
        [
            Cell(day, by_day.get(day), day == deadline.raised.due_on)
            for day in (monday + timedelta(days=7 * week + n) for n in range(7))
        ]
        for week in range((last - monday).days // 7 + 1)
    ]


def _open_first(deadline: Deadline) -> tuple[bool, date]:
    return bool(deadline.raised.outcome), deadline.raised.due_on or date.max


def _bodies(case: Case, deadlines: Iterable[Deadline], events: Sequence[EventView]) -> set[str]:
    named = {str(event.data[field]) for event in events for field in ("agency", "to") if field in event.data}
    return {case.row.agency, *(span.agency for span in case.row.spans), *(d.raised.debtor for d in deadlines), *named}


async def names_of(queries: Queries, codes: Iterable[str]) -> dict[str, Words]:
    """What bodies are called; one that is not registered is called by its code."""
    wanted = sorted(codes)
    registered = await queries.agency_names(wanted)
    return {code: Words(registered[code], code) if code in registered else body_words(code) for code in wanted}


def _day(day: date | str | None) -> str:
    if not day:
        return "—"
    try:
        return f"{date.fromisoformat(day) if isinstance(day, str) else day:%d/%m/%Y}"
    except ValueError:  # an event that could not be read is shown all the same
        return str(day)


def _moment(instant: datetime | None) -> str:
    return f"{instant.astimezone(LOCAL_ZONE):%H:%M, %d/%m/%Y}" if instant else "—"
