"""Which deeds the register of bodies, policies, calendars and plans allows."""

from datetime import date

from services.intake.domain import errors
from services.intake.domain.regulation import PublicBody, Regulation
from shared.calendar import CalendarYear, ContradictoryCalendar, validate
from shared.events import DatedEvent
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
from shared.policy import Policy, UncountablePolicy, check, occurrences


def check_regulation(event: DatedEvent, regulation: Regulation) -> str:
    """The jurisdiction that the deed belongs to. Raises RegulationRefused, WrongContent."""
    match event:
        case JurisdictionRegistered():
            _check_new(regulation.jurisdictions.get(event.code), event.code)
            if event.parent and event.parent != NATION:
                regulation.jurisdiction_on(event.parent, event.valid_from, "parent")
                if not is_within(event.code, event.parent) or event.code == event.parent:
                    # Who sees what follows the codes: a parent elsewhere would say otherwise.
                    raise errors.InvalidCode(f"code: {event.code} does not lie under its parent {event.parent}")
            return event.code
        case JurisdictionClosed():
            _check_closing(regulation.jurisdictions, event, errors.UnknownJurisdiction)
            return event.code
        case AgencyRegistered():
            _check_new(regulation.agencies.get(event.code), event.code)
            _check_seat(regulation, event.jurisdiction)
            return event.jurisdiction
        case AgencyClosed():
            return _check_closing(regulation.agencies, event, errors.UnknownAgency).jurisdiction
        case ReceptionDayHeld():
            _check_reception(event, regulation)
            return event.code
        case FrequencyDutyWaived():
            _check_waiver(event, regulation)
            return event.code
        case PolicyAdopted():
            _check_seat(regulation, event.jurisdiction)
            _check_policy(event.policy)
            return event.jurisdiction
        case DialoguePlanAdopted():
            regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
            if (event.jurisdiction, event.number, event.year) in regulation.plans:
                raise errors.PlanAlreadyAdopted(f"number: the plan {event.number} of {event.year} is recorded")
            return event.jurisdiction
        case CalendarPublished() | CalendarProposed():
            _check_calendar(event, regulation)
            return NATION
        case _:
            raise TypeError(f"{event.TOPIC} is no deed of the regulation")


def _check_new(known: PublicBody | None, code: str) -> None:
    if known is not None:
        raise errors.AlreadyRegistered(f"code: {code} is registered ({known.name}); close it or take another code")


def _check_seat(regulation: Regulation, code: str) -> None:
    if code != NATION and code not in regulation.jurisdictions:
        raise errors.UnknownJurisdiction(f"jurisdiction: {code!r} is not registered; register it first")


def _check_closing(
    bodies: dict[str, PublicBody], event: JurisdictionClosed | AgencyClosed, unknown: type[errors.Refused]
) -> PublicBody:
    body = bodies.get(event.code)
    if body is None:
        raise unknown(f"code: {event.code!r} is not registered")
    if body.closed_on is not None:
        raise errors.AlreadyClosed(f"code: {event.code} was closed on {body.closed_on}")
    if event.effective_on < body.valid_from:
        raise errors.InvalidValue(f"effective_on: {event.code} exists only from {body.valid_from} on")
    if event.successor and (event.successor == event.code or event.successor not in bodies):
        raise unknown(f"successor: {event.successor!r} is not registered as another body; register it first")
    return body


def _check_calendar(event: CalendarPublished | CalendarProposed, regulation: Regulation) -> None:
    if isinstance(event, CalendarProposed) and event.year in regulation.years:
        raise errors.CalendarAlreadyThere(f"year: {event.year} has a calendar; publish another version instead")
    try:
        validate(CalendarYear(year=event.year, holidays=event.holidays, makeup_days=event.makeup_days))
    except ContradictoryCalendar as error:
        raise errors.InvalidCalendar(str(error)) from error


def _check_policy(policy: Policy) -> None:
    try:
        check(policy)
    except UncountablePolicy as invalid:
        raise errors.InvalidPolicy("; ".join(f"policy.{problem}" for problem in invalid.problems)) from invalid


def _check_reception(event: ReceptionDayHeld, regulation: Regulation) -> None:
    regulation.jurisdiction_on(event.code, event.effective_on, "code")
    if event.citizens < 0:
        raise errors.InvalidValue("citizens: a number from 0 up")


def _check_waiver(event: FrequencyDutyWaived, regulation: Regulation) -> None:
    regulation.jurisdiction_on(event.code, event.effective_on, "code")
    rule_in_force = regulation.rule_in_force(event.code, event.duty, event.effective_on, event.audience)
    frequency = rule_in_force.rule.frequency if rule_in_force else None
    if frequency is None:
        raise errors.InvalidValue(f"duty: {event.duty!r} is not owed there again and again")
    if frequency.waiver is None:
        raise errors.WaiverNotProvided(f"duty: the policy in force lets nobody off {event.duty}")
    around = date(event.effective_on.year - 1, 1, 1), date(event.effective_on.year + 1, 12, 31)
    known = [each.part for each in occurrences(frequency, *around)]
    if event.period not in known:
        raise errors.InvalidValue(f"period: {event.period!r} is no period; write it as {known[-1]}")
    if frequency.waiver.substitute == "required" and not event.substitute.strip():
        raise errors.InvalidValue("substitute: say what was done in its place; the policy in force asks for it")
