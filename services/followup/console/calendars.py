"""The pages of the calendar: the years, one of them as twelve months, and its correction day by day.

A draft of a year goes to and fro in its form; nothing is kept until it is published. intake records it or refuses it,
under the token of whoever acts.
"""

import secrets
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, Refusal
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.regulation_logs import RegulationLogs
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.calendar_draft import (
    DayEntry,
    Kind,
    WrongDay,
    changed_days,
    check_year,
    entry_of,
    months_of,
    with_day,
    wrong_day,
)
from services.followup.console.form_body import MAX_TEXT, read_form
from services.followup.console.intake_door import Address, IntakeDoor, check_key, status_of
from services.followup.console.language import is_only_language_asked
from services.followup.console.pages import Pages
from services.followup.console.place_tree import place_tree
from services.followup.console.problem_pages import refused_page
from services.followup.console.recorded import recorded_now
from services.followup.console.rules import RuleError, ask_to_set_rules, may_set_rules
from services.followup.console.targets import Back
from services.followup.console.typed_days import typed_day
from services.followup.console.typed_numbers import typed_number
from services.followup.domain.regulation import RegulationLog
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.calendar import CalendarYear, DayOff, MakeUpDay
from shared.events.regulation import CalendarPublished
from shared.http.auth import token_of
from shared.http.problems import problem
from shared.identifiers import FIRST_YEAR, LAST_YEAR, NATION, composed, derived_id, lineage
from shared.sentences import Sentence

MOST_DAYS = 366  # of a year: every month is drawn with each of them
AHEAD = 2  # years after this one whose calendar can be begun from the list
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

#: What a day can be made; anything else that a form says makes it an ordinary one.
_KINDS: dict[str, Kind] = {"off": "off", "makeup": "makeup"}
_NO_DOCUMENT = Sentence(
    "Hãy nêu văn bản làm căn cứ, ví dụ số và ngày của thông báo lịch nghỉ.",
    "Name the document that says so, such as the number and day of the notice on holidays.",
)
_NO_DAY = Sentence(
    "“{text}” không phải là ngày; hãy nhập ngày/tháng/năm, ví dụ 2/1/2026.",
    "“{text}” is no day; type day/month/year, such as 2/1/2026.",
)

Source = Annotated[str, QueryParameter(max_length=64)]


class _Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The days of a draft as its form carries them."""

    holidays: Annotated[tuple[DayOff, ...], msgspec.Meta(max_length=MOST_DAYS)]
    makeup_days: Annotated[tuple[MakeUpDay, ...], msgspec.Meta(max_length=MOST_DAYS)] = ()


class YearAt(NamedTuple):
    """A year of a source with its calendar, None while there is none."""

    source: str
    year: int
    known: CalendarYear | None
    log: RegulationLog
    today: date

    @property
    def version(self) -> int:
        """How often the year was recorded, which a publication rests on."""
        stream = derived_id("calendar", self.year)
        return sum(fact.originator_id == stream for fact in self.log.facts)

    @property
    def topmost(self) -> str:
        """Where it is asked whether somebody publishes calendars: the topmost place that has not ended."""
        places = [code for code in self.log.registered if self.log.closed_on(code) is None]
        return min(places, key=lambda code: (len(lineage(code)), code), default=NATION)


def calendar_pages(
    pages: Pages, queries: Queries, logs: RegulationLogs, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The routes of the calendar."""
    calendars = _Calendars(pages, queries, logs, intake, address)

    @get("/calendars", include_in_schema=False)
    async def years(request: HttpRequest, source: Source = "") -> Response[str]:
        return await calendars.list(request, await calendars.at(request, source, 0))

    @get("/calendars/{year:int}", include_in_schema=False)
    async def one_year(
        request: HttpRequest,
        year: FromPath[int],
        source: Source = "",
        recorded: Annotated[str, QueryParameter(max_length=60)] = "",
    ) -> Response[str]:
        return await calendars.shown(request, await calendars.at(request, source, year), recorded)

    @get("/calendars/{year:int}/edit", include_in_schema=False)
    async def edit_form(request: HttpRequest, year: FromPath[int], source: Source = "") -> Response[str]:
        return await calendars.begin(request, await calendars.at(request, source, year))

    @post("/calendars/{year:int}/edit", include_in_schema=False, status_code=200, request_max_body_size=MAX_TEXT)
    async def edit(request: HttpRequest, year: FromPath[int], source: Source = "") -> Response[Any]:
        return await calendars.edited(request, await calendars.at(request, source, year))

    return [years, one_year, edit_form, edit]


