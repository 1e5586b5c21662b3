"""What makes a policy wrong although each of its words is known: every problem with its place and its remedy. Pure."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations, pairwise

import msgspec

from shared.identifiers import FIRST_YEAR, LAST_YEAR, MalformedCode, agency_code
from shared.policy.duties import DUTY_KINDS, DutyKind
from shared.policy.schema import Anchor, Channels, Extension, Frequency, Policy, Rule, Trait, Variant

MAX_DAYS, MAX_HOURS = 366, 8784
MAX_VARIANTS = 31  # as many as five traits combine to
LEAP_DAY, LEAP_YEAR = "02-29", 2000
_ID = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
#: Offices that are debtors by their role and not by a code.
OFFICES = ("office", "chair")
#: Words that say how a length is counted: without a length they would be passed over.
_WITH_LENGTH = ("unit", "first_day", "variants", "extension", "pause")


class PolicyProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong: where (`path` in the document, `line` where there are lines), what, and the remedy."""

    path: str
    message: str
    remedy: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}: {self.message}; {self.remedy}"


class ImpossibleDay(ValueError):
    """A policy names a day that its month has not."""


class UncountablePolicy(ValueError):
    """A policy with which nothing is counted."""

    def __init__(self, problems: tuple[PolicyProblem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def check(policy: Policy) -> None:
    """Refuse a policy that contradicts itself. Raises InvalidPolicy with every problem."""
    if problems := tuple(problems_of(policy)):
        raise UncountablePolicy(problems)


def problems_of(policy: Policy) -> Iterator[PolicyProblem]:
    """Every problem of a policy, in the order of its text."""
    yield from _metadata(policy)
    repeated = {duty for duty, count in Counter(rule.duty for rule in policy.rules).items() if count > 1}
    for index, rule in enumerate(policy.rules):
        at = f"rules[{index}]"
        kind = DUTY_KINDS.get(rule.duty)
        if kind is None:
            yield PolicyProblem(f"{at}.duty", f"unknown duty {rule.duty!r}", f"use one of {', '.join(DUTY_KINDS)}")
            continue
        if rule.duty in repeated:
            yield PolicyProblem(f"{at}.duty", f"{rule.duty!r} is listed twice", "keep one rule a duty; use variants")
        yield from _rule(at, rule, kind)


def _metadata(policy: Policy) -> Iterator[PolicyProblem]:
    if not policy.policy_id or set(policy.policy_id) - _ID:
        yield PolicyProblem("policy_id", f"{policy.policy_id!r} is no id", "use small letters, digits, '-' and '.'")
    if not policy.document.number.strip():
        yield PolicyProblem(
            "document.number", "is empty", "name the document that adopts the policy, such as 570/KH-UBND"
        )
    if not FIRST_YEAR <= policy.valid_from.year <= LAST_YEAR:
        yield PolicyProblem("valid_from", f"{policy.valid_from} is no usable day", f"use {FIRST_YEAR} to {LAST_YEAR}")
    if policy.valid_until is not None and policy.valid_until < policy.valid_from:
        yield PolicyProblem(
            "valid_until", f"{policy.valid_until} is before valid_from", "name the last day of its validity"
        )
    if not (policy.rules or policy.replaces or policy.heirs):
        yield PolicyProblem("rules", "says nothing", "write at least one rule, each with '- duty:'")
    if policy.policy_id in policy.replaces:
        yield PolicyProblem(
            "replaces", "a policy does not replace itself", "adopt it again under the same policy_id instead"
        )
    for gone, successor in policy.heirs.items():
        for code in (gone, successor):
            if not _is_body(code):
                yield PolicyProblem(f"heirs.{gone}", f"{code!r} is no code of a body", "write codes, as H35.10: H35")
        # One that names itself is found by this too.
        if policy.heirs.get(successor):
            yield PolicyProblem(f"heirs.{gone}", f"{successor!r} is no heir", "name a body that takes over itself")


def _is_body(text: str) -> bool:
    try:
        return text in OFFICES or agency_code(text) == text
    except MalformedCode:
        return False


def _rule(at: str, rule: Rule, kind: DutyKind) -> Iterator[PolicyProblem]:
    if rule.form not in kind.forms:
        yield PolicyProblem(f"{at}.form", f"{rule.duty} is no {rule.form}", f"use {' or '.join(kind.forms)}")
        return
    yield from _form(at, rule)
    yield from _anchor(at, rule, kind)
    for word in ("variants", "extension", "pause", "channels", "recipients", "frequency"):
        if getattr(rule, word) and word not in kind.words:
            known = f"it understands {', '.join(kind.words)}" if kind.words else "leave it out"
            yield PolicyProblem(f"{at}.{word}", f"{rule.duty} has no {word}", known)
    yield from _variants(at, rule)
    if rule.extension is not None:
        yield from _extension(f"{at}.extension", rule, rule.extension)
    if rule.channels is not None:
        yield from _channels(f"{at}.channels", rule.channels)
    if rule.frequency is not None:
        yield from _frequency(f"{at}.frequency", rule, rule.frequency)


def _form(at: str, rule: Rule) -> Iterator[PolicyProblem]:
    counted = rule.form not in ("undated", "frequency")
    if counted and rule.length is None:
        yield PolicyProblem(f"{at}.length", f"a {rule.form} needs a length", "say how many, or make the duty undated")
    if counted and rule.length is not None:
        most = MAX_HOURS if rule.unit == "hours" else MAX_DAYS
        if rule.length > most:
            yield PolicyProblem(f"{at}.length", f"{rule.length} is more than {most}", "count in days, at most a year")
        if rule.length == 0 and rule.form != "deadline":
            yield PolicyProblem(f"{at}.length", f"a {rule.form} of 0 is none", "say 1 for the day before")
        if rule.length == 0 and rule.first_day == "included":
            yield PolicyProblem(f"{at}.first_day", "the day itself is the first and the last", "leave first_day out")
    yield from _roll(at, rule)
    if not counted:
        default = Rule(duty=rule.duty, form=rule.form)
        for word in ("length", "roll", *_WITH_LENGTH):
            if word == "roll" and rule.frequency is not None:
                continue
            if getattr(rule, word) != getattr(default, word):
                yield PolicyProblem(f"{at}.{word}", f"an {rule.form} duty is not counted", "leave it out")
    if rule.form == "frequency" and rule.frequency is None:
        yield PolicyProblem(f"{at}.frequency", "says nothing", "say how often: frequency: {times: 1, per: year}")
    if rule.form == "undated" and (rule.warn_days or rule.warn_on):
        yield PolicyProblem(f"{at}.warn_days", "what has no due date has no warning", "leave it out")
    if rule.warn_on and rule.form != "frequency":
        yield PolicyProblem(f"{at}.warn_on", "a day of the year warns of a periodic duty only", "use warn_days")
    for index, day in enumerate(rule.warn_on):
        yield from _day_of_year(f"{at}.warn_on[{index}]", day)


def _roll(at: str, rule: Rule) -> Iterator[PolicyProblem]:
    """A roll that does nothing, or that takes away what the rule gives."""
    if rule.form == "minimum_notice" and rule.roll == "next_working_day":
        yield PolicyProblem(
            f"{at}.roll", "a notice that rolls forwards is shorter than the rule says", "write previous_working_day"
        )
    elif rule.form == "minimum_duration" and rule.roll == "previous_working_day":
        yield PolicyProblem(
            f"{at}.roll", "a time that rolls back is shorter than the rule says", "write next_working_day"
        )
    # The granted day of an extension may be a rest day, and a length of 0 ends on whatever day it begins.
    lengths = (rule.length, *(variant.length or variant.in_total for variant in rule.variants))
    if rule.roll != "stay" and rule.unit == "working_days" and rule.extension is None and all(lengths):
        yield PolicyProblem(
            f"{at}.roll", "does nothing: a count of working days ends on one", "leave it out, or count in calendar_days"
        )


def _anchor(at: str, rule: Rule, kind: DutyKind) -> Iterator[PolicyProblem]:
    anchor = anchor_of(rule)
    if rule.counted_from is not None and rule.counted_from not in kind.anchors:
        known = f"use {' or '.join(kind.anchors)}" if kind.anchors else "leave it out"
        yield PolicyProblem(f"{at}.counted_from", f"{rule.duty} is not counted from {rule.counted_from}", known)
    if anchor == "fixed_date" and rule.fixed_date is None:
        yield PolicyProblem(f"{at}.fixed_date", "is missing", "name the day as MM-DD, or YYYY-MM-DD for one year")
    if rule.fixed_date is not None and anchor != "fixed_date":
        yield PolicyProblem(f"{at}.fixed_date", f"{rule.duty} is counted from {anchor}", "say counted_from: fixed_date")
    if rule.fixed_date is not None:
        yield from _fixed_date(f"{at}.fixed_date", rule.fixed_date)


def _fixed_date(at: str, day: str) -> Iterator[PolicyProblem]:
    year, year_day = day[: -len("-MM-DD")], day[-len("MM-DD") :]
    if not year and day == LEAP_DAY:
        yield PolicyProblem(at, "29 February is not a day of every year", "name another day")
    elif year and not FIRST_YEAR <= int(year) <= LAST_YEAR:
        yield PolicyProblem(at, f"{year} is no usable year", f"use {FIRST_YEAR} to {LAST_YEAR}")
    else:
        yield from _day_of_year(at, year_day, int(year) if year else LEAP_YEAR)


def _day_of_year(at: str, day: str, year: int = LEAP_YEAR) -> Iterator[PolicyProblem]:
    """A day that the month has not. Without a year 29 February stands for the 28th."""
    month, number = (int(part) for part in day.split("-"))
    last = monthrange(year, month)[1]
    if number > last:
        in_year = f" {year}" if day == LEAP_DAY else ""
        yield PolicyProblem(at, f"{day} is no day: month {month}{in_year} has {last}", f"write {month:02}-{last}")


def anchor_of(rule: Rule) -> Anchor | None:
    """What the rule counts from: its own word, else the duty's usual one."""
    if rule.counted_from is not None:
        return rule.counted_from
    anchors = DUTY_KINDS[rule.duty].anchors
    return anchors[0] if anchors else None


def counted_from(rule: Rule, act_on: date) -> date:
    """The day from which a clock set by an act of `act_on` is counted: that day, or the fixed date that follows it.

    Raises ImpossibleDay, of a policy that was recorded before such days were refused.
    """
    if anchor_of(rule) != "fixed_date" or rule.fixed_date is None:
        return act_on
    if len(rule.fixed_date) > len("MM-DD"):
        return day_in(int(rule.fixed_date[:4]), rule.fixed_date[len("YYYY-") :])
    this_year = day_in(act_on.year, rule.fixed_date)
    return this_year if this_year >= act_on else day_in(act_on.year + 1, rule.fixed_date)


def day_in(year: int, year_day: str) -> date:
    """The day `MM-DD` of a year. Raises ImpossibleDay."""
    try:
        return date.fromisoformat(f"{year:04}-{year_day}")
    except ValueError:
        raise ImpossibleDay(f"there is no day {year_day} in the year {year}") from None


def _variants(at: str, rule: Rule) -> Iterator[PolicyProblem]:
    for first, other in combinations(range(min(len(rule.variants), MAX_VARIANTS)), 2):
        if _is_tie(rule, rule.variants[first], rule.variants[other]):
            names = [", ".join(rule.variants[index].when) for index in (first, other)]
            both = dict.fromkeys((*rule.variants[first].when, *rule.variants[other].when))
            yield PolicyProblem(
                f"{at}.variants[{other}].when",
                f"[{names[1]}] and [{names[0]}] fit a case with both equally",
                f"say what holds then: when: [{', '.join(both)}]",
            )
    if len(rule.variants) > MAX_VARIANTS:
        yield PolicyProblem(f"{at}.variants", f"has {len(rule.variants)}", f"keep at most {MAX_VARIANTS}")
    seen: set[frozenset[str]] = set()
    for index, variant in enumerate(rule.variants):
        here = f"{at}.variants[{index}]"
        when = frozenset(variant.when)
        if not when:
            yield PolicyProblem(f"{here}.when", "is empty", "name the trait of the case, such as [complex]")
        if when in seen:
            yield PolicyProblem(f"{here}.when", f"{', '.join(variant.when)} is listed twice", "keep one")
        seen.add(when)
        if any(not criterion.strip() for criterion in variant.criteria):
            yield PolicyProblem(f"{here}.criteria", "has an empty one", "write it in words, or leave it out")
        if (variant.length is None) == (variant.in_total is None):
            yield PolicyProblem(f"{here}.length", "needs a length or a cap in_total", "give one of the two")
        longest = max(variant.length or 0, variant.in_total or 0)
        if longest > (MAX_HOURS if rule.unit == "hours" else MAX_DAYS):
            yield PolicyProblem(f"{here}.length", f"{longest} is more than a year", "say at most a year")
        if variant.in_total is not None and rule.length is not None and variant.in_total < rule.length:
            yield PolicyProblem(
                f"{here}.in_total", f"is less than the length {rule.length}", "a cap is at least the length"
            )


def _is_tie(rule: Rule, one: Variant, other: Variant) -> bool:
    """Whether two variants fit some case equally and give it different numbers, where no third decides it."""
    first, second = frozenset(one.when), frozenset(other.when)
    if first == second or (one.length, one.in_total) == (other.length, other.in_total):
        return False
    if weight(first) != weight(second):
        return False
    return not any(weight(each.when) > weight(first) and first | second >= set(each.when) for each in rule.variants)


def weight(when: Iterable[Trait]) -> tuple[int, bool]:
    """How well a variant fits a case that has all its traits: the more traits the better, a very complex case best."""
    traits = frozenset(when)
    return len(traits), "very_complex" in traits


def _extension(at: str, rule: Rule, extension: Extension) -> Iterator[PolicyProblem]:
    if extension.each is None and extension.counted_from != "rolled":
        yield PolicyProblem(f"{at}.counted_from", "nothing is counted on from that end", "say how much each may be")
    if extension.in_total is not None and rule.length is not None and extension.in_total <= rule.length:
        yield PolicyProblem(f"{at}.in_total", f"is no more than the length {rule.length}", "count it from the start")
    most = MAX_HOURS if rule.unit == "hours" else MAX_DAYS
    if max(extension.each or 0, extension.in_total or 0) > most:
        yield PolicyProblem(at, f"is longer than {most}", "an extension is at most a year")
    if not extension.told:
        yield PolicyProblem(f"{at}.told", "is empty", "name who must be told, such as [petitioner]")


def _channels(at: str, channels: Channels) -> Iterator[PolicyProblem]:
    if bool(channels.any_of) == bool(channels.all_of):
        yield PolicyProblem(at, "needs any_of or all_of, not both", "any_of: one is enough; all_of: each is needed")
    for name, count in Counter(channels.names).items():
        if count > 1:
            yield PolicyProblem(at, f"{name} is listed twice", "keep one")
    for group in ("any_of", "all_of"):
        for index, each in enumerate(getattr(channels, group)):
            if not each.evidence.strip():
                yield PolicyProblem(f"{at}.{group}[{index}].evidence", "is empty", "say what proves the publication")


def _frequency(at: str, rule: Rule, frequency: Frequency) -> Iterator[PolicyProblem]:
    if frequency.windows and frequency.per != "year":
        yield PolicyProblem(
            f"{at}.windows", f"a window is a part of the year, not of a {frequency.per}", "say per: year"
        )
    if len(frequency.windows) > frequency.times:
        yield PolicyProblem(
            f"{at}.windows", f"more windows than times ({frequency.times})", "give at most one for each time"
        )
    for index, window in enumerate(frequency.windows):
        yield from _day_of_year(f"{at}.windows[{index}].first", window.first)
        yield from _day_of_year(f"{at}.windows[{index}].last", window.last)
        if window.last < window.first:
            yield PolicyProblem(
                f"{at}.windows[{index}].last", f"{window.last} is before {window.first}", "end it later"
            )
    for index, (before, after) in enumerate(pairwise(frequency.windows), 1):
        if after != before and after.first <= before.last:
            message = f"{after.first} is not after {before.last}, the end of the window before"
            yield PolicyProblem(
                f"{at}.windows[{index}].first", message, "let windows follow each other, or make them the same"
            )
    if frequency.day is not None and (frequency.per != "month" or frequency.times != 1):
        yield PolicyProblem(f"{at}.day", "a day of the month is for one time per month", "say times: 1, per: month")
    if rule.roll != "stay" and frequency.day is None:
        yield PolicyProblem(
            f"{at}.day", "the end of a period does not roll", "name the day that rolls, or leave roll out"
        )
    if rule.warn_on and frequency.per != "year":
        yield PolicyProblem(f"{at}.per", "days of the year warn of a yearly duty", "use warn_days")
