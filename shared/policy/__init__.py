"""The rules as data: a policy adopted by a dated document, and the count of one duty under it. Pure."""

from datetime import date
from typing import Literal

import msgspec

from shared.calendar import Calendar, Count

Direction = Literal["after", "before", "same_day", "year_end", "undated"]
Unit = Literal["working_days", "calendar_days"]
CountedFrom = Literal["", "conference_end", "receipt"]


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The legal document that adopts a policy."""

    number: str
    issued_on: date
    issuer: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One duty: how many days, which way, counted from what; `section` is where the document says so.

    `days` 0 with direction "before" means the last working day before the date. `stated` is false where the
    document gives no number and the default fills the gap.
    """

    duty: str
    direction: Direction
    days: int = 0
    complex_days: int | None = None
    unit: Unit = "working_days"
    section: str = ""
    stated: bool = True
    counted_from: CountedFrom = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rules of a jurisdiction from a day on. A rule left out is that of the built-in default."""

    policy_id: str
    document: Document
    valid_from: date
    rules: tuple[Rule, ...] = ()
    due_soon_days: tuple[int, ...] = (5, 1)

    def rule(self, duty: str) -> Rule:
        """The rule for a duty; the default's where this policy is silent. Raises UnknownRule."""
        for rule in (*self.rules, *_DEFAULT_RULES):
            if rule.duty == duty:
                return rule
        raise UnknownRule(duty)


class UnknownRule(ValueError):
    """No policy has a duty of that name."""


#: Plan 570/KH-UBND of Tam Đường district. Where it is silent: what must precede the conference is due on the last
#: working day before it; the rest is an undated duty.
_DEFAULT_RULES = (
    Rule(duty="invitation", direction="before", days=7, section="II.4.1"),
    Rule(duty="public_notice", direction="before", section="II.4.1, III.5", stated=False),
    Rule(duty="preparation_report", direction="before", section="II.4.1", stated=False),
    Rule(duty="prepared_answer", direction="before", section="II.4.1", stated=False),
    Rule(duty="preparation_task", direction="before", section="II.4.1, III.1, III.5, III.6", stated=False),
    Rule(duty="internal_review", direction="after", days=5, section="II.4.3"),
    Rule(duty="conclusion_notice", direction="after", days=5, section="II.4.3"),
    Rule(
        duty="reply", direction="after", days=15, complex_days=30, section="II.4.3", counted_from="conference_end"
    ),
    Rule(duty="reply_report", direction="same_day", section="II.4.3"),
    Rule(duty="result_report", direction="undated", section="III.1", stated=False),
    Rule(duty="higher_answer", direction="undated", section="II.4.3", stated=False),
    Rule(duty="annual_dialogue", direction="year_end", section="II.3"),
    Rule(duty="proposal_decision", direction="undated", section="II.3, III.2, III.4", stated=False),
    Rule(duty="convene", direction="undated", section="II.3, III.2, III.4", stated=False),
    Rule(duty="commune_plan", direction="undated", section="III.7", stated=False),
)

DEFAULT_POLICY = Policy(
    policy_id="plan-570",
    document=Document(number="570/KH-UBND", issued_on=date(2019, 6, 24), issuer="UBND huyện Tam Đường"),
    valid_from=date(1900, 1, 1),
    rules=_DEFAULT_RULES,
)

DUTIES = tuple(rule.duty for rule in _DEFAULT_RULES)


def due_date(rule: Rule, start: date, calendar: Calendar, *, is_complex: bool = False) -> date | None:
    """The due date of a duty counted from `start`; None for an undated duty. Raises CalendarMissing."""
    counted = count(rule, start, calendar, is_complex=is_complex)
    return counted.due_on if counted else None


def count(rule: Rule, start: date, calendar: Calendar, *, is_complex: bool = False) -> Count | None:
    """The count of a duty from `start`, day by day; None for an undated duty. The start day is never counted.

    Source: Civil Code 2015, art. 147. Raises CalendarMissing for a year without a calendar.
    """
    days = rule.complex_days if is_complex and rule.complex_days is not None else rule.days
    match rule.direction:
        case "undated":
            return None
        case "same_day":
            return calendar.walk(start, 0, 1)
        case "year_end":
            return calendar.walk_to(start, date(start.year, 12, 31))
        case "after":
            working = rule.unit == "working_days"
            return calendar.walk(start, days, 1) if working else calendar.walk_calendar_days(start, days, 1)
        case "before":
            if days == 0:
                return calendar.walk(start, 1, -1)
            working = rule.unit == "working_days"
            return calendar.walk(start, days, -1) if working else calendar.walk_calendar_days(start, days, -1)


def rule_count(policy: Policy, rule_id: str, start: date, calendar: Calendar) -> Count | None:
    """The count of a rule by its public name: `reply_complex` and `conclusion` are accepted too."""
    if rule_id == "reply_complex":
        return count(policy.rule("reply"), start, calendar, is_complex=True)
    return count(policy.rule("conclusion_notice" if rule_id == "conclusion" else rule_id), start, calendar)


def due_soon_days(policy: Policy, duty: str, due_on: date, calendar: Calendar) -> tuple[date, ...]:
    """The days on whose local midnight a warning falls, earliest first.

    The annual dialogue has the one stage of 1 October instead (plan II.3 gives the year as its limit).
    """
    if duty == "annual_dialogue":
        return (date(due_on.year, 10, 1),)
    return tuple(sorted({calendar.subtract_working_days(due_on, n) for n in policy.due_soon_days}))