class _Calendars:
    def __init__(
        self, pages: Pages, queries: Queries, logs: RegulationLogs, intake: IntakeClient, address: Address
    ) -> None:
        self._pages, self._queries, self._logs = pages, queries, logs
        self._intake, self._address, self._source = intake, address, IntakeDoor(queries, address)

    async def at(self, request: HttpRequest, source: str, year: int) -> YearAt:
        """A year of a source: the one asked for, else that of the topmost place that the caller may see.

        Raises ProblemError 404, 503.
        """
        if year and not FIRST_YEAR <= year <= LAST_YEAR:
            raise problem(404, "not-found", "year", field="year", year=year, first=FIRST_YEAR, last=LAST_YEAR)
        logs = await self._logs.by_source()
        if not source:
            tree = place_tree(await self._queries.places(scope_of(request)))
            sources = await self._queries.sources_of_place(tree[0][0]) if tree else []
            source = sources[0] if sources else min(logs, default="")
        log = or_404(logs.get(source), "source")
        return YearAt(source, year, log.calendars.years.get(year), log, await self._source.today(source))

    async def list(self, request: HttpRequest, at: YearAt) -> Response[str]:
        """The years that have a calendar, and those that may need one."""
        known = at.log.calendars.years
        missing = [year for year in range(at.today.year, at.today.year + AHEAD + 1) if year not in known]
        return await self._pages.show(
            request,
            "calendars.html",
            at=at,
            years=[known[year] for year in sorted(known, reverse=True)],
            missing=missing,
            sources=[each.source for each in await self._queries.sources()],
            may_publish=await self._may_publish(request, at),
        )

    async def shown(self, request: HttpRequest, at: YearAt, recorded: str) -> Response[str]:
        """A year as twelve months."""
        may_publish = await self._may_publish(request, at)
        if at.known is None and not may_publish:
            raise problem(404, "not-found", "calendar", year=at.year)
        return await self._pages.show(
            request,
            "calendar.html",
            at=at,
            months=months_of(at.known) if at.known else [],
            month_names=month_names(),
            around=[year for year in (at.year - 1, at.year + 1) if year in at.log.calendars.years],
            may_publish=may_publish,
            recorded=recorded_now(recorded, None),
        )

    async def begin(self, request: HttpRequest, at: YearAt) -> Response[str]:
        """The form of a year: as it stands, or as intake proposes it."""
        try:
            await self._asked(request, at)
            draft = at.known or await self._intake.proposed_calendar(
                self._source.url(at.source), at.year, token_of(request)
            )
        except Refusal as refusal:
            return await self._refused(request, at, refusal)
        return await self._page(request, at, draft, {"document": draft.document if at.known else ""})

    async def edited(self, request: HttpRequest, at: YearAt) -> Response[Any]:
        """Choose a day, change it in the draft, ask for confirmation, or publish the draft."""
        try:
            await self._asked(request, at)
        except Refusal as refusal:
            return await self._refused(request, at, refusal)
        filled = await read_form(request)
        check_key(filled.get("key", ""))
        filled["document"] = composed(filled.get("document", "")).strip()
        draft = _draft(at.year, filled)
        if is_only_language_asked(request):
            day = _day(at.year, filled["of"]) if "of" in filled else None
            return await self._page(
                request, at, draft, filled, day=day, entry=_entry(filled, at.today)[0] if day else None
            )
        if "day" in filled:
            return await self._page(request, at, draft, filled, day=_day(at.year, filled["day"]))
        if filled.get("do") == "set":
            return await self._set(request, at, draft, filled, _day(at.year, filled.get("of", "")))
        errors = [] if filled["document"] else [RuleError("document", _NO_DOCUMENT)]
        try:
            check_year(draft)
        except WrongDay as wrong:
            return await self._page(request, at, draft, filled, [RuleError(wrong.at, wrong.said)], wrong.day)
        if errors or filled.get("do") not in ("publish", "confirm"):
            return await self._page(request, at, draft, filled, errors)
        if filled["do"] == "publish":
            return await self._pages.show(
                request, "calendar_confirm.html", at=at, filled=filled, changes=changed_days(at.known, draft)
            )
        return await self._publish(request, at, draft, filled)

    async def _set(
        self, request: HttpRequest, at: YearAt, draft: CalendarYear, filled: dict[str, str], day: date
    ) -> Response[str]:
        entry, errors = _entry(filled, at.today)
        if not errors:
            try:
                return await self._page(request, at, with_day(draft, day, entry), filled)
            except WrongDay as wrong:
                where = wrong.at if wrong.day == day else ""
                errors = [RuleError(where, wrong.said)]
        return await self._page(request, at, draft, filled, errors, day, entry)

    async def _publish(
        self, request: HttpRequest, at: YearAt, draft: CalendarYear, filled: dict[str, str]
    ) -> Response[Any]:
        """Record it where nobody published the year since the draft was begun. Raises ProblemError 400."""
        body = {
            "year": at.year,
            "holidays": msgspec.to_builtins(draft.holidays),
            "makeup_days": msgspec.to_builtins(draft.makeup_days),
            "document": filled["document"],
        }
        if (version := typed_number(filled.get("version", ""))) is None:
            raise problem(400, "malformed-form", field="version")
        key, token = filled.get("key", ""), token_of(request)
        try:
            done = await self._intake.act(self._source.url(at.source), "/v1/calendars", body, key, token, version)
        except Refusal as refusal:
            wrong = wrong_day(draft, refusal.field or "", refusal.detail)
            errors = [RuleError(wrong.at if wrong.day or wrong.at == "document" else "", wrong.said)]
            # What was published meanwhile is what the draft is compared with from here on.
            again = filled | {"version": str(at.version)}
            return await self._page(request, at, draft, again, errors, wrong.day, status=status_of(refusal))
        await self._source.until_read(at.source, done.position)
        query = urlencode({"source": at.source, "recorded": CalendarPublished.TOPIC})
        return Redirect(f"/calendars/{at.year}?{query}", status_code=SEE_OTHER)

    async def _page(
        self,
        request: HttpRequest,
        at: YearAt,
        draft: CalendarYear,
        filled: dict[str, str],
        errors: Sequence[RuleError] = (),
        day: date | None = None,
        entry: DayEntry | None = None,
        status: int = 0,
    ) -> Response[str]:
        changes = changed_days(at.known, draft)
        days = _Draft(draft.holidays, draft.makeup_days)
        return await self._pages.show(
            request,
            "calendar_edit.html",
            status=status or (422 if errors else 200),
            at=at,
            draft=msgspec.json.encode(days).decode(),
            months=months_of(draft, {each.date for each in changes}),
            month_names=month_names(),
            changes=changes,
            made_up=[each.date for each in draft.holidays if each.date.weekday() < 5],
            filled=filled,
            errors=errors,
            day=day,
            entry=entry or (entry_of(draft, day) if day else None),
            version=filled.get("version", str(at.version)),
            key=filled.get("key") or secrets.token_urlsafe(16),
        )

    async def _may_publish(self, request: HttpRequest, at: YearAt) -> bool:
        path = f"/v1/jurisdictions/{at.topmost}"
        return await may_set_rules(self._intake, self._address(at.source), path, token_of(request))

    async def _asked(self, request: HttpRequest, at: YearAt) -> None:
        """Refuse whom intake would refuse, before anything is read of the form. Raises Refusal."""
        await ask_to_set_rules(
            self._intake, self._source.url(at.source), f"/v1/jurisdictions/{at.topmost}", token_of(request)
        )

    async def _refused(self, request: HttpRequest, at: YearAt, refusal: Refusal) -> Response[str]:
        back = Back(f"/calendars?{urlencode({'source': at.source})}", Bilingual("Lịch làm việc", "Calendar"))
        return await refused_page(self._pages, request, back, refusal)


