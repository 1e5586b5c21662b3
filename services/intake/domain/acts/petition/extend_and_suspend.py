"""What is done to the clocks of a petition: taken up or refused, complex, extended, suspended, resumed.

The clock of the reply takes another limit, more time or a rest only as the policy in force provides it.
"""

from collections.abc import Iterable
from datetime import date

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import AGENCY_OFFICE_OR_CHAIR, OFFICE_OR_CHAIR, PetitionAct, any_body, own_clock
from services.intake.domain.context import DecisionContext, reply_anchor, require_countable
from services.intake.domain.petition import ClockEvent, Petition, ended, require_open
from services.intake.domain.reply_clock import ReplyClock, reply_clock, reply_rule
from shared.cases.reply_clock import clock_step, notified_days
from shared.events.conference import ComplexityDetermined
from shared.events.petition import (
    AcceptanceNoticeSent,
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    NoticeDocument,
    PetitionMarkedComplex,
    RefusalNoticeSent,
)
from shared.policy import NoteKind, Rule, Step
from shared.policy.schema import Notified

# --- taken up, or not ------------------------------------------------------------------------------------------------


def _possible_acceptance(petition: Petition) -> None:
    require_open(petition)
    if petition.accepted_on is not None:
        raise errors.AlreadyAccepted(accepted_on=petition.accepted_on)


def _check_acceptance(petition: Petition, event: AcceptanceNoticeSent, context: DecisionContext) -> None:
    if reply_anchor(context, petition.jurisdiction, petition.received_on) == "acceptance":
        require_countable(context, petition.jurisdiction, ("reply",), event.effective_on)


def _possible_refusal(petition: Petition) -> None:
    require_open(petition)
    if petition.accepted_on is not None:
        raise errors.AlreadyAccepted(None, "refusal", accepted_on=petition.accepted_on)


# --- another limit ---------------------------------------------------------------------------------------------------


def _check_trait(petition: Petition, event: PetitionMarkedComplex) -> None:
    if event.variant in petition.traits:
        raise errors.AlreadyComplex("variant", variant=event.variant)


def _check_limit(petition: Petition, event: PetitionMarkedComplex, context: DecisionContext) -> None:
    acceptance = context.regulation.rule_in_force(petition.jurisdiction, "acceptance_notice", petition.received_on)
    check_variant(event, (reply_rule(petition, context), acceptance.rule if acceptance else None))


def check_variant(event: PetitionMarkedComplex | ComplexityDetermined, rules: Iterable[Rule | None]) -> None:
    """The policy has a limit for such a case, and the decision names one of its written criteria."""
    fitting = [v for rule in rules if rule is not None for v in rule.variants if event.variant in v.when]
    if not fitting:
        raise errors.VariantNotProvided("variant", variant=event.variant)
    written = [criterion for variant in fitting for criterion in variant.criteria]
    if written and not set(written) & set(event.criteria):
        raise errors.InvalidValue("criteria", "criteria", criteria="; ".join(written))


# --- more time -------------------------------------------------------------------------------------------------------


def _possible_extension(petition: Petition, context: DecisionContext) -> None:
    clock = reply_clock(petition, context)
    if clock is None or clock.state.due_on is None:
        raise errors.NothingToExtend
    if clock.rule.extension is None:
        raise errors.ExtensionNotProvided


def _check_extension(petition: Petition, event: ExtensionGranted, context: DecisionContext) -> None:
    """More time is given as often and as much as the policy allows, with its notices."""
    clock = reply_clock(petition, context)
    if clock is None or clock.state.due_on is None or clock.rule.extension is None:
        return  # not possible
    _check_notified(petition, event, clock.rule.extension.told, context)
    _check_notices(event)
    context.regulation.require_calendar(event.expected_on, "expected_on")
    due = clock.state.due_on
    if event.expected_on <= due:
        raise errors.ExtensionNotLater("expected_on", day=event.expected_on, due=due)
    after = _after(petition, event, context)
    if _says_more(after, clock, NoteKind.EXTENSIONS_USED_UP):
        raise errors.ExtensionNotProvided(None, "used-up", times=clock.rule.extension.times)
    if _says_more(after, clock, NoteKind.EXTENSION_CAPPED):
        raise errors.ExtensionTooLong("expected_on", most=max(after.state.due_on or event.expected_on, due))


def _check_granter(petition: Petition, event: ExtensionGranted, agency: str, context: DecisionContext) -> None:
    """The lead agency tells the petitioner and reports it (plan II.4.3), unless the policy leaves that to the chair."""
    if agency != petition.lead:
        raise errors.AgencyMayNot(None, "not-lead", agency=agency)
    rule = reply_rule(petition, context)
    extension = rule.extension if rule is not None else None
    if extension is None:
        return  # not possible
    if extension.granted_by == "chair":
        raise errors.AgencyMayNot(None, "chair-extends")
    given: dict[Notified, NoticeDocument | None] = {
        "petitioner": event.petitioner_notice,
        "committee": event.committee_notice,
    }
    for who in extension.told:
        if given[who] is None:
            raise errors.InvalidValue(f"{who}_notice", "notice")


