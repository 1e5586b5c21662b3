"""What a clock counts from, found among the facts of a case: one function for each kind of case."""

from datetime import date

from services.followup.domain.cases import ConferenceCase, PetitionCase, Round
from services.followup.domain.facts import Fact, by_effect
from shared.events.conference import DialogueRequested
from shared.policy import Rule, anchor_of
from shared.policy.schema import Anchor


def first(facts: list[Fact]) -> Fact | None:
    """The first of these facts by effect."""
    return by_effect(facts)[0] if facts else None


def conference_anchor(case: ConferenceCase, anchor: Anchor | None) -> Fact | None:
    """The act of a conference that a clock counts from; None while it has not happened."""
    match anchor:
        case "conference_end":
            return case.closed
        case "conclusion":
            return case.concluded
        case "proposal":
            return case.proposed
        case "request":
            is_request = case.proposed is not None and isinstance(case.proposed.event, DialogueRequested)
            return case.proposed if is_request else None
        case "decision":
            return case.decided
        case "publication_start":
            return first(case.published)
        case "publication_end":
            return by_effect(case.taken_down)[-1] if case.taken_down else None
        case _:
            return None


def petition_anchor(case: PetitionCase, round_: Round, anchor: Anchor | None) -> Fact | None:
    """The act of a petition, in one of its lives, that a clock counts from; None while it has not happened."""
    match anchor:
        case "receipt":
            return case.received
        case "acceptance":
            return first(round_.accepted)
        case "assignment":
            return case.assigned[0] if case.assigned else None
        case "reply":
            return first(round_.replies)
        case _:
            return None


def counted_from(rule: Rule, start: Fact) -> date:
    """The day from which a clock that `start` set is counted: its own, or the fixed date that follows it."""
    if anchor_of(rule) != "fixed_date" or rule.fixed_date is None:
        return start.on
    if len(rule.fixed_date) > len("MM-DD"):
        return date.fromisoformat(rule.fixed_date)
    this_year = date.fromisoformat(f"{start.on.year}-{rule.fixed_date}")
    return this_year if this_year >= start.on else date.fromisoformat(f"{start.on.year + 1}-{rule.fixed_date}")
