"""Questions about the rules: is a policy or a calendar sound, what does it change, how does a year stand."""

import asyncio
from datetime import date
from typing import Any, cast

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from services.intake.adapters.proposals import proposed_calendar
from services.intake.application.command_body import strict
from services.intake.application.errors import NotFound
from services.intake.application.json_body import cleaned
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain.acts.act import OFFICE_OR_OPERATIONS
from services.intake.entrypoints import openapi
from services.intake.entrypoints.bodies import json_of
from services.intake.entrypoints.queries import tagged
from shared.calendar import CalendarMissing, CalendarYear, ContradictoryCalendar, validate
from shared.calendar.diff import day_changes
from shared.http.bodies import check_encoding
from shared.http.openapi import answers, body_operation
from shared.http.permissions import KNOWN, Permission, permitted
from shared.http.problems import problem
from shared.identifiers import FIRST_YEAR, LAST_YEAR, derived_id
from shared.invalid_body import decoded
from shared.policy import (
    ANCHOR_TITLES,
    DOCUMENTS,
    Policy,
    PolicyProblem,
    UncountablePolicy,
    policy_of,
    read_policy,
    shipped_policy,
)
from shared.policy.clock_sheet import clock_sheet
from shared.policy.diff import changes
from shared.policy.probe import missing_years, uncountable_rules
from shared.policy.reading import value_in_vietnamese
from shared.policy.schema import Anchor

YAML = ("application/yaml", "application/x-yaml", "text/yaml")


class CheckedPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a policy, each with its place and remedy; a sound one comes back as a clock sheet.

    `provisional` are the rules that cannot be counted before the calendar of a later year is published. `effects` are
    who would owe what he does not, and which document wins where several bind, if the jurisdiction asked of adopted it.
    """

    valid: bool
    problems: tuple[PolicyProblem, ...] = ()
    lines: tuple[dict[str, Any], ...] = ()
    provisional: tuple[dict[str, Any], ...] = ()
    effects: tuple[dict[str, Any], ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two policies, each a document or the name of one that comes with the product."""

    before: dict[str, Any] | str
    after: dict[str, Any] | str


class Compared(msgspec.Struct, frozen=True):
    """Each word that two policies say differently."""

    changes: tuple[dict[str, Any], ...]


#: A year to be judged: a misspelt field is an error and not a day forgotten.
CalendarYearInput: type[CalendarYear] = strict(CalendarYear)

_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_comparison, _year = msgspec.json.Decoder(Comparison), msgspec.json.Decoder(CalendarYearInput)


class CalendarProblemTranslation(msgspec.Struct, frozen=True):
    """What is wrong with a calendar, in one language."""

    problem: str


class CalendarProblemTranslations(msgspec.Struct, frozen=True):
    """What is wrong with a calendar, in each language."""

    vi: CalendarProblemTranslation
    en: CalendarProblemTranslation


