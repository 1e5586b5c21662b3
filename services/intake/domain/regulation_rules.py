"""Which deeds the register of bodies, policies, calendars and plans allows."""

from datetime import date

from services.intake.domain import errors
from services.intake.domain.regulation import Body, Regulation
from shared.calendar import CalendarYear, InvalidCalendar, validate
from shared.events import Deed
from shared.events.regulation import (
    AgencyClosed,
    AgencyRegistered,
    CalendarProposed,
    CalendarPublished,
    DialoguePlanAdopted,
    FrequencyDutyWaived,
    JurisdictionClosed,
    JurisdictionRegistered,
    PolicyAdopted,
    ReceptionDayHeld,
)
from shared.identifiers import NATION, is_within
from shared.policy import InvalidPolicy, Policy, check, occurrences


def check_regulation(deed: Deed, regulation: Regulation) -> str:
    """The jurisdiction that the deed belongs to. Raises RegulationRefused, WrongContent."""
    match deed:
        case JurisdictionRegistered():
            _check_new(regulation.jurisdictions.get(deed.code), deed.code)
            if deed.parent and deed.parent != NATION:
                regulation.jurisdiction_on(deed.parent, deed.valid_from, "parent")
                if not is_within(deed.code, deed.parent) or deed.code == deed.parent:
                    # Who sees what follows the codes: a parent elsewhere would say otherwise.
                    raise errors.InvalidCode(f"code: {deed.code} does not lie under its parent {deed.parent}")
            return deed.code
        case JurisdictionClosed():
            _check_closing(regulation.jurisdictions, deed, errors.UnknownJurisdiction)
            return deed.code
        case AgencyRegistered():
            _check_new(regulation.agencies.get(deed.code), deed.code)
            _check_seat(regulation, deed.jurisdiction)
            return deed.jurisdiction
        case AgencyClosed():
            return _check_closing(regulation.agencies, deed, errors.UnknownAgency).jurisdiction
        case ReceptionDayHeld():
            _check_reception(deed, regulation)
            return deed.code
        case FrequencyDutyWaived():
            _check_waiver(deed, regulation)
            return deed.code
        case PolicyAdopted():
            _check_seat(regulation, deed.jurisdiction)
            _check_policy(deed.policy)
            return deed.jurisdiction
        case DialoguePlanAdopted():
            regulation.jurisdiction_on(deed.jurisdiction, deed.effective_on)
            if (deed.jurisdiction, deed.number, deed.year) in regulation.plans:
                raise errors.PlanAlreadyAdopted(f"number: the plan {deed.number} of {deed.year} is recorded")
            return deed.jurisdiction
        case CalendarPublished() | CalendarProposed():
            _check_calendar(deed, regulation)
            return NATION
        case _:
            raise TypeError(f"{deed.TOPIC} is no deed of the regulation")


def _check_new(known: Body | None, code: str) -> None:
    if known is not None:
        raise errors.AlreadyRegistered(f"code: {code} is registered ({known.name}); close it or take another code")


def _check_seat(regulation: Regulation, code: str) -> None:
    if code != NATION and code not in regulation.jurisdictions:
        raise errors.UnknownJurisdiction(f"jurisdiction: {code!r} is not registered; register it first")


def _check_closing(
    bodies: dict[str, Body], deed: JurisdictionClosed | AgencyClosed, unknown: type[errors.Refused]
) -> Body:
    body = bodies.get(deed.code)
    if body is None:
        raise unknown(f"code: {deed.code!r} is not registered")
    if body.closed_on is not None:
        raise errors.AlreadyClosed(f"code: {deed.code} was closed on {body.closed_on}")
    if deed.effective_on < body.valid_from:
        raise errors.InvalidValue(f"effective_on: {deed.code} exists only from {body.valid_from} on")
    if deed.successor and (deed.successor == deed.code or deed.successor not in bodies):
        raise unknown(f"successor: {deed.successor!r} is not registered as another body; register it first")
    return body


def _check_calendar(deed: CalendarPublished | CalendarProposed, regulation: Regulation) -> None:
    if isinstance(deed, CalendarProposed) and deed.year in regulation.years:
        raise errors.CalendarAlreadyThere(f"year: {deed.year} has a calendar; publish another version instead")
    try:
        validate(CalendarYear(year=deed.year, holidays=deed.holidays, makeup_days=deed.makeup_days))
    except InvalidCalendar as error:
        raise errors.InvalidCalendar(str(error)) from error


def _check_policy(policy: Policy) -> None:
    try:
        check(policy)
    except InvalidPolicy as invalid:
        raise errors.InvalidPolicy("; ".join(f"policy.{problem}" for problem in invalid.problems)) from invalid


def _check_reception(deed: ReceptionDayHeld, regulation: Regulation) -> None:
    regulation.jurisdiction_on(deed.code, deed.effective_on, "code")
    if deed.citizens < 0:
        raise errors.InvalidValue("citizens: a number from 0 up")


def _check_waiver(deed: FrequencyDutyWaived, regulation: Regulation) -> None:
    regulation.jurisdiction_on(deed.code, deed.effective_on, "code")
    ruling = regulation.ruling(deed.code, deed.duty, deed.effective_on, deed.audience)
    frequency = ruling.rule.frequency if ruling else None
    if frequency is None:
        raise errors.InvalidValue(f"duty: {deed.duty!r} is not owed there again and again")
    if frequency.waiver is None:
        raise errors.WaiverNotProvided(f"duty: the policy in force lets nobody off {deed.duty}")
    around = date(deed.effective_on.year - 1, 1, 1), date(deed.effective_on.year + 1, 12, 31)
    known = [each.part for each in occurrences(frequency, *around)]
    if deed.period not in known:
        raise errors.InvalidValue(f"period: {deed.period!r} is no period; write it as {known[-1]}")
    if frequency.waiver.substitute == "required" and not deed.substitute.strip():
        raise errors.InvalidValue("substitute: say what was done in its place; the policy in force asks for it")
