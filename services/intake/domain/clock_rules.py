"""What may be done to a running clock: another limit, more time, a suspension, each as the policy in force provides."""

from collections.abc import Iterable
from datetime import date

from services.intake.domain import errors
from services.intake.domain.conference import Conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.petition import ClockEvent, Petition, clock_step, notified_days
from services.intake.domain.reply_clock import ReplyClock, reply_clock, reply_rule
from shared.events.conference import ComplexityDetermined
from shared.events.petition import ClockSuspended, ExtensionGranted, PetitionMarkedComplex
from shared.policy import NoteKind, Rule
from shared.policy.schema import Notified


def check_trait(petition: Petition, event: PetitionMarkedComplex, context: DecisionContext) -> None:
    """The policy has a limit for such a case, and the decision names one of its written criteria."""
    acceptance = context.regulation.rule_in_force(petition.jurisdiction, "acceptance_notice", petition.received_on)
    _check_variant(event, (reply_rule(petition, context), acceptance.rule if acceptance else None))


def check_complexity(conference: Conference, event: ComplexityDetermined, context: DecisionContext) -> None:
    """The same for what follows a conference."""
    day = conference.closed_on or event.effective_on
    rules_in_force = (
        context.regulation.rule_in_force(conference.jurisdiction, duty, day, conference.audience)
        for duty in ("internal_review", "conclusion_notice", "result_publication")
    )
    _check_variant(event, [rule_in_force.rule for rule_in_force in rules_in_force if rule_in_force is not None])


def _check_variant(event: PetitionMarkedComplex | ComplexityDetermined, rules: Iterable[Rule | None]) -> None:
    fitting = [v for rule in rules if rule is not None for v in rule.variants if event.variant in v.when]
    if not fitting:
        raise errors.VariantNotProvided(f"variant: the policy in force has no limit of its own for {event.variant}")
    written = [criterion for variant in fitting for criterion in variant.criteria]
    if written and not set(written) & set(event.criteria):
        raise errors.InvalidValue(f"criteria: name one that the document writes down: {'; '.join(written)}")


def check_extension(petition: Petition, event: ExtensionGranted, context: DecisionContext) -> None:
    """More time is given to a clock that runs, as often and as much as the policy allows, with its notices."""
    clock = reply_clock(petition, context)
    if clock is None or clock.state.due_on is None:
        raise errors.NothingToExtend("no reply clock runs for this petition: it was raised at no closed conference")
    extension = clock.rule.extension
    if extension is None:
        raise errors.ExtensionNotProvided("the policy in force allows no extension")
    _check_told(petition, event, extension.told, context)
    context.regulation.require_calendar(event.expected_on, "expected_on")
    if event.expected_on <= clock.state.due_on:
        raise errors.ExtensionNotLater(
            f"expected_on: {event.expected_on} is not after the due date {clock.state.due_on}"
        )
    after = _after(petition, event, context)
    if _said(after, clock, NoteKind.EXTENSIONS_USED_UP):
        raise errors.ExtensionNotProvided(f"the policy in force allows {extension.times} and no more")
    if _said(after, clock, NoteKind.EXTENSION_CAPPED):
        most = max(after.state.due_on or event.expected_on, clock.state.due_on)
        raise errors.ExtensionTooLong(f"expected_on: the policy in force allows at most {most}")


def check_suspension(petition: Petition, event: ClockSuspended, context: DecisionContext) -> None:
    """A clock that runs may stand still where the policy provides it, with its notices."""
    clock = reply_clock(petition, context)
    if clock is None or clock.state.due_on is None:
        raise errors.NothingToSuspend("no reply clock runs for this petition")
    if clock.rule.pause is None:
        raise errors.SuspensionNotProvided("the policy in force does not let the clock be suspended")
    _check_told(petition, event, clock.rule.pause.told, context)
    _after(petition, event, context)


def _after(petition: Petition, event: ClockEvent, context: DecisionContext) -> ReplyClock:
    clock = reply_clock(petition, context, (clock_step(event),))
    assert clock is not None
    return clock


def _said(after: ReplyClock, before: ReplyClock, kind: NoteKind) -> bool:
    """Whether an event makes the clock say something that it did not say before."""
    found = [sum(note.kind is kind for note in clock.state.notes) for clock in (before, after)]
    return found[1] > found[0]


def _check_told(
    petition: Petition, event: ExtensionGranted | ClockSuspended, needed: Iterable[Notified], context: DecisionContext
) -> None:
    days: dict[Notified, date] = notified_days(event)
    for who in needed:
        if who not in days:
            raise errors.InvalidValue(f"{who}_told_on: the policy in force asks that the {who} be told; say when")
    for who, day in days.items():
        if day > context.today:
            raise errors.FutureDeed(f"{who}_told_on: {day} is after today, {context.today}")
        if day < petition.received_on:
            raise errors.DatedBeforeReceipt(f"{who}_told_on: {day} is before the receipt on {petition.received_on}")
