"""The duties of an authority itself: a dialogue in each year, the communes' own plans (plan II.3, III.7)."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from services.followup.domain.cases import ConferenceCase
from services.followup.domain.desired import Desired, Done, Duty, Waived, settle
from services.followup.domain.facts import Fact, by_effect
from services.followup.domain.regulation import Regulation
from shared.identifiers import derived_id, local_day, midnight

CHAIR = "chair"


def jurisdiction_id(code: str) -> UUID:
    """The stream of a jurisdiction, by its code."""
    return derived_id("jurisdiction", code)


def jurisdiction_duties(
    code: str, source: str, regulation: Regulation, conferences: Iterable[ConferenceCase], horizon: datetime
) -> list[Desired]:
    """Every deadline that the authority ought to have by `horizon`. Raises CalendarMissing."""
    held = [c for c in conferences if c.jurisdiction == code]
    duties = [*_years(code, source, regulation, held, horizon), *_communes(code, source, regulation)]
    return [settle(duty, regulation) for duty in duties]


def next_opening(code: str, regulation: Regulation, horizon: datetime) -> datetime | None:
    """The local midnight of the next 1 January on which a year's duty opens; None where none will."""
    adoption = _adoption(code, regulation)
    if adoption is None:
        return None
    year = max(local_day(horizon).year, _first_year(adoption)) + 1
    closed = regulation.closed_on.get(code)
    return None if closed is not None and closed.year < year else midnight(date(year, 1, 1))


def _adoption(code: str, regulation: Regulation) -> Fact | None:
    facts = regulation.adoptions.get(code, [])
    return by_effect(facts)[0] if facts else None


def _first_year(adoption: Fact) -> int:
    # Years already ended when the adoption was recorded are never opened.
    return max(adoption.on.year, local_day(adoption.recorded_at).year)


def _years(
    code: str, source: str, regulation: Regulation, held: list[ConferenceCase], horizon: datetime
) -> Iterable[Duty]:
    adoption = _adoption(code, regulation)
    if adoption is None:
        return
    closed_on = regulation.closed_on.get(code)
    for year in range(_first_year(adoption), local_day(horizon).year + 1):
        start_of_year = date(year, 1, 1)
        if closed_on is not None and closed_on <= start_of_year:
            return
        counted_from = max(adoption.on, start_of_year)
        yield Duty(
            source=source,
            subject="jurisdiction",
            subject_id=jurisdiction_id(code),
            duty="annual_dialogue",
            part=str(year),
            start=adoption,
            debtor=CHAIR,
            jurisdiction=code,
            policy=regulation.policy(code, counted_from),
            counted_from=counted_from,
            end=_held_in(year, held) or _abolished(code, regulation, closed_on, year),
        )


def _held_in(year: int, held: list[ConferenceCase]) -> Done | None:
    closings = [
        c.closed
        for c in held
        if c.closed is not None and c.plan is not None and c.plan.kind == "periodic" and c.closed.on.year == year
    ]
    first = by_effect(closings)[0] if closings else None
    return Done(first.on, first) if first else None


def _abolished(code: str, regulation: Regulation, closed_on: date | None, year: int) -> Waived | None:
    if closed_on is None or closed_on.year != year:
        return None
    return Waived(closed_on, regulation.registered[code][0], "jurisdiction_closed")


def _communes(code: str, source: str, regulation: Regulation) -> Iterable[Duty]:
    for fact, plan in regulation.plans:
        if plan.jurisdiction != code:
            continue
        own = {
            other.jurisdiction: other_fact
            for other_fact, other in regulation.plans
            if other.parent_plan == plan.number and other_fact.on.year >= fact.on.year
        }
        for commune in regulation.communes_of(code, fact.on):
            adopted = own.get(commune)
            yield Duty(
                source=source,
                subject="jurisdiction",
                subject_id=jurisdiction_id(code),
                duty="commune_plan",
                part=commune,
                start=fact,
                debtor=CHAIR,
                jurisdiction=code,
                policy=regulation.policy(code, fact.on),
                counted_from=fact.on,
                end=Done(adopted.on, adopted) if adopted else None,
            )