class CheckedCalendar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a calendar, and which days it would change; `version` is that of the one it is compared to.

    `problem` is English; `translations` say it in each language.
    """

    valid: bool
    problem: str = ""
    translations: CalendarProblemTranslations | None = None
    version: int = 0
    changes: tuple[dict[str, Any], ...] = ()


class YearView(msgspec.Struct, frozen=True, kw_only=True):
    """A year as it stands."""

    version: int
    calendar: CalendarYear


def regulation_routes(regulation_cache: RegulationCache) -> list[HTTPRouteHandler]:
    """Every question about the rules."""

    @post(
        "/v1/policies/check",
        summary="What is wrong with a policy, before it is adopted",
        description="For those who may adopt one: office, chair, operations. The document as JSON, or as YAML "
        "(application/yaml): then each problem names its line. A sound "
        "one comes back as a clock sheet, each line with all that its rule says; `on=receipt=2026-04-23` (again for "
        "other days that clocks count from) or `conference=2026-03-26` sets its last days. With `jurisdiction=H35.10`: "
        "who would owe what it does not yet, and which document wins where several bind, if it were adopted there.",
        tags=["policy"],
        status_code=200,
        operation_class=body_operation(Policy, YAML[0]),
        responses=openapi.BODY_PROBLEMS,
    )
    async def check_policy(
        request: Request[Any, Any, Any],
        on: FromQuery[list[str] | None] = None,
        conference: FromQuery[str] = "",
        jurisdiction: FromQuery[str] = "",
    ) -> CheckedPolicy:
        check_encoding(dict(request.scope["headers"]))
        days = _days(on or [], conference)
        body, kind = await request.body(), request.headers.get("content-type", "")
        await regulation_cache.read()
        # Whatever a caller sends is read beside the loop: one text must not hold up everybody's requests.
        return await asyncio.to_thread(_checked, body, kind, days, regulation_cache, jurisdiction)

    @post(
        "/v1/policies/comparison",
        summary="What two policies say differently, word by word",
        tags=["policy"],
        status_code=200,
        operation_class=body_operation(Comparison),
        responses=openapi.BODY_PROBLEMS,
    )
    async def compare_policies(request: Request[Any, Any, Any]) -> Compared:
        return await asyncio.to_thread(_compared, await json_of(request))

    @post(
        "/v1/calendars/check",
        summary="What is wrong with a calendar, and which days it would change",
        tags=["calendar"],
        status_code=200,
        operation_class=body_operation(CalendarYearInput),
        responses=openapi.BODY_PROBLEMS,
    )
    async def check_calendar(request: Request[Any, Any, Any]) -> CheckedCalendar:
        body = await json_of(request)
        await regulation_cache.read()
        try:
            draft = decoded(_year, body)
            validate(draft)
        except msgspec.ValidationError as error:
            return _wrong_calendar(value_in_vietnamese(str(error)), str(error))
        except ContradictoryCalendar as error:
            return _wrong_calendar(f"{error.field}: {error.said.vi}", str(error))
        known = regulation_cache.regulation.years.get(draft.year)
        found = day_changes(known, draft) if known else []
        return CheckedCalendar(
            valid=True,
            version=_version(regulation_cache, draft.year),
            changes=tuple(msgspec.to_builtins(change) for change in found),
        )

    @get(
        "/v1/calendars/{year:int}",
        summary="A year as it stands",
        tags=["calendar"],
        responses=openapi.READ_PROBLEMS,
        operation_class=answers("ETag", cached=True),
    )
    async def get_calendar(request: Request[Any, Any, Any], year: FromPath[int]) -> Response[YearView]:
        await regulation_cache.read()
        known = regulation_cache.regulation.years.get(year)
        if known is None:
            raise NotFound(None, "calendar", year=year)
        version = _version(regulation_cache, year)
        return tagged(request, YearView(version=version, calendar=known), version)

    @get(
        "/v1/calendars/{year:int}/proposal",
        summary="A year computed from what is known of its holidays: a draft to correct",
        tags=["calendar"],
        responses=openapi.READ_PROBLEMS,
    )
    async def get_calendar_proposal(year: FromPath[int]) -> CalendarYear:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise problem(404, "not-found", "year", field="year", year=year, first=FIRST_YEAR, last=LAST_YEAR)
        found = proposed_calendar(year, date(year, 1, 1))
        return CalendarYear(
            year=year, holidays=found.holidays, makeup_days=found.makeup_days, document=found.basis, provisional=True
        )

    checks = permitted(Permission(OFFICE_OR_OPERATIONS), [check_policy, compare_policies, check_calendar])
    return [*checks, *permitted(KNOWN, [get_calendar, get_calendar_proposal])]


def _checked(
    body: bytes, content_type: str, days: dict[Anchor, date], known: RegulationCache, jurisdiction: str
) -> CheckedPolicy:
    calendar = known.regulation.calendar
    try:
        policy = _policy(body, content_type)
    except UncountablePolicy as invalid:
        return CheckedPolicy(valid=False, problems=invalid.problems)
    if problems := uncountable_rules(policy, calendar):
        return CheckedPolicy(valid=False, problems=problems)
    try:
        lines = clock_sheet(policy, days, calendar)
    except CalendarMissing as missing:
        raise problem(422, "calendar-year-missing", "count", year=missing.year) from None
    effects = known.regulation.effects_of(policy, jurisdiction, known.today) if jurisdiction else ()
    return CheckedPolicy(
        valid=True,
        lines=tuple(msgspec.to_builtins(line) for line in lines),
        provisional=tuple(msgspec.to_builtins(year) for year in missing_years(policy, calendar)),
        effects=tuple(msgspec.to_builtins(effect) for effect in effects),
    )


def _wrong_calendar(vi: str, en: str) -> CheckedCalendar:
    translations = CalendarProblemTranslations(CalendarProblemTranslation(vi), CalendarProblemTranslation(en))
    return CheckedCalendar(valid=False, problem=en, translations=translations)


def _compared(body: bytes) -> Compared:
    asked = decoded(_comparison, body)
    before, after = _named("before", asked.before), _named("after", asked.after)
    return Compared(tuple(msgspec.to_builtins(change) for change in changes(before, after)))


def _version(regulation_cache: RegulationCache, year: int) -> int:
    return regulation_cache.versions.get(derived_id("calendar", year), 0)


def _days(given: list[str], conference: str) -> dict[Anchor, date]:
    """The days that clocks count from; a conference's stands for its first and its last."""
    named = [each.partition("=")[::2] for each in given]
    if conference:
        named += [("conference_start", conference), ("conference_end", conference)]
    days: dict[Anchor, date] = {}
    for anchor, text in named:
        if anchor not in ANCHOR_TITLES:
            raise problem(422, "invalid-value", "anchor", field="on", anchor=anchor, known=tuple(ANCHOR_TITLES))
        try:
            days[cast(Anchor, anchor)] = msgspec.convert(text, date)
        except msgspec.ValidationError:
            raise problem(422, "invalid-value", "no-date", field="on", text=text) from None
    return days


def _named(at: str, given: dict[str, Any] | str) -> Policy:
    try:
        if isinstance(given, dict):
            return policy_of(given)
        if given not in DOCUMENTS:
            raise problem(422, "invalid-value", "document", field=at, document=given, known=tuple(DOCUMENTS))
        return shipped_policy(given)
    except UncountablePolicy as invalid:
        first = invalid.problems[0]
        raise problem(422, "invalid-policy", field=f"{at}.{first.path}", problems=first.said) from None


def _policy(body: bytes, content_type: str) -> Policy:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in YAML:
        try:
            return read_policy(body.decode())
        except UnicodeDecodeError:
            raise problem(400, "malformed-yaml") from None
    if kind != "application/json":
        raise problem(415, "unsupported-media-type", "yaml")
    return policy_of(decoded(_any, cleaned(body)))
