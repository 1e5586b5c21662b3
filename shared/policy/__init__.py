"""The rules as data: what a dated document orders, in a small language of words that combine. Pure.

Start with `schema` (what can be said) and docs/reference/policies.md (an example of each). `reading` makes a policy of
a text, `checking` and `checking_parts` say what is wrong with it (each a `problem`), `counting`, `running_clock` and
`recurrence` count under it, `precedence` chooses between documents, `clock_sheet` and `diff` describe them to people,
and `shipped` holds the documents that come with the product. `duties` names the duties that a rule can be about, and
`upcasting` reads the first form of a policy.
"""

from datetime import date
from typing import get_args

from shared.calendar import Calendar, Count
from shared.policy.checking import (
    ImpossibleDay,
    anchor_of,
    check,
    counted_from,
    problems_of,
)
from shared.policy.counting import NO_TRAITS, Suspension, Traits, count, length_of, variant_of
from shared.policy.duties import ANCHOR_TITLES, DUTIES, DUTY_KINDS
from shared.policy.notes import Note, NoteKind, read_note, recorded_note
from shared.policy.precedence import Adopted, AdoptionRegister, InForce, RuleInForce, rule_that_applies
from shared.policy.problem import PolicyProblem, UncountablePolicy
from shared.policy.reading import policy_of, read_policy
from shared.policy.recurrence import Occurrence, count_occurrence, next_period, occurrences, warning_days
from shared.policy.running_clock import RunningClock, Step, StepKind, clock_after
from shared.policy.schema import Document, Policy, Rule, Trait
from shared.policy.shipped import DEFAULT_POLICY, DOCUMENTS, shipped_policy, shipped_text

__all__ = [
    "ANCHOR_TITLES",
    "DEFAULT_POLICY",
    "DOCUMENTS",
    "DUTIES",
    "DUTY_KINDS",
    "NO_TRAITS",
    "Adopted",
    "AdoptionRegister",
    "Document",
    "ImpossibleDay",
    "InForce",
    "Note",
    "NoteKind",
    "Occurrence",
    "Policy",
    "PolicyProblem",
    "Rule",
    "RuleInForce",
    "RunningClock",
    "Step",
    "StepKind",
    "Suspension",
    "Traits",
    "UncountablePolicy",
    "UnknownRule",
    "anchor_of",
    "check",
    "clock_after",
    "count",
    "count_occurrence",
    "counted_from",
    "length_of",
    "named_rule",
    "next_period",
    "occurrences",
    "policy_of",
    "problems_of",
    "read_note",
    "read_policy",
    "recorded_note",
    "rule_count",
    "rule_that_applies",
    "shipped_policy",
    "shipped_text",
    "variant_of",
    "warn_days_before",
    "warning_days",
]


#: The traits by which a rule may be asked for, the longer names first: one ends with another.
_TRAITS: tuple[Trait, ...] = tuple(sorted(get_args(Trait), key=len, reverse=True))


class UnknownRule(ValueError):
    """No policy has a duty of that name."""


def named_rule(policy: Policy, name: str) -> tuple[Rule, Traits]:
    """The rule by its public name: a duty, with traits behind it (`reply_complex`); `conclusion` is accepted too.

    Where the policy is silent it is the default's. Raises UnknownRule.
    """
    asked, traits = name, set[Trait]()
    while (trait := next((each for each in _TRAITS if asked.endswith(f"_{each}")), None)) is not None:
        traits.add(trait)
        asked = asked.removesuffix(f"_{trait}")
    duty = "conclusion_notice" if asked == "conclusion" else asked
    rule = policy.stated_rule(duty) or DEFAULT_POLICY.stated_rule(duty)
    if rule is None or (traits and variant_of(rule, frozenset(traits)) is None):
        raise UnknownRule(name)
    return rule, frozenset(traits)


def rule_count(policy: Policy, name: str, start: date, calendar: Calendar) -> Count | None:
    """The count of a rule by its public name; None for an undated duty. Raises UnknownRule, CalendarMissing."""
    rule, traits = named_rule(policy, name)
    if rule.frequency is not None:
        first = next(occurrences(rule.frequency, start, start))
        return count_occurrence(rule, first, start, calendar)
    return count(rule, counted_from(rule, start), calendar, traits)


def warn_days_before(policy: Policy, rule: Rule, due_on: date, calendar: Calendar) -> tuple[date, ...]:
    """The days on whose local midnight a warning of a due date falls, earliest first. Raises CalendarMissing."""
    days = policy.warn_days if rule.warn_days is None else rule.warn_days
    return tuple(sorted({calendar.subtract_working_days(due_on, n) for n in days}))
