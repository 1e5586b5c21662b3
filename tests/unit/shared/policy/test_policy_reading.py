"""A policy from its text: what is wrong is refused with its line, its place and the remedy; old records are lifted."""

import re
from datetime import date

import msgspec
import pytest
import yaml

from shared.events import decode_state
from shared.events.regulation import PolicyAdopted
from shared.policy import (
    DEFAULT_POLICY,
    DOCUMENTS,
    UncountablePolicy,
    policy_of,
    read_policy,
    shipped_policy,
    shipped_text,
)
from tests.support.bilingual import check_problem

HEAD = """\
policy_id: test
document: {number: 1/QĐ, issued_on: 2020-01-01}
valid_from: 2020-01-01
rules:
"""


def problems(text: str) -> list[str]:
    with pytest.raises(UncountablePolicy) as refused:
        read_policy(text)
    for problem in refused.value.problems:
        check_problem(problem)
    return [f"{p.line} {p}" for p in refused.value.problems]


RULES = [
    # unknown words, wherever they stand
    ("- {duty: reply, form: deadline, length: 5, speed: 3}", "5 rules[0].speed: unknown word 'speed'; use one of duty"),
    ("- {duty: replay, form: undated}", "5 rules[0].duty: unknown duty 'replay'; use one of invitation"),
    ("- {duty: reply, form: dedline}", "5 rules[0].form: unknown word 'dedline'; use one of deadline, minimum_notice"),
    ("- {duty: reply, form: deadline, length: 5, unit: weeks}", "5 rules[0].unit: unknown word 'weeks'; use one of wo"),
    (
        "- duty: reply\n  form: deadline\n  length: 5\n  variants:\n    - {when: [slow], length: 9}",
        "9 rules[0].variants[0].when[0]: unknown word 'slow'; use one of complex",
    ),
    ("- {form: undated}", "5 rules[0]: duty is missing; add duty:"),
    # the same thing twice
    ("- {duty: reply, form: undated}\n- {duty: reply, form: undated}", "5 rules[0].duty: 'reply' is listed twice"),
    ("- duty: reply\n  form: undated\n  form: undated", "7 rules[0].form: 'form' is written twice; keep one"),
    (
        "- {duty: public_notice, form: minimum_notice, length: 7, channels: {any_of: [{channel: media, evidence: x}, "
        "{channel: media, evidence: x}]}}",
        "rules[0].channels: media is listed twice",
    ),
    # what a duty does not understand
    ("- {duty: invitation, form: deadline, length: 7}", "rules[0].form: invitation is no deadline; use minimum_notice"),
    (
        "- {duty: reply, form: deadline, length: 5, counted_from: proposal}",
        "rules[0].counted_from: reply is not counted from proposal; use conference_end or receipt",
    ),
    ("- {duty: invitation, form: minimum_notice, length: 7, pause: {}}", "rules[0].pause: invitation has no pause"),
    ("- {duty: reply, form: deadline, length: 5, recipients: [chair]}", "rules[0].recipients: reply has no recipients"),
    # numbers
    ("- {duty: reply, form: deadline}", "rules[0].length: a deadline needs a length; say how many"),
    ("- {duty: reply, form: deadline, length: 400}", "rules[0].length: 400 is more than 366"),
    ("- {duty: reply, form: deadline, length: -1}", "rules[0].length: expected `int` >= 0"),
    ("- {duty: reply, form: deadline, length: '5'}", "rules[0].length: expected `int | null`, got `str`"),
    ("- {duty: invitation, form: minimum_notice, length: 0}", "rules[0].length: a minimum_notice of 0 is none"),
    (
        "- {duty: reply, form: deadline, length: 30, variants: [{when: [complex], in_total: 20}]}",
        "rules[0].variants[0].in_total: is less than the length 30",
    ),
    ("- {duty: reply, form: deadline, length: 5, variants: [{when: [complex]}]}", "needs a length or a cap in_total"),
    (
        "- {duty: reply, form: deadline, length: 5, extension: {in_total: 5}}",
        "rules[0].extension.in_total: is no more than the length 5",
    ),
    # words that would be passed over
    ("- {duty: result_report, form: undated, length: 5}", "rules[0].length: an undated duty is not counted; leave it"),
    ("- {duty: result_report, form: undated, roll: next_working_day}", "rules[0].roll: an undated duty is not counted"),
    ("- {duty: annual_dialogue, form: frequency}", "rules[0].frequency: says nothing; say how often"),
    (
        "- {duty: annual_dialogue, form: frequency, roll: next_working_day, frequency: {}}",
        "rules[0].frequency.day: the end of a period does not roll",
    ),
    (
        "- {duty: annual_dialogue, form: frequency, frequency: {per: month, windows: [{first: 03-01, last: 03-31}]}}",
        "rules[0].frequency.windows: a window is a part of the year, not of a month",
    ),
    (
        "- {duty: annual_dialogue, form: frequency, frequency: {windows: [{first: 04-01, last: 03-31}]}}",
        "rules[0].frequency.windows[0].last: 03-31 is before 04-01",
    ),
    (
        "- {duty: annual_dialogue, form: frequency, "
        "frequency: {times: 2, windows: [{first: 03-01, last: 06-30}, {first: 05-01, last: 12-31}]}}",
        "rules[0].frequency.windows[1].first: 05-01 is not after 06-30",
    ),
    (
        "- {duty: annual_dialogue, form: frequency, "
        "frequency: {times: 2, windows: [{first: 09-01, last: 09-30}, {first: 03-01, last: 03-31}]}}",
        "rules[0].frequency.windows[1].first: 03-01 is not after 09-30",
    ),
    (
        "- {duty: commune_plan, form: deadline, length: 0, counted_from: fixed_date}",
        "rules[0].fixed_date: is missing; name the day as MM-DD",
    ),
    (
        "- {duty: commune_plan, form: deadline, length: 0, fixed_date: 03-15}",
        "rules[0].fixed_date: commune_plan is counted from plan; say counted_from: fixed_date",
    ),
    ("- {duty: reply, form: deadline, length: 5, warn_on: [10-01]}", "rules[0].warn_on: a day of the year warns of a"),
    (
        "- {duty: public_notice, form: minimum_notice, length: 7, "
        "channels: {all_of: [{channel: media, evidence: ' '}]}}",
        "rules[0].channels.all_of[0].evidence: is empty; say what proves the publication",
    ),
]


