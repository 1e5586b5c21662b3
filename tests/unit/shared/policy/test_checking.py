"""What makes a policy wrong, rule by rule: each problem with its place, and the nearest rule that has none."""

from datetime import date
from typing import Any

import msgspec
import pytest

from shared.policy import DEFAULT_POLICY, DUTY_KINDS, Policy, Rule, UncountablePolicy, anchor_of, check, problems_of
from shared.policy.counting import length_of
from shared.policy.schema import Document
from tests.support.bilingual import check_problem
from tests.support.history import day

DOCUMENT = Document(number="1/QĐ", issued_on=date(2020, 1, 1))


def policy(*rules: Rule, **more: Any) -> Policy:
    words: dict[str, Any] = {"policy_id": "test", "document": DOCUMENT, "valid_from": date(2020, 1, 1), **more}
    return Policy(rules=rules or (Rule(duty="invitation", form="undated"),), **words)


def rule(duty: str = "reply", form: str = "deadline", **words: Any) -> Rule:
    if form not in ("undated", "frequency"):
        words.setdefault("length", 15)
    return msgspec.convert({"duty": duty, "form": form, **words}, Rule)


def found(each: Policy) -> list[str]:
    """Each problem in short: its place and the beginning of what is wrong."""
    return [f"{p.path}: {p.message}" for p in problems_of(each)]


MEDIA = {"channel": "media", "evidence": "x"}
JUNE, DECEMBER = {"first": "06-01", "last": "06-30"}, {"first": "12-01", "last": "12-31"}


def variants(*found: dict[str, Any], **words: Any) -> Rule:
    return rule(variants=list(found), **words)


def frequency(**words: Any) -> Rule:
    known = {k: words.pop(k) for k in ("roll", "warn_on", "warn_days", "length") if k in words}
    return rule("annual_dialogue", "frequency", frequency=words, **known)


