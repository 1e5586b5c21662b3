"""The duties of an authority itself: dialogues and reception days in each period, the communes' own plans."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from uuid import UUID

from services.followup.domain.cases import Dialogue
from services.followup.domain.duties.due_dates import ExpectedDeadline, UncountableDuty, count_duties
from services.followup.domain.duties.duty import Done, Duty, Waived, WaiverGround
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import Opening, RegulationLog
from shared.calendar import Calendar, CalendarMissing
from shared.cases.facts import by_effect
from shared.cases.successors import CHAIR
from shared.identifiers import derived_id, local_day, midnight
from shared.policy import (
    Note,
    NoteKind,
    Occurrence,
    RuleInForce,
    count_occurrence,
    next_period,
    occurrences,
)

PERIODIC = ("annual_dialogue", "reception_day")


def jurisdiction_id(code: str) -> UUID:
    """The stream of a jurisdiction, by its code."""
    return derived_id("jurisdiction", code)


def jurisdiction_duties(
    code: str, source: str, regulation: RegulationLog, dialogues: Iterable[Dialogue], horizon: datetime
) -> list[ExpectedDeadline | UncountableDuty]:
    """Every deadline that the authority should have by `horizon`, and the duties that cannot be counted."""
    held = [dialogue for dialogue in dialogues if dialogue.jurisdiction == code]
    duties = [*_periodic(code, source, regulation, held, local_day(horizon)), *_communes(code, source, regulation)]
    return count_duties(duties, regulation)


def next_opening(code: str, regulation: RegulationLog, horizon: datetime) -> datetime | None:
    """The next local midnight on which a period's duty opens; None where none will."""
    today = local_day(horizon)
    closed = regulation.closed_on(code)
    found = []
    for duty in PERIODIC:
        for audience in regulation.audiences(code, duty):
            opening = regulation.opening(code, duty, audience)
            if opening is not None:
                found.append(_next_day(code, regulation, duty, audience, opening, today))
    day = min((each for each in found if each is not None), default=None)
    return None if day is None or (closed is not None and closed <= day) else midnight(day)


def _next_day(
    code: str, regulation: RegulationLog, duty: str, audience: str, opening: Opening, today: date
) -> date | None:
    if opening.since > today:
        return opening.since
    rule_in_force = _rule_in_force(code, regulation, duty, audience, today)
    if rule_in_force is None or rule_in_force.rule.frequency is None:
        return _begins_again(code, regulation, duty, audience, today)
    return next_period(rule_in_force.rule.frequency.per, today)


def _rule_in_force(code: str, regulation: RegulationLog, duty: str, audience: str, day: date) -> RuleInForce | None:
    """The rule for a periodic duty; one for everyone does not stand in for one that is for an audience."""
    rule_in_force = regulation.rule_in_force(code, duty, day, audience)
    return (
        rule_in_force
        if rule_in_force is not None and rule_in_force.policy.audience == audience and rule_in_force.rule.frequency
        else None
    )


def _periodic(code: str, source: str, regulation: RegulationLog, held: list[Dialogue], until: date) -> Iterator[Duty]:
    for name in PERIODIC:
        for audience in regulation.audiences(code, name):
            opening = regulation.opening(code, name, audience)
            if opening is None:
                continue
            for rule_in_force, occurrence in _owed(code, regulation, name, audience, opening, until):
                events = _events(code, name, audience, regulation, held)
                since = max(opening.since, occurrence.first)
                waived, notes = _waived(code, name, audience, occurrence, rule_in_force, regulation)
                done = _done(occurrence, rule_in_force, events, regulation.calendar, since)
                yield Duty(
                    source=source,
                    subject="jurisdiction",
                    subject_id=jurisdiction_id(code),
                    duty=name,
                    part=_part(audience, occurrence),
                    start=opening.fact,
                    debtor=CHAIR,
                    jurisdiction=code,
                    rule_in_force=rule_in_force,
                    counted_from=since,
                    audience=audience,
                    end=done or waived or _abolished(code, regulation, occurrence),
                    notes=notes,
                    occurrence=occurrence,
                )


def _part(audience: str, occurrence: Occurrence) -> str:
    return f"{audience}:{occurrence.part}" if audience else occurrence.part