@pytest.mark.parametrize(("rules", "told"), RULES, ids=[told[:50] for _, told in RULES])
def test_wrong_rule__says_where_what_and_the_remedy(rules: str, told: str) -> None:
    found = problems(HEAD + re.sub("^", "  ", rules, flags=re.MULTILINE) + "\n")
    assert any(told in problem for problem in found), found
    assert all("; " in problem for problem in found), "each names its remedy"


HEADS = [
    ("policy_id: A B\n", "1 policy_id: 'A B' is no id"),
    ("valid_until: 2019-01-01\n", "valid_until: 2019-01-01 is before valid_from"),
    ("valid_from: 2020-02-30\n", "valid_from: invalid RFC3339 encoded date"),
    ("precedence: kingly\n", "precedence: unknown word 'kingly'; use one of plan, decision"),
    ("replaces: [test]\n", "replaces: a policy does not replace itself"),
    ("heirs: {H35.1: H35.1}\n", "heirs.H35.1: 'H35.1' is no heir"),
    ("colour: red\n", "colour: unknown word 'colour'; use one of policy_id"),
    ("rules: 3\n", "rules: is no list"),
]


@pytest.mark.parametrize(("line", "told"), HEADS, ids=[line.strip() for line, _ in HEADS])
def test_wrong_metadata__says_where_what_and_the_remedy(line: str, told: str) -> None:
    name = line.split(":")[0]
    kept = [each for each in HEAD.splitlines(keepends=True) if not each.startswith(f"{name}:")]
    ending = "" if name == "rules" else "  - {duty: reply, form: undated}\n"
    text = line + "".join(kept) + ending
    assert any(told in problem for problem in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("policy_id: [1\n", "is no YAML"),
        ("- 1\n", "$: is no policy"),
        ("", "$: is no policy"),
        ("policy_id: &a x\nheirs: {y: *a}\n", "refers to another part"),
        ("policy_id: !!python/name:os.system x\n", "has the tag"),
        ("x" * 300_000, "is longer than"),
        ("policy_id: \0\n", "is no YAML"),
    ],
)
def test_no_policy_at_all__is_said_in_one_line(text: str, told: str) -> None:
    (problem,) = problems(text)
    assert told in problem


@pytest.mark.parametrize(
    ("line", "vi"),
    [
        ("warn_days: 7", "phải là `array`, không phải `int`; hãy ghi thành danh sách: [a, b]"),
        ("warn_days: [0]", "phải là `int` >= 1; hãy ghi từ 1 trở lên"),
        ("audience: 3", "phải là `str`, không phải `int`; hãy đặt trong dấu ngoặc kép"),
        ("heirs: [a]", "phải là `object`, không phải `array`; hãy ghi các từ khóa kèm giá trị: {word: value}"),
        ("valid_until: 2020-02-30", "không phải là ngày hợp lệ theo RFC3339; hãy viết theo dạng YYYY-MM-DD"),
        ("levels: [moon]", "không có từ khóa 'moon'; hãy dùng một trong: nation, province, district, commune"),
    ],
)
def test_value_of_the_wrong_kind__is_said_in_vietnamese_too(line: str, vi: str) -> None:
    with pytest.raises(UncountablePolicy) as refused:
        read_policy(f"{HEAD}  - {{duty: reply, form: undated}}\n{line}\n")
    (problem,) = refused.value.problems
    assert problem.said.vi == vi
    check_problem(problem)


def test_every_problem__is_told_at_once__in_the_order_of_the_text() -> None:
    rules = (
        "  - {duty: reply, form: deadline}\n  - {duty: nope, form: undated}\n  - {duty: invitation, form: deadline}\n"
    )
    assert [p.split()[0] for p in problems(HEAD + rules)] == ["5", "6", "7"]