def _check_notices(event: ExtensionGranted) -> None:
    for field, notice in (("petitioner_notice", event.petitioner_notice), ("committee_notice", event.committee_notice)):
        if notice is None:
            continue
        if not notice.number:
            raise errors.InvalidValue(f"{field}.number", "notice")


def _says_more(after: ReplyClock, before: ReplyClock, kind: NoteKind) -> bool:
    """Whether an event makes the clock say something that it did not say before."""
    found = [sum(note.kind is kind for note in clock.state.notes) for clock in (before, after)]
    return found[1] > found[0]


# --- a rest ----------------------------------------------------------------------------------------------------------


def _possible_suspension(petition: Petition) -> None:
    require_open(petition)
    if petition.suspended:
        raise errors.AlreadySuspended


def _provided_suspension(petition: Petition, context: DecisionContext) -> None:
    clock = reply_clock(petition, context)
    # A date that others brought along is no clock that could stand still.
    if clock is None or clock.state.due_on is None or not clock.has_own_clock:
        raise errors.NothingToSuspend
    if clock.rule.pause is None:
        raise errors.SuspensionNotProvided


def _check_suspension(petition: Petition, event: ClockSuspended, context: DecisionContext) -> None:
    clock = reply_clock(petition, context)
    if clock is not None and clock.rule.pause is not None:
        _check_notified(petition, event, clock.rule.pause.told, context)
        _after(petition, event, context)


def _possible_resumption(petition: Petition) -> None:
    require_open(petition)
    if not petition.suspended:
        raise errors.NeverSuspended


# --- what they share -------------------------------------------------------------------------------------------------


def _after(petition: Petition, event: ClockEvent, context: DecisionContext) -> ReplyClock:
    """The clock after the event. Raises CalendarYearMissing."""
    clock = reply_clock(petition, context, (event,))
    assert clock is not None
    return clock


def _check_notified(
    petition: Petition, event: ExtensionGranted | ClockSuspended, needed: Iterable[Notified], context: DecisionContext
) -> None:
    days: dict[Notified, date] = notified_days(event)
    for who in needed:
        if who not in days:
            raise errors.InvalidValue(f"{who}_told_on", f"{who}-not-informed")
    for who, day in days.items():
        if day > context.today:
            raise errors.FutureDeed(f"{who}_told_on", "informed", day=day, today=context.today)
        if day < petition.received_on:
            raise errors.DatedBeforeReceipt(f"{who}_told_on", day=day, received_on=petition.received_on)


def _steps(petition: Petition, event: ClockEvent) -> tuple[Step, ...]:
    step = clock_step(event)
    return petition.steps if step is None else (*petition.steps, step)


def _marked_complex(petition: Petition, event: PetitionMarkedComplex) -> Petition:
    traits = (*petition.traits, event.variant)
    return replace(petition, is_complex=True, traits=traits, steps=_steps(petition, event))


PETITION_ACTS = (
    PetitionAct(
        event=AcceptanceNoticeSent,
        path="acceptance",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_acceptance,
        check=any_body,
        check_in_context=_check_acceptance,
        fold=lambda petition, event: replace(petition, accepted_on=event.effective_on),
    ),
    PetitionAct(
        event=RefusalNoticeSent,
        path="refusal",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_refusal,
        check=any_body,
        fold=ended,
    ),
    PetitionAct(
        event=PetitionMarkedComplex,
        path="complexity",
        roles=OFFICE_OR_CHAIR,
        not_empty=("criteria",),
        clocks=own_clock,
        possible=require_open,
        check=_check_trait,
        check_in_context=_check_limit,
        fold=_marked_complex,
    ),
    PetitionAct(
        event=ExtensionGranted,
        path="extension",
        roles=AGENCY_OFFICE_OR_CHAIR,
        clocks=own_clock,
        rests_on_rules=True,
        possible=require_open,
        possible_in_context=_possible_extension,
        check=any_body,
        check_in_context=_check_extension,
        check_agency=_check_granter,
        fold=lambda petition, event: replace(petition, steps=_steps(petition, event)),
    ),
    PetitionAct(
        event=ClockSuspended,
        path="suspension",
        roles=OFFICE_OR_CHAIR,
        clocks=own_clock,
        possible=_possible_suspension,
        possible_in_context=_provided_suspension,
        check=any_body,
        check_in_context=_check_suspension,
        fold=lambda petition, event: replace(petition, suspended=True, steps=_steps(petition, event)),
    ),
    PetitionAct(
        event=ClockResumed,
        path="resumption",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_resumption,
        check=any_body,
        fold=lambda petition, event: replace(petition, suspended=False, steps=_steps(petition, event)),
    ),
)
