"""Questions about the rules: is a policy or a calendar sound, what does it change, how does a year stand."""

from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.intake.adapters.proposals import proposed_calendar
from services.intake.application.errors import NotThere
from services.intake.application.knowledge import Knowledge
from services.intake.entrypoints import openapi
from shared.calendar import CalendarYear, InvalidCalendar, validate
from shared.calendar.comparing import day_changes
from shared.http.problems import ProblemError
from shared.identifiers import FIRST_YEAR, LAST_YEAR, derived_id
from shared.policy import InvalidPolicy, Policy, policy_of, read_policy
from shared.policy.telling import sheet

YAML = ("application/yaml", "application/x-yaml", "text/yaml")


class CheckedPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a policy, each with its place and remedy; a sound one comes back as a clock sheet."""

    valid: bool
    problems: tuple[dict[str, Any], ...] = ()
    lines: tuple[dict[str, Any], ...] = ()


class CheckedCalendar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a calendar, and which days it would change; `version` is that of the one it is compared to."""

    valid: bool
    problem: str = ""
    version: int = 0
    changes: tuple[dict[str, Any], ...] = ()


class YearView(msgspec.Struct, frozen=True, kw_only=True):
    """A year as it stands."""

    version: int
    calendar: CalendarYear


def regulation_routes(knowledge: Knowledge) -> list[HTTPRouteHandler]:
    """Every question about the rules."""

    @post(
        "/v1/policies/check",
        summary="What is wrong with a policy, before it is adopted",
        description="The document as JSON, or as YAML (application/yaml): then each problem names its line.",
        tags=["policy"],
        status_code=200,
        operation_class=openapi.body_operation(Policy),
        responses=openapi.READ_PROBLEMS,
    )
    async def check_policy(request: Request[Any, Any, Any]) -> CheckedPolicy:
        try:
            policy = _policy(await request.body(), request.headers.get("content-type", ""))
        except InvalidPolicy as invalid:
            return CheckedPolicy(valid=False, problems=tuple(msgspec.to_builtins(p) for p in invalid.problems))
        lines = sheet(policy, {}, knowledge.regulation.calendar)
        return CheckedPolicy(valid=True, lines=tuple(msgspec.to_builtins(line) for line in lines))

    @post(
        "/v1/calendars/check",
        summary="What is wrong with a calendar, and which days it would change",
        tags=["calendar"],
        status_code=200,
        operation_class=openapi.body_operation(CalendarYear),
        responses=openapi.READ_PROBLEMS,
    )
    async def check_calendar(request: Request[Any, Any, Any]) -> CheckedCalendar:
        await knowledge.refresh()
        try:
            draft = msgspec.json.decode(await request.body(), type=CalendarYear)
            validate(draft)
        except (msgspec.DecodeError, InvalidCalendar) as error:
            return CheckedCalendar(valid=False, problem=str(error))
        known = knowledge.regulation.years.get(draft.year)
        changes = day_changes(known, draft) if known else []
        return CheckedCalendar(
            valid=True,
            version=_version(knowledge, draft.year),
            changes=tuple(msgspec.to_builtins(change) for change in changes),
        )

    @get("/v1/calendars/{year:int}", summary="A year as it stands", tags=["calendar"], responses=openapi.READ_PROBLEMS)
    async def one_year(year: FromPath[int]) -> Response[YearView]:
        await knowledge.refresh()
        known = knowledge.regulation.years.get(year)
        if known is None:
            raise NotThere(f"there is no calendar of {year}; publish one")
        version = _version(knowledge, year)
        return Response(YearView(version=version, calendar=known), headers={"ETag": f'"{version}"'})

    @get(
        "/v1/calendars/{year:int}/proposal",
        summary="A year computed from what is known of its holidays: a draft to correct",
        tags=["calendar"],
        responses=openapi.READ_PROBLEMS,
    )
    async def proposal(year: FromPath[int]) -> CalendarYear:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise ProblemError(404, "not-found", f"year: {year} is outside {FIRST_YEAR} to {LAST_YEAR}")
        found = proposed_calendar(year, date(year, 1, 1))
        return CalendarYear(
            year=year, holidays=found.holidays, makeup_days=found.makeup_days, document=found.basis, provisional=True
        )

    return [check_policy, check_calendar, one_year, proposal]


def _version(knowledge: Knowledge, year: int) -> int:
    return knowledge.versions.get(derived_id("calendar", year), 0)


def _policy(body: bytes, content_type: str) -> Policy:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in YAML:
        try:
            return read_policy(body.decode())
        except UnicodeDecodeError:
            raise ProblemError(400, "malformed-yaml", "the body is not UTF-8") from None
    if kind != "application/json":
        raise ProblemError(415, "unsupported-media-type", "send application/json or application/yaml")
    return policy_of(msgspec.json.decode(body))
