"""The clock of a written reply: what starts it, and what happens to it until the reply is there."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

import msgspec

from services.followup.domain.cases import ConferenceCase, PetitionCase, Round
from services.followup.domain.duties.anchors import conference_anchor, counted_from, petition_anchor
from services.followup.domain.duties.due_dates import judge
from services.followup.domain.duties.duty import Duty
from services.followup.domain.facts import Fact, by_effect
from services.followup.domain.regulation import RegulationLog
from shared.calendar import Calendar
from shared.events.petition import (
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionAssigned,
    PetitionMarkedComplex,
    PetitionReassigned,
)
from shared.policy import NO_TRAITS, Note, NoteKind, Step, Traits, anchor_of
from shared.policy.schema import Notified

ONLINE: Traits = frozenset({"online"})


class Kin(msgspec.Struct, frozen=True):
    """A petition merged into another, with the fact that merged it."""

    case: PetitionCase
    merged: Fact
    kin: tuple["Kin", ...] = ()


class CaseContext(msgspec.Struct, frozen=True):
    """What a petition's duties depend on besides its own facts."""

    source: str
    regulation: RegulationLog
    conference: Callable[[UUID], ConferenceCase | None]


def reply_duty(case: PetitionCase, index: int, kin: tuple[Kin, ...], context: CaseContext, debtor: str) -> Duty | None:
    """The reply owed in one life of a petition, not yet ended; None while no clock runs."""
    round_ = case.rounds[index]
    start, audience = _start(case, index, context)
    inherited = _inherited(case, index, kin, context)
    first = start or (inherited[0][0] if inherited else None)
    if first is None:
        return None
    rule_in_force = context.regulation.rule_in_force(case.jurisdiction, "reply", first.on, audience)
    if rule_in_force is None:
        return None
    reopened = (Note(NoteKind.REOPENED, round_.reopened.on),) if round_.reopened is not None else ()
    return Duty(
        source=context.source,
        subject="petition",
        subject_id=case.petition_id,
        duty="reply",
        start=first,
        debtor=debtor,
        jurisdiction=case.jurisdiction,
        rule_in_force=rule_in_force,
        counted_from=counted_from(rule_in_force.rule, first),
        audience=audience,
        notes=reopened,
        traits=traits_of(case),
        steps=_steps(round_, inherited),
        own_clock=start is not None,
    )


def traits_of(case: PetitionCase) -> Traits:
    """What a case is from its receipt on."""
    return ONLINE if case.receipt.channel == "online" else NO_TRAITS


def _start(case: PetitionCase, index: int, context: CaseContext) -> tuple[Fact | None, str]:
    """The act that sets the clock, and whom the dialogue was for.

    What is counted from is said by the rule in force on the receipt; of a conference, by the rule for its audience.
    """
    round_ = case.rounds[index]
    if round_.reopened is not None:
        return round_.reopened, _audience(case, context)
    received = context.regulation.rule_in_force(case.jurisdiction, "reply", case.received.on)
    anchor = anchor_of(received.rule) if received else None
    if anchor not in ("conference_end", "conclusion"):
        start = petition_anchor(case, round_, anchor)
        return (None, "") if start is None or _over_before(round_, start) else (start, "")
    starts = [found for each in case.raised if (found := _of_conference(case, round_, each, context)) is not None]
    if not starts:
        return None, ""
    first = by_effect(fact for fact, _ in starts)[0]
    return next(pair for pair in starts if pair[0] is first)


def _of_conference(
    case: PetitionCase, round_: Round, conference_id: UUID, context: CaseContext
) -> tuple[Fact, str] | None:
    conference = context.conference(conference_id)
    if conference is None or conference.cancelled is not None or conference.closed is None:
        return None
    audience = conference.audience
    rule_in_force = context.regulation.rule_in_force(case.jurisdiction, "reply", conference.closed.on, audience)
    anchor = anchor_of(rule_in_force.rule) if rule_in_force else None
    start = conference_anchor(conference, "conclusion" if anchor == "conclusion" else "conference_end")
    return None if start is None or _over_before(round_, start) else (start, audience)


def _audience(case: PetitionCase, context: CaseContext) -> str:
    held = [conference for each in case.raised if (conference := context.conference(each)) is not None]
    return held[0].audience if held else ""


def _over_before(round_: Round, start: Fact) -> bool:
    # An end recorded only after the clock was set leaves the clock, to be waived; the trace stays.
    return round_.end is not None and round_.end.position < start.position


def _inherited(
    case: PetitionCase, index: int, kin: tuple[Kin, ...], context: CaseContext
) -> list[tuple[Fact, Callable[[Calendar], date | None]]]:
    """The clocks of the petitions merged into this one, each with the fact that merged it."""
    if index != len(case.rounds) - 1:
        return []
    found: list[tuple[Fact, Callable[[Calendar], date | None]]] = []
    for relative in sorted(kin, key=lambda k: k.merged.position):
        duty = reply_duty(relative.case, len(relative.case.rounds) - 1, relative.kin, context, "")
        if duty is not None:
            found.append((relative.merged, _due_of(duty, context.regulation)))
    return found


def _due_of(duty: Duty, regulation: RegulationLog) -> Callable[[Calendar], date | None]:
    return lambda calendar: judge(duty, regulation, calendar).clock.due_on


def _steps(
    round_: Round, inherited: list[tuple[Fact, Callable[[Calendar], date | None]]]
) -> Callable[[Calendar], Sequence[Step]] | None:
    facts = by_effect([*round_.steps, *(fact for fact, _ in inherited)])
    if not facts:
        return None
    due_of = {fact.event_id: due for fact, due in inherited}

    def under(calendar: Calendar) -> list[Step]:
        found = []
        for fact in facts:
            inheritance = due_of.get(fact.event_id)
            step = _step(fact) if inheritance is None else _inheritance(fact, inheritance(calendar))
            if step is not None:
                found.append(step)
        return found

    return under


def _inheritance(fact: Fact, due: date | None) -> Step | None:
    # A clock that stands still brings no date along.
    return Step(kind="inherited", on=fact.on, day=due) if due is not None else None


def _step(fact: Fact) -> Step | None:
    match fact.event:
        case PetitionMarkedComplex() as marked:
            return Step(kind="trait", on=fact.on, trait=marked.variant)
        case ExtensionGranted() as extension:
            told = _told(extension.petitioner_told_on, extension.committee_told_on)
            return Step(kind="extension", on=fact.on, day=extension.expected_on, told=told)
        case PetitionAssigned(due_on=day) | PetitionReassigned(due_on=day) if day is not None:
            return Step(kind="cap", on=fact.on, day=day)
        case ClockSuspended() as suspended:
            told = _told(suspended.petitioner_told_on, suspended.committee_told_on)
            return Step(kind="suspended", on=fact.on, told=told)
        case ClockResumed():
            return Step(kind="resumed", on=fact.on)
        case _:
            return None


def _told(petitioner: date | None, committee: date | None) -> dict[Notified, date]:
    told: dict[Notified, date] = {}
    if petitioner is not None:
        told["petitioner"] = petitioner
    if committee is not None:
        told["committee"] = committee
    return told