def test_dates_and_words_like_yes__stay_what_was_written() -> None:
    text = HEAD.replace("test", "'on'").replace("1/QĐ", "570") + "  - {duty: reply, form: undated, section: no}\n"
    assert "document.number: expected `str`, got `int`" in problems(text)[0]
    policy = read_policy(text.replace("570", "'570'"))
    assert (policy.policy_id, policy.document.number, policy.rules[0].section) == ("on", "570", "no")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_shipped_document__is_valid_and_names_its_source(name: str) -> None:
    policy = shipped_policy(name)
    assert policy.policy_id == name
    assert policy.document.source
    assert policy == policy_of(msgspec.to_builtins(policy)), "the same document as JSON"
    assert shipped_text(name).isascii() is False


def test_version_1__is_lifted_to_todays_words() -> None:
    stored = (
        b'{"data":{"effective_on":"2019-06-24","jurisdiction":"H35.10","policy":{"document":{"issued_on":"2019-06-24",'
        b'"number":"570/KH-UBND"},"due_soon_days":[7,2],"policy_id":"old","rules":['
        b'{"days":7,"direction":"before","duty":"invitation","section":"II.4.1"},'
        b'{"direction":"before","duty":"public_notice","stated":false},'
        b'{"complex_days":30,"counted_from":"receipt","days":15,"direction":"after","duty":"reply"},'
        b'{"direction":"same_day","duty":"reply_report"},{"direction":"undated","duty":"result_report"},'
        b'{"direction":"year_end","duty":"annual_dialogue"}],"valid_from":"2019-06-24"}},'
        b'"meta":{"actor":"office","aggregate":"policy","correlation_id":"018f0000-0000-7000-8000-000000000001",'
        b'"event_id":"018f0000-0000-7000-8000-000000000001","jurisdiction":"H35.10"},"v":1}'
    )
    event, _ = decode_state("PolicyAdopted", stored)
    assert isinstance(event, PolicyAdopted)
    lifted = {rule.duty: rule for rule in event.policy.rules}
    assert event.policy.warn_days == (7, 2)
    assert event.policy.valid_from == date(2019, 6, 24)
    assert (lifted["invitation"].form, lifted["invitation"].length) == ("minimum_notice", 7)
    assert (lifted["public_notice"].length, lifted["public_notice"].stated) == (1, False)
    reply = lifted["reply"]
    assert (reply.counted_from, reply.length, reply.variants[0].length) == ("receipt", 15, 30)
    assert reply.extension is not None and reply.extension.told == ("petitioner", "committee")
    assert (lifted["reply_report"].form, lifted["reply_report"].length) == ("deadline", 0)
    assert lifted["annual_dialogue"].warn_on == ("10-01",)
    policy_of(msgspec.to_builtins(event.policy))


def test_default__says_where_the_plan_is_silent() -> None:
    assert {rule.duty for rule in DEFAULT_POLICY.rules if not rule.stated} == {
        "public_notice",
        "preparation_report",
        "prepared_answer",
        "preparation_task",
        "result_report",
        "higher_answer",
        "proposal_decision",
        "convene",
        "commune_plan",
    }


# --- texts that are written to be slow -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 190_000, "1 $: nests deeper than 16; write it with fewer brackets and indentations"),
        ("{a: " * 40_000, "1 $: nests deeper than 16; write it with fewer brackets and indentations"),
        ("- " * 90_000, "1 $: nests deeper than 16; write it with fewer brackets and indentations"),
        ("".join(" " * n + "-\n" for n in range(500)), "17 $: nests deeper than 16; write it with fewer brackets and"),
        ("a: &x [b]\nc: *x\n", "2 $: refers to another part by '*'; write the part out"),
        ("---\na: b\n---\n", "3 $: is no YAML: but found another document"),
        ("? [a]\n: b\n", "1 $: has a list or words as a name; write a word before the colon"),
        (f"{HEAD}  - {{duty: reply, form: deadline, length: {'9' * 5000}}}", "5 rules[0].length: is too long a number"),
        (f"{HEAD}  - {{duty: reply, form: deadline, length: !!int many}}", "5 rules[0].length: has the tag"),
        (HEAD + "  - a\n" * 30_000, "4 rules: has 30000 rules; keep one rule a duty, at most 100"),
    ],
)
def test_text__that_no_policy_needs_is_refused(text: str, told: str) -> None:
    (only,) = problems(text)
    assert only.startswith(told)


def test_nested_brackets__are_given_up_at_the_first_that_is_too_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML looks at every open bracket for each token: what counts is how often, not how long that takes."""
    looks = 0
    look = yaml.SafeLoader.stale_possible_simple_keys

    def counted(self: yaml.SafeLoader) -> None:
        nonlocal looks
        looks += 1 + len(self.possible_simple_keys)
        look(self)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(yaml.SafeLoader, "stale_possible_simple_keys", counted)
    problems("[" * 3_000)
    assert 0 < looks < 1_000


def test_problems__are_told_up_to_a_hundred() -> None:
    variants = "".join("      - {when: []}\n" for _ in range(5_000))
    found = problems(f"{HEAD}  - duty: reply\n    form: deadline\n    length: 3\n    variants:\n{variants}")
    assert len(found) == 100