# A wrong rule with its problems, then the nearest one that is right.
RULES: dict[str, tuple[Rule, list[str], Rule]] = {
    "a year of days": (
        rule(length=367),
        ["rules[0].length: 367 is more than 366"],
        rule(length=366),
    ),
    "more hours than days make a year": (
        rule(length=367, unit="calendar_days"),
        ["rules[0].length: 367 is more than 366"],
        rule(length=8784, unit="hours"),
    ),
    "more hours than a year has": (
        Rule(duty="reply", form="deadline", length=8785, unit="hours"),
        ["rules[0].length: 8785 is more than 8784"],
        Rule(duty="reply", form="deadline", length=8784, unit="hours"),
    ),
    "undated, with caps": (
        rule(form="undated", extension={"in_total": 5}, variants=[{"when": ["complex"], "in_total": 5}]),
        [
            "rules[0].variants: an undated duty is not counted",
            "rules[0].extension: an undated duty is not counted",
        ],
        rule(form="undated"),
    ),
    "nothing at all": (
        rule("invitation", "minimum_notice", length=0),
        ["rules[0].length: a minimum_notice of 0 is none"],
        rule("invitation", "minimum_notice", length=1),
    ),
    "the day itself, twice": (
        rule(length=0, first_day="included"),
        ["rules[0].first_day: the day itself is the first and the last"],
        rule(length=0),
    ),
    "the first day": (
        rule(length=0, first_day="included"),
        ["rules[0].first_day: the day itself is the first and the last"],
        rule(length=1, first_day="included"),
    ),
    "another form": (
        rule("invitation", "deadline"),
        ["rules[0].form: invitation is no deadline"],
        rule("invitation", "minimum_notice"),
    ),
    "undated, with words that count": (
        rule(
            form="undated",
            unit="hours",
            first_day="included",
            pause={},
            extension={},
            variants=[{"when": ["complex"], "length": 3}],
        ),
        [
            "rules[0].unit: an undated duty is not counted",
            "rules[0].first_day: an undated duty is not counted",
            "rules[0].variants: an undated duty is not counted",
            "rules[0].extension: an undated duty is not counted",
            "rules[0].pause: an undated duty is not counted",
        ],
        rule(form="undated"),
    ),
    "periodic, with a length": (
        frequency(length=5),
        ["rules[0].length: an frequency duty is not counted"],
        frequency(),
    ),
    "undated, with warning days": (
        rule(form="undated", warn_days=[3]),
        ["rules[0].warn_days: what has no due date has no warning"],
        rule(warn_days=[3]),
    ),
    "undated, with a day of the year that warns": (
        rule(form="undated", warn_on=["10-01"]),
        [
            "rules[0].warn_days: what has no due date has no warning",
            "rules[0].warn_on: a day of the year warns of a periodic duty only",
        ],
        frequency(warn_on=["10-01"]),
    ),
    "another anchor": (
        rule("reply_report", counted_from="receipt"),
        ["rules[0].counted_from: reply_report is not counted from receipt"],
        rule("reply_report", counted_from="reply"),
    ),
    "an anchor, of what has none": (
        rule("annual_dialogue", "frequency", frequency={}, counted_from="receipt"),
        ["rules[0].counted_from: annual_dialogue is not counted from receipt"],
        frequency(),
    ),
    "no fixed date": (
        rule("commune_plan", counted_from="fixed_date"),
        ["rules[0].fixed_date: is missing"],
        rule("commune_plan", counted_from="fixed_date", fixed_date="03-15"),
    ),
    "29 February of every year": (
        rule("commune_plan", counted_from="fixed_date", fixed_date="02-29"),
        ["rules[0].fixed_date: 29 February is not a day of every year"],
        rule("commune_plan", counted_from="fixed_date", fixed_date="2024-02-29"),
    ),
    "a fixed date that its month has not": (
        rule("commune_plan", counted_from="fixed_date", fixed_date="04-31"),
        ["rules[0].fixed_date: 04-31 is no day: month 4 has 30"],
        rule("commune_plan", counted_from="fixed_date", fixed_date="04-30"),
    ),
    "29 February of a year that has none": (
        rule("commune_plan", counted_from="fixed_date", fixed_date="2027-02-29"),
        ["rules[0].fixed_date: 02-29 is no day: month 2 2027 has 28"],
        rule("commune_plan", counted_from="fixed_date", fixed_date="2028-02-29"),
    ),
    "a year that no calendar has": (
        rule("commune_plan", counted_from="fixed_date", fixed_date="0000-03-15"),
        ["rules[0].fixed_date: 0000 is no usable year"],
        rule("commune_plan", counted_from="fixed_date", fixed_date="2100-03-15"),
    ),
    "a warning on a day that its month has not": (
        frequency(warn_on=["04-30", "06-31"]),
        ["rules[0].warn_on[1]: 06-31 is no day: month 6 has 30"],
        frequency(warn_on=["04-30", "02-29"]),
    ),
    "a window between days that their months have not": (
        rule("annual_dialogue", "frequency", frequency={"windows": [{"first": "02-30", "last": "04-31"}]}),
        [
            "rules[0].frequency.windows[0].first: 02-30 is no day: month 2 has 29",
            "rules[0].frequency.windows[0].last: 04-31 is no day: month 4 has 30",
        ],
        rule("annual_dialogue", "frequency", frequency={"windows": [{"first": "02-29", "last": "04-30"}]}),
    ),
    "a roll of working days": (
        rule(roll="next_working_day"),
        ["rules[0].roll: does nothing: a count of working days ends on one"],
        rule(roll="next_working_day", unit="calendar_days"),
    ),
    "a roll of working days, which a variant does not need either": (
        variants({"when": ["complex"], "length": 3}, roll="previous_working_day"),
        ["rules[0].roll: does nothing: a count of working days ends on one"],
        variants({"when": ["complex"], "length": 0}, roll="previous_working_day"),
    ),
    "a notice that rolls forwards": (
        rule("invitation", "minimum_notice", unit="calendar_days", roll="next_working_day"),
        ["rules[0].roll: a notice that rolls forwards is shorter than the rule says"],
        rule("invitation", "minimum_notice", unit="calendar_days", roll="previous_working_day"),
    ),
    "a posting that rolls back": (
        rule("posting", "minimum_duration", unit="calendar_days", roll="previous_working_day"),
        ["rules[0].roll: a time that rolls back is shorter than the rule says"],
        rule("posting", "minimum_duration", unit="calendar_days", roll="next_working_day"),
    ),
    "two variants that fit equally": (
        variants({"when": ["complex"], "length": 20}, {"when": ["remote"], "length": 40}),
        ["rules[0].variants[1].when: [remote] and [complex] fit a case with both equally"],
        variants(
            {"when": ["complex"], "length": 20},
            {"when": ["remote"], "length": 40},
            {"when": ["remote", "complex"], "length": 45},
        ),
    ),
    "two pairs that fit equally": (
        variants({"when": ["complex", "remote"], "length": 20}, {"when": ["complex", "online"], "length": 40}),
        ["rules[0].variants[1].when: [complex, online] and [complex, remote] fit a case with both equally"],
        variants({"when": ["complex", "remote"], "length": 20}, {"when": ["complex"], "length": 40}),
    ),
    "two variants of one number": (
        variants({"when": [], "length": 20}, {"when": ["remote"], "length": 20}),
        ["rules[0].variants[0].when: is empty"],
        variants({"when": ["complex"], "length": 20}, {"when": ["remote"], "length": 20}),
    ),
    "an empty criterion": (
        variants({"when": ["complex"], "length": 20, "criteria": ["x", " "]}),
        ["rules[0].variants[0].criteria: has an empty one"],
        variants({"when": ["complex"], "length": 20, "criteria": ["x"]}),
    ),
    "words of other duties": (
        rule(
            "reply_report",
            pause={},
            extension={},
            variants=[{"when": ["complex"], "length": 3}],
            frequency={},
            channels={"any_of": [MEDIA]},
        ),
        [
            "rules[0].variants: reply_report has no variants",
            "rules[0].extension: reply_report has no extension",
            "rules[0].pause: reply_report has no pause",
            "rules[0].channels: reply_report has no channels",
            "rules[0].frequency: reply_report has no frequency",
        ],
        rule("reply_report", recipients=["chair"]),
    ),
    # variants
    "a variant for no case": (
        variants({"when": [], "length": 30}),
        ["rules[0].variants[0].when: is empty"],
        variants({"when": ["complex"], "length": 30}),
    ),
    "the same variant twice": (
        variants({"when": ["complex", "remote"], "length": 30}, {"when": ["remote", "complex"], "length": 40}),
        ["rules[0].variants[1].when: remote, complex is listed twice"],
        variants({"when": ["complex", "remote"], "length": 30}, {"when": ["remote"], "length": 40}),
    ),
    "a variant without a number": (
        variants({"when": ["complex"]}),
        ["rules[0].variants[0].length: needs a length or a cap in_total"],
        variants({"when": ["complex"], "in_total": 15}),
    ),
    "a variant with two numbers": (
        variants({"when": ["complex"], "length": 20, "in_total": 30}),
        ["rules[0].variants[0].length: needs a length or a cap in_total"],
        variants({"when": ["complex"], "length": 20}),
    ),
    "a variant longer than a year": (
        variants({"when": ["complex"], "length": 367}),
        ["rules[0].variants[0].length: 367 is more than a year"],
        variants({"when": ["complex"], "length": 366}),
    ),
    "a cap longer than a year": (
        variants({"when": ["complex"], "in_total": 367}),
        ["rules[0].variants[0].length: 367 is more than a year"],
        variants({"when": ["complex"], "in_total": 8784}, unit="hours"),
    ),
    "a cap below the length": (
        variants({"when": ["complex"], "in_total": 14}),
        ["rules[0].variants[0].in_total: is less than the length 15"],
        variants({"when": ["complex"], "in_total": 15}),
    ),
    # extension
    "counted on from an end, by nothing": (
        rule(extension={"counted_from": "unrolled"}),
        ["rules[0].extension.counted_from: nothing is counted on from that end"],
        rule(extension={"counted_from": "unrolled", "each": 5}),
    ),
    "no more than the length": (
        rule(extension={"in_total": 15}),
        ["rules[0].extension.in_total: is no more than the length 15"],
        rule(extension={"in_total": 16}),
    ),
    "an extension longer than a year": (
        rule(extension={"each": 367}),
        ["rules[0].extension: is longer than 366"],
        rule(extension={"each": 366}),
    ),
    "an extension longer than a year in total": (
        rule(extension={"in_total": 367}),
        ["rules[0].extension: is longer than 366"],
        rule(extension={"in_total": 8784}, unit="hours"),
    ),
    "an extension of which nobody is told": (
        rule(extension={"told": []}),
        ["rules[0].extension.told: is empty"],
        rule(extension={"told": ["committee"]}),
    ),
    # channels
    "no channel": (
        rule("public_notice", "minimum_notice", channels={}),
        ["rules[0].channels: needs any_of or all_of, not both"],
        rule("public_notice", "minimum_notice", channels={"any_of": [MEDIA]}),
    ),
    "any and all": (
        rule(
            "public_notice",
            "minimum_notice",
            channels={"any_of": [MEDIA], "all_of": [{"channel": "portal", "evidence": "x"}]},
        ),
        ["rules[0].channels: needs any_of or all_of, not both"],
        rule("public_notice", "minimum_notice", channels={"all_of": [MEDIA]}),
    ),
    "a channel twice": (
        rule("public_notice", "minimum_notice", channels={"all_of": [MEDIA, MEDIA]}),
        ["rules[0].channels: media is listed twice"],
        rule("public_notice", "minimum_notice", channels={"all_of": [MEDIA, {"channel": "portal", "evidence": "x"}]}),
    ),
    "a channel that proves nothing": (
        rule("public_notice", "minimum_notice", channels={"any_of": [MEDIA, {"channel": "portal", "evidence": " "}]}),
        ["rules[0].channels.any_of[1].evidence: is empty"],
        rule("public_notice", "minimum_notice", channels={"any_of": [MEDIA, {"channel": "portal", "evidence": "x"}]}),
    ),
    # frequency
    "windows of a month": (
        frequency(per="month", windows=[JUNE]),
        ["rules[0].frequency.windows: a window is a part of the year, not of a month"],
        frequency(windows=[JUNE]),
    ),
    "more windows than times": (
        frequency(windows=[JUNE, DECEMBER]),
        ["rules[0].frequency.windows: more windows than times (1)"],
        frequency(times=2, windows=[JUNE, DECEMBER]),
    ),
    "a window that ends before it begins": (
        frequency(windows=[{"first": "06-02", "last": "06-01"}]),
        ["rules[0].frequency.windows[0].last: 06-01 is before 06-02"],
        frequency(windows=[{"first": "06-01", "last": "06-01"}]),
    ),
    "windows that touch": (
        frequency(times=2, windows=[JUNE, {"first": "06-30", "last": "07-31"}]),
        ["rules[0].frequency.windows[1].first: 06-30 is not after 06-30, the end of the window before"],
        frequency(times=2, windows=[JUNE, {"first": "07-01", "last": "07-31"}]),
    ),
    "windows the wrong way round": (
        frequency(times=3, windows=[JUNE, DECEMBER, JUNE]),
        ["rules[0].frequency.windows[2].first: 06-01 is not after 12-31, the end of the window before"],
        frequency(times=3, windows=[JUNE, JUNE, DECEMBER]),
    ),
    "a day of the week": (
        frequency(per="week", day=3),
        ["rules[0].frequency.day: a day of the month is for one time per month"],
        frequency(per="month", day=3),
    ),
    "a day for two times": (
        frequency(per="month", times=2, day=3),
        ["rules[0].frequency.day: a day of the month is for one time per month"],
        frequency(per="month", times=2),
    ),
    "a period that rolls": (
        frequency(per="month", roll="next_working_day"),
        ["rules[0].frequency.day: the end of a period does not roll"],
        frequency(per="month", day=3, roll="next_working_day"),
    ),
    "days of the year that warn of a month": (
        frequency(per="month", warn_on=["10-01"]),
        ["rules[0].frequency.per: days of the year warn of a yearly duty"],
        frequency(per="month", warn_days=[3]),
    ),
    "no frequency": (
        rule("annual_dialogue", "frequency"),
        ["rules[0].frequency: says nothing"],
        frequency(),
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_rule__its_problems__and_the_nearest_one_without(case: str) -> None:
    wrong, problems, right = RULES[case]
    assert found(policy(wrong)) == problems
    assert found(policy(right)) == []


POLICIES: dict[str, tuple[Policy, list[str], Policy]] = {
    "no id": (policy(policy_id=""), ["policy_id: '' is no id"], policy(policy_id="a-1.b")),
    "an id of other letters": (policy(policy_id="A"), ["policy_id: 'A' is no id"], policy(policy_id="z9")),
    "no number": (
        policy(document=msgspec.structs.replace(DOCUMENT, number=" ")),
        ["document.number: is empty"],
        policy(document=msgspec.structs.replace(DOCUMENT, number="1")),
    ),
    "before there were days": (
        policy(valid_from=day("1899-12-31")),
        ["valid_from: 1899-12-31 is no usable day"],
        policy(valid_from=day("1900-01-01")),
    ),
    "after the last day": (
        policy(valid_from=day("2101-01-01")),
        ["valid_from: 2101-01-01 is no usable day"],
        policy(valid_from=day("2100-12-31")),
    ),
    "ended before it began": (
        policy(valid_until=day("2019-12-31")),
        ["valid_until: 2019-12-31 is before valid_from"],
        policy(valid_until=day("2020-01-01")),
    ),
    "replaces itself": (
        policy(replaces=("other", "test")),
        ["replaces: a policy does not replace itself"],
        policy(replaces=("other",)),
    ),
    "its own heir": (policy(heirs={"H1": "H1"}), ["heirs.H1: 'H1' is no heir"], policy(heirs={"H1": "H2"})),
    "an heir that has an heir": (
        policy(heirs={"H1": "H2", "H2": "H3"}),
        ["heirs.H1: 'H2' is no heir"],
        policy(heirs={"H1": "H3", "H2": "H3"}),
    ),
    "an unknown duty": (
        policy(rule("nothing"), rule(length=367)),
        ["rules[0].duty: unknown duty 'nothing'", "rules[1].length: 367 is more than 366"],
        policy(rule()),
    ),
    "a duty twice": (
        policy(rule(), rule("invitation", "minimum_notice"), rule()),
        ["rules[0].duty: 'reply' is listed twice", "rules[2].duty: 'reply' is listed twice"],
        policy(rule(), rule("invitation", "minimum_notice")),
    ),
}


@pytest.mark.parametrize("case", POLICIES)
def test_policy__its_problems__and_the_nearest_one_without(case: str) -> None:
    wrong, problems, right = POLICIES[case]
    assert found(wrong) == problems
    assert found(right) == []


def test_check__refuses_with_every_problem() -> None:
    with pytest.raises(UncountablePolicy, match="367 is more than 366") as refused:
        check(policy(rule(length=367), policy_id="A"))
    assert [problem.path for problem in refused.value.problems] == ["policy_id", "rules[0].length"]
    said = [str(problem) for problem in refused.value.problems]
    assert str(refused.value) == f"{said[0]}; {said[1]}"
    assert said[1] == "rules[0].length: 367 is more than 366; count in days, at most a year"
    check(policy(rule()))
    check(DEFAULT_POLICY)


def test_every_problem__has_a_remedy_and_is_said_in_both_languages() -> None:
    wrong = [policy(each) for each, _, _ in RULES.values()] + [each for each, _, _ in POLICIES.values()]
    for problem in (problem for each in wrong for problem in problems_of(each)):
        check_problem(problem)


def test_remedy__names_what_may_be_used() -> None:
    def remedy(each: Rule) -> str:
        return next(problems_of(policy(each))).remedy

    assert remedy(rule("invitation", "deadline")) == "use minimum_notice or undated"
    assert remedy(rule("proposal_decision", counted_from="receipt")) == "use proposal or request"
    assert remedy(rule("reply_report", pause={})) == "it understands recipients"
    assert remedy(rule("reply", recipients=["chair"])) == "it understands variants, extension, pause"
    assert remedy(rule("invitation", "minimum_notice", pause={})) == "leave it out"


@pytest.mark.parametrize(
    ("each", "anchor"),
    [
        (rule(), "conference_end"),
        (rule(counted_from="receipt"), "receipt"),
        (frequency(), None),
    ],
)
def test_anchor__is_the_rules_own_word_or_the_dutys_usual_one(each: Rule, anchor: str | None) -> None:
    assert anchor_of(each) == anchor


def test_anchor__of_every_duty_that_has_one__is_its_first() -> None:
    for name, kind in DUTY_KINDS.items():
        assert anchor_of(Rule(duty=name, form=kind.forms[0])) == (kind.anchors[0] if kind.anchors else None)


def test_policy__that_says_nothing() -> None:
    empty = Policy(policy_id="test", document=DOCUMENT, valid_from=date(2020, 1, 1))
    assert found(empty) == ["rules: says nothing"]
    assert found(msgspec.structs.replace(empty, replaces=("older",))) == []


def test_heirs__are_codes_of_bodies() -> None:
    assert found(policy(heirs={"H35.1": "phòng y tế", "office": "H35.2"})) == [
        "heirs.H35.1: 'phòng y tế' is no code of a body"
    ]


def test_very_complex_case__has_its_own_variant_whatever_the_order() -> None:
    named = [{"when": ["complex"], "length": 20}, {"when": ["very_complex"], "length": 40}]
    for order in (named, named[::-1]):
        each = variants(*order)
        assert found(policy(each)) == []
        assert length_of(each, frozenset({"complex", "very_complex"})) == 40
