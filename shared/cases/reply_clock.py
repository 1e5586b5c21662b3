"""The clock of a written reply: what starts it, what happens to it, what it inherits, when it ends.

The clock starts at the act that the rule in force on the receipt names. Of several conferences the one counts that
took effect first, of those on the same day the one recorded first. A reopening starts a clock of its own. A petition
into which others were merged owes the earliest of their dates.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Generic, Protocol
from uuid import UUID

import msgspec

from shared.calendar import Calendar
from shared.cases.facts import F, F_co, RecordedFact, by_effect
from shared.cases.rounds import ReplyCase, Round
from shared.events import Event
from shared.events.petition import (
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    PetitionAssigned,
    PetitionMarkedComplex,
    PetitionReassigned,
    PetitionReceived,
    WrittenReplyIssued,
)
from shared.policy import (
    NO_TRAITS,
    InForce,
    RuleInForce,
    RunningClock,
    Step,
    StepKind,
    Traits,
    anchor_of,
    clock_after,
    rule_that_applies,
)
from shared.policy.schema import Anchor, Notified

ONLINE: Traits = frozenset({"online"})


class EndedConference(Protocol[F_co]):
    """A conference as far as a reply depends on it."""

    @property
    def audience(self) -> str:
        """Whom the dialogue was for; "" is everyone."""
        ...

    @property
    def cancelled(self) -> F_co | None: ...

    @property
    def closed(self) -> F_co | None: ...

    @property
    def concluded(self) -> F_co | None:
        """The conclusion notice."""
        ...


class ReplyRules(msgspec.Struct, Generic[F], frozen=True):
    """What the clock of a reply depends on besides the petitions: the rules in force, and the conferences."""

    in_force: InForce
    conference: Callable[[UUID], EndedConference[F] | None]


class MergedPetition(msgspec.Struct, Generic[F], frozen=True):
    """A petition merged into another, with the fact that merged it, and those that were merged into it before."""

    case: ReplyCase[F]
    merged: F
    merged_petitions: tuple["MergedPetition[F]", ...] = ()


class ReplyBasis(msgspec.Struct, Generic[F], frozen=True):
    """What a due date is counted from. `start` is the act that set the clock.

    Without a clock of its own the petition owes only the dates that others brought along: then `start` is the first
    merger. `steps` are in the order in which they took effect, mergers included; `inherited` has the clock that each
    merger brought along, by the id of its fact.
    """

    jurisdiction: str
    start: F
    has_own_clock: bool
    audience: str
    rule_in_force: RuleInForce
    traits: Traits
    steps: list[F]
    inherited: Mapping[UUID, "ReplyBasis[F]"]


def reply_basis(
    case: ReplyCase[F], index: int, merged_petitions: tuple[MergedPetition[F], ...], rules: ReplyRules[F]
) -> ReplyBasis[F] | None:
    """The clock of the reply owed in one round of a petition; None while none runs."""
    round_ = case.rounds[index]
    start, audience = _start(case, round_, rules)
    inherited = _inherited(merged_petitions, rules) if index == len(case.rounds) - 1 else []
    first = start or (inherited[0][0] if inherited else None)
    if first is None:
        return None
    rule_in_force = rules.in_force.rule_in_force(case.jurisdiction, "reply", first.on, audience)
    if rule_in_force is None:
        return None
    return ReplyBasis(
        jurisdiction=case.jurisdiction,
        start=first,
        has_own_clock=start is not None,
        audience=audience,
        rule_in_force=rule_in_force,
        traits=traits_of(case.receipt),
        steps=by_effect([*round_.steps, *(merged for merged, _ in inherited)]),
        inherited={merged.event_id: basis for merged, basis in inherited},
    )


def traits_of(receipt: PetitionReceived) -> Traits:
    """What a case is from its receipt on."""
    return ONLINE if receipt.channel == "online" else NO_TRAITS


# --- how it runs -----------------------------------------------------------------------------------------------------


def running_clock(
    basis: ReplyBasis[F], in_force: InForce, calendar: Calendar, ended_on: date | None = None
) -> tuple[RuleInForce, RunningClock]:
    """The rule that applies to a clock, and where its steps have left it. Raises CalendarMissing.

    A clock keeps the rule of the act that started it, unless a later document moves those that run on its first day.
    """
    steps = steps_under(basis, in_force, calendar)
    start = basis.start.on if basis.has_own_clock else None

    def under(rule_in_force: RuleInForce) -> RunningClock:
        return clock_after(rule_in_force.rule, start, steps, calendar, basis.traits)

    later = in_force.superseding(basis.jurisdiction, "reply", basis.start.on, basis.audience)
    holds = rule_that_applies(basis.rule_in_force, later, lambda each: under(each).due_on, ended_on)
    return holds, under(holds)


def steps_under(basis: ReplyBasis[F], in_force: InForce, calendar: Calendar) -> list[Step]:
    """What happened to the clock; the dates that other clocks brought along depend on the calendar."""
    found = []
    for fact in basis.steps:
        brought = basis.inherited.get(fact.event_id)
        step = clock_step(fact.event) if brought is None else _inheritance(fact, brought, in_force, calendar)
        if step is not None:
            found.append(step)
    return found


def _inheritance(merged: RecordedFact, brought: ReplyBasis[F], in_force: InForce, calendar: Calendar) -> Step | None:
    due = running_clock(brought, in_force, calendar)[1].due_on
    # A clock that stands still brings no date along.
    return Step(kind=StepKind.INHERITED, on=merged.on, day=due) if due is not None else None


def clock_step(event: Event) -> Step | None:
    """What an event does to the clock; None where it does nothing."""
    match event:
        case PetitionMarkedComplex():
            return Step(kind=StepKind.TRAIT, on=event.effective_on, trait=event.variant)
        case ExtensionGranted():
            told = notified_days(event)
            return Step(kind=StepKind.EXTENSION, on=event.effective_on, day=event.expected_on, told=told)
        case PetitionAssigned(due_on=day) | PetitionReassigned(due_on=day) if day is not None:
            return Step(kind=StepKind.CAP, on=event.effective_on, day=day)
        case ClockSuspended():
            return Step(kind=StepKind.SUSPENDED, on=event.effective_on, told=notified_days(event))
        case ClockResumed():
            return Step(kind=StepKind.RESUMED, on=event.effective_on)
        case _:
            return None


def notified_days(event: ExtensionGranted | ClockSuspended) -> dict[Notified, date]:
    """Who was notified, and when."""
    days: dict[Notified, date | None] = {"petitioner": event.petitioner_told_on, "committee": event.committee_told_on}
    return {who: day for who, day in days.items() if day is not None}


# --- what starts it --------------------------------------------------------------------------------------------------


def _start(case: ReplyCase[F], round_: Round[F], rules: ReplyRules[F]) -> tuple[F | None, str]:
    """The act that sets the clock, and whom the dialogue was for.

    What is counted from is said by the rule in force on the receipt; of a conference, by the rule for its audience.
    """
    if round_.reopened is not None:
        return round_.reopened, _audience(case, rules)
    received = rules.in_force.rule_in_force(case.jurisdiction, "reply", case.received.on)
    anchor = anchor_of(received.rule) if received else None
    if anchor not in ("conference_end", "conclusion"):
        start = petition_anchor(case, round_, anchor)
        return (None, "") if start is None or _over_before(round_, start) else (start, "")
    starts = [found for each in case.raised if (found := _of_conference(case, round_, each, rules)) is not None]
    if not starts:
        return None, ""
    return min(starts, key=lambda found: (found[0].on, found[0].position))


def petition_anchor(case: ReplyCase[F], round_: Round[F], anchor: Anchor | None) -> F | None:
    """The act of a petition, in one of its rounds, that a clock counts from; None while it has not happened."""
    match anchor:
        case "receipt":
            return case.received
        case "acceptance":
            return by_effect(round_.accepted)[0] if round_.accepted else None
        case "assignment":
            return case.assigned[0] if case.assigned else None
        case "reply":
            return by_effect(round_.replies)[0] if round_.replies else None
        case _:
            return None


def _of_conference(
    case: ReplyCase[F], round_: Round[F], conference_id: UUID, rules: ReplyRules[F]
) -> tuple[F, str] | None:
    conference = rules.conference(conference_id)
    if conference is None or conference.cancelled is not None or conference.closed is None:
        return None
    audience = conference.audience
    rule_in_force = rules.in_force.rule_in_force(case.jurisdiction, "reply", conference.closed.on, audience)
    by_notice = rule_in_force is not None and anchor_of(rule_in_force.rule) == "conclusion"
    start = conference.concluded if by_notice else conference.closed
    return None if start is None or _over_before(round_, start) else (start, audience)


def _audience(case: ReplyCase[F], rules: ReplyRules[F]) -> str:
    held = [conference for each in case.raised if (conference := rules.conference(each)) is not None]
    return held[0].audience if held else ""


def _over_before(round_: Round[F], start: F) -> bool:
    # An end recorded only after the clock was set leaves the clock, to be waived; the trace stays.
    return round_.end is not None and round_.end.position < start.position


def _inherited(merged_petitions: Iterable[MergedPetition[F]], rules: ReplyRules[F]) -> list[tuple[F, ReplyBasis[F]]]:
    """The clocks of the petitions merged into this one, each with the fact that merged it."""
    found = []
    for relative in sorted(merged_petitions, key=lambda each: each.merged.position):
        basis = reply_basis(relative.case, len(relative.case.rounds) - 1, relative.merged_petitions, rules)
        if basis is not None:
            found.append((relative.merged, basis))
    return found


# --- what ends it ----------------------------------------------------------------------------------------------------


def answered(case: ReplyCase[F], round_: Round[F], merged_petitions: tuple[MergedPetition[F], ...]) -> F | None:
    """The reply by which every petitioner, those of merged petitions too, has been answered; None until then."""
    missing = {*case.receipt.petitioner_ids, *petitioners_of(merged_petitions)}
    for fact in by_effect(round_.replies):
        reply = fact.event
        assert isinstance(reply, WrittenReplyIssued)
        missing = missing - set(reply.answers) if reply.answers else set()
        if not missing:
            return fact
    return None


def petitioners_of(merged_petitions: Iterable[MergedPetition[F]]) -> set[str]:
    """The petitioners of petitions that were merged into one, and of those merged into them before."""
    found: set[str] = set()
    for relative in merged_petitions:
        found.update(relative.case.receipt.petitioner_ids, petitioners_of(relative.merged_petitions))
    return found