def month_names() -> list[Bilingual]:
    """The names of the months, January first."""
    return [Bilingual(f"Tháng {number}", name) for number, name in enumerate(MONTHS, 1)]


def _draft(year: int, filled: dict[str, str]) -> CalendarYear:
    """The draft that a form of ours carries. Raises ProblemError 400."""
    try:
        days = msgspec.json.decode(composed(filled.get("draft", "")), type=_Draft)
    except msgspec.DecodeError:
        raise problem(400, "malformed-form", field="draft") from None
    return CalendarYear(year=year, holidays=days.holidays, makeup_days=days.makeup_days, document=filled["document"])


def _day(year: int, text: str) -> date:
    """A day of the year, as a button of ours names it. Raises ProblemError 400."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year != year:
        raise problem(400, "malformed-form", field="day")
    return day


def _entry(filled: dict[str, str], today: date) -> tuple[DayEntry, list[RuleError]]:
    """What a day is to be, as it was filled in."""
    kind = _KINDS.get(filled.get("kind", ""), "work")
    typed = filled.get("instead_of", "").strip()
    other = typed_day(typed, today) if typed else None
    entry = DayEntry(kind, composed(filled.get("name", "")).strip(), composed(filled.get("name_en", "")).strip(), other)
    if kind == "makeup" and typed and other is None:
        return entry, [RuleError("instead_of", _NO_DAY.filled({"text": typed[:40]}, {}))]
    return entry, []