def _owed(
    code: str, regulation: RegulationLog, name: str, audience: str, opening: Opening, until: date
) -> Iterator[tuple[RuleInForce, Occurrence]]:
    """Each time that the duty is owed: in every period under the rule in force on its first day, first on its opening.

    Periods already ended when it was first known that the duty is owed in them are never opened.
    """
    closed_on = regulation.closed_on(code)
    day = opening.since
    while day <= until:
        rule_in_force = _rule_in_force(code, regulation, name, audience, day)
        if rule_in_force is None or rule_in_force.rule.frequency is None:
            # A document that is no longer in force: the next one says when it begins again.
            following = _begins_again(code, regulation, name, audience, day)
            if following is None:
                return
            day = following
            continue
        found = list(occurrences(rule_in_force.rule.frequency, day, day))
        if closed_on is not None and closed_on <= found[0].first:
            return
        if regulation.known_on(code, name, audience, found[0].last) <= found[0].last:
            yield from ((rule_in_force, occurrence) for occurrence in found)
        day = next_period(rule_in_force.rule.frequency.per, day)


def _begins_again(code: str, regulation: RegulationLog, name: str, audience: str, day: date) -> date | None:
    starts = [
        adopted.policy.valid_from
        for _, adopted in regulation.policies
        if adopted.policy.valid_from > day and adopted.policy.stated_rule(name) is not None
        if _rule_in_force(code, regulation, name, audience, adopted.policy.valid_from) is not None
    ]
    return min(starts, default=None)


def _events(code: str, name: str, audience: str, regulation: RegulationLog, held: list[Dialogue]) -> Sequence[Fact]:
    """The facts that can meet a periodic duty, in the order in which they took effect."""
    if name == "reception_day":
        return by_effect(regulation.receptions.get(code, []))
    return by_effect(dialogue.closed for dialogue in held if dialogue.audience == audience)


def _done(
    occurrence: Occurrence, rule_in_force: RuleInForce, events: Sequence[Fact], calendar: Calendar, since: date
) -> Done | None:
    """The fact that meets one occurrence: the n-th within its period, or up to a due date that rolled out of it."""
    try:
        due_on = count_occurrence(rule_in_force.rule, occurrence, since, calendar).due_on
    except CalendarMissing:
        due_on = occurrence.last  # the duty itself is listed as not countable
    last = max(occurrence.last, due_on)
    within = [fact for fact in events if occurrence.first <= fact.on <= last]
    return Done(within[occurrence.nth - 1].on, within[occurrence.nth - 1]) if len(within) >= occurrence.nth else None


def _waived(
    code: str, name: str, audience: str, occurrence: Occurrence, rule_in_force: RuleInForce, regulation: RegulationLog
) -> tuple[Waived | None, tuple[Note, ...]]:
    frequency = rule_in_force.rule.frequency
    for fact in regulation.waivers.get(code, ()):
        event = fact.event
        if (event.duty, event.audience, event.period) != (name, audience, occurrence.part):
            continue
        if frequency is None or frequency.waiver is None:
            return None, (Note(NoteKind.WAIVER_NOT_PROVIDED, fact.on),)
        return Waived(fact.on, fact, WaiverGround.WAIVED_BY_DECISION), ()
    return None, ()


def _abolished(code: str, regulation: RegulationLog, occurrence: Occurrence) -> Waived | None:
    closed_on = regulation.closed_on(code)
    if closed_on is None or not occurrence.first <= closed_on <= occurrence.last:
        return None
    return Waived(closed_on, regulation.registered[code][0], WaiverGround.JURISDICTION_CLOSED)


def _communes(code: str, source: str, regulation: RegulationLog) -> Iterable[Duty]:
    for fact, plan in regulation.plans:
        if plan.jurisdiction != code:
            continue
        own = {
            other.jurisdiction: other_fact
            for other_fact, other in regulation.plans
            if other.parent_plan == plan.number and other_fact.on.year >= fact.on.year
        }
        rule_in_force = regulation.rule_in_force(code, "commune_plan", fact.on)
        if rule_in_force is None:
            continue
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
                rule_in_force=rule_in_force,
                counted_from=fact.on,
                end=Done(adopted.on, adopted) if adopted else None,
            )
