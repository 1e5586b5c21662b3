"""What makes a policy wrong although each of its words is known: every problem with its place and its remedy. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from shared.identifiers import FIRST_YEAR, LAST_YEAR, MalformedCode, agency_code
from shared.policy.checking_parts import (
    LEAP_DAY,
    LEAP_YEAR,
    MAX_DAYS,
    MAX_HOURS,
    channel_problems,
    day_problems,
    extension_problems,
    frequency_problems,
    variant_problems,
)
from shared.policy.duties import DUTY_KINDS, DutyKind
from shared.policy.problem import (
    EMPTY,
    LEAVE_OUT,
    USE_WARN_DAYS,
    PolicyProblem,
    UncountablePolicy,
    listed_twice,
    one_of,
    policy_problem,
)
from shared.policy.schema import Anchor, Policy, Rule
from shared.sentences import Sentence

_ID = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
#: Offices that are debtors by their role and not by a code.
OFFICES = ("office", "chair")
#: Words that say how a length is counted: without a length they would be passed over.
_WITH_LENGTH = ("unit", "first_day", "variants", "extension", "pause")
_SAYS_NOTHING = Sentence("không quy định gì", "says nothing")
_USABLE_YEARS = Sentence(f"hãy dùng năm từ {FIRST_YEAR} đến {LAST_YEAR}", f"use {FIRST_YEAR} to {LAST_YEAR}")


class ImpossibleDay(ValueError):
    """A policy names a day (`MM-DD`) that its month has not."""

    def __init__(self, year_day: str, year: int) -> None:
        super().__init__(f"there is no day {year_day} in the year {year}")
        self.year_day, self.year = year_day, year


def check(policy: Policy) -> None:
    """Refuse a policy that contradicts itself. Raises UncountablePolicy with every problem."""
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
            yield policy_problem(
                f"{at}.duty",
                Sentence(f"không có việc {rule.duty!r}", f"unknown duty {rule.duty!r}"),
                one_of(DUTY_KINDS),
            )
            continue
        if rule.duty in repeated:
            yield policy_problem(
                f"{at}.duty",
                listed_twice(repr(rule.duty)),
                Sentence("hãy giữ một quy tắc cho mỗi việc và dùng variants", "keep one rule a duty; use variants"),
            )
        yield from _rule(at, rule, kind)


def _metadata(policy: Policy) -> Iterator[PolicyProblem]:
    if not policy.policy_id or set(policy.policy_id) - _ID:
        yield policy_problem(
            "policy_id",
            Sentence(f"{policy.policy_id!r} không dùng làm mã được", f"{policy.policy_id!r} is no id"),
            Sentence("hãy dùng chữ thường không dấu, chữ số, '-' và '.'", "use small letters, digits, '-' and '.'"),
        )
    if not policy.document.number.strip():
        yield policy_problem(
            "document.number",
            EMPTY,
            Sentence(
                "hãy ghi số văn bản ban hành quy định, ví dụ 570/KH-UBND",
                "name the document that adopts the policy, such as 570/KH-UBND",
            ),
        )
    if not FIRST_YEAR <= policy.valid_from.year <= LAST_YEAR:
        yield policy_problem(
            "valid_from",
            Sentence(f"không dùng được ngày {policy.valid_from}", f"{policy.valid_from} is no usable day"),
            _USABLE_YEARS,
        )
    if policy.valid_until is not None and policy.valid_until < policy.valid_from:
        yield policy_problem(
            "valid_until",
            Sentence(f"{policy.valid_until} trước valid_from", f"{policy.valid_until} is before valid_from"),
            Sentence("hãy ghi ngày cuối cùng còn hiệu lực", "name the last day of its validity"),
        )
    if not (policy.rules or policy.replaces or policy.heirs):
        yield policy_problem(
            "rules",
            _SAYS_NOTHING,
            Sentence(
                "hãy ghi ít nhất một quy tắc, mỗi quy tắc bắt đầu bằng '- duty:'",
                "write at least one rule, each with '- duty:'",
            ),
        )
    if policy.policy_id in policy.replaces:
        yield policy_problem(
            "replaces",
            Sentence("quy định không tự thay thế chính mình", "a policy does not replace itself"),
            Sentence(
                "hãy áp dụng lại với cùng policy_id",
                "adopt it again under the same policy_id instead",
            ),
        )
    for gone, successor in policy.heirs.items():
        for code in (gone, successor):
            if not _is_body(code):
                yield policy_problem(
                    f"heirs.{gone}",
                    Sentence(f"{code!r} không phải là mã định danh của cơ quan", f"{code!r} is no code of a body"),
                    Sentence("hãy ghi mã, ví dụ H35.10: H35", "write codes, as H35.10: H35"),
                )
        # One that names itself is found by this too.
        if policy.heirs.get(successor):
            yield policy_problem(
                f"heirs.{gone}",
                Sentence(f"{successor!r} không phải là cơ quan kế thừa", f"{successor!r} is no heir"),
                Sentence("hãy ghi cơ quan trực tiếp tiếp nhận", "name a body that takes over itself"),
            )


def _is_body(text: str) -> bool:
    try:
        return text in OFFICES or agency_code(text) == text
    except MalformedCode:
        return False


def _rule(at: str, rule: Rule, kind: DutyKind) -> Iterator[PolicyProblem]:
    if rule.form not in kind.forms:
        yield policy_problem(
            f"{at}.form",
            Sentence(f"{rule.duty} không thuộc loại {rule.form}", f"{rule.duty} is no {rule.form}"),
            _either(kind.forms),
        )
        return
    yield from _form(at, rule)
    yield from _anchor(at, rule, kind)
    for word in ("variants", "extension", "pause", "channels", "recipients", "frequency"):
        if getattr(rule, word) and word not in kind.words:
            words = ", ".join(kind.words)
            known = Sentence(f"chỉ dùng được: {words}", f"it understands {words}") if words else LEAVE_OUT
            yield policy_problem(
                f"{at}.{word}",
                Sentence(f"{rule.duty} không dùng {word}", f"{rule.duty} has no {word}"),
                known,
            )
    yield from variant_problems(at, rule)
    if rule.extension is not None:
        yield from extension_problems(f"{at}.extension", rule, rule.extension)
    if rule.channels is not None:
        yield from channel_problems(f"{at}.channels", rule.channels)
    if rule.frequency is not None:
        yield from frequency_problems(f"{at}.frequency", rule, rule.frequency)


def _either(words: Iterable[str]) -> Sentence:
    return Sentence(f"hãy dùng {' hoặc '.join(words)}", f"use {' or '.join(words)}")


def _form(at: str, rule: Rule) -> Iterator[PolicyProblem]:
    counted = rule.form not in ("undated", "frequency")
    if counted and rule.length is None:
        yield policy_problem(
            f"{at}.length",
            Sentence(f"{rule.form} phải có length", f"a {rule.form} needs a length"),
            Sentence("hãy ghi bao nhiêu, hoặc ghi form: undated", "say how many, or make the duty undated"),
        )
    if counted and rule.length is not None:
        most = MAX_HOURS if rule.unit == "hours" else MAX_DAYS
        if rule.length > most:
            yield policy_problem(
                f"{at}.length",
                Sentence(f"{rule.length} lớn hơn {most}", f"{rule.length} is more than {most}"),
                Sentence("hãy tính theo ngày, nhiều nhất là một năm", "count in days, at most a year"),
            )
        if rule.length == 0 and rule.form != "deadline":
            yield policy_problem(
                f"{at}.length",
                Sentence(f"{rule.form} bằng 0 thì không quy định gì", f"a {rule.form} of 0 is none"),
                Sentence("hãy ghi 1 nếu là ngày liền trước", "say 1 for the day before"),
            )
        if rule.length == 0 and rule.first_day == "included":
            yield policy_problem(
                f"{at}.first_day",
                Sentence("ngày bắt đầu vừa là ngày đầu vừa là ngày cuối", "the day itself is the first and the last"),
                Sentence("hãy bỏ first_day", "leave first_day out"),
            )
    yield from _roll(at, rule)
    if not counted:
        default = Rule(duty=rule.duty, form=rule.form)
        for word in ("length", "roll", *_WITH_LENGTH):
            if word == "roll" and rule.frequency is not None:
                continue
            if getattr(rule, word) != getattr(default, word):
                yield policy_problem(
                    f"{at}.{word}",
                    Sentence(f"việc {rule.form} không tính thời hạn", f"an {rule.form} duty is not counted"),
                    LEAVE_OUT,
                )
    if rule.form == "frequency" and rule.frequency is None:
        yield policy_problem(
            f"{at}.frequency",
            _SAYS_NOTHING,
            Sentence(
                "hãy ghi bao lâu một lần: frequency: {times: 1, per: year}",
                "say how often: frequency: {times: 1, per: year}",
            ),
        )
    if rule.form == "undated" and (rule.warn_days or rule.warn_on):
        yield policy_problem(
            f"{at}.warn_days",
            Sentence("việc không định hạn thì không có nhắc hạn", "what has no due date has no warning"),
            LEAVE_OUT,
        )
    if rule.warn_on and rule.form != "frequency":
        yield policy_problem(
            f"{at}.warn_on",
            Sentence(
                "chỉ nhắc theo ngày trong năm đối với việc định kỳ", "a day of the year warns of a periodic duty only"
            ),
            USE_WARN_DAYS,
        )
    for index, day in enumerate(rule.warn_on):
        yield from day_problems(f"{at}.warn_on[{index}]", day)


def _roll(at: str, rule: Rule) -> Iterator[PolicyProblem]:
    """A roll that does nothing, or that takes away what the rule gives."""
    if rule.form == "minimum_notice" and rule.roll == "next_working_day":
        yield policy_problem(
            f"{at}.roll",
            Sentence(
                "dời về sau thì thời gian báo trước ngắn hơn quy tắc nêu",
                "a notice that rolls forwards is shorter than the rule says",
            ),
            Sentence("hãy ghi previous_working_day", "write previous_working_day"),
        )
    elif rule.form == "minimum_duration" and rule.roll == "previous_working_day":
        yield policy_problem(
            f"{at}.roll",
            Sentence(
                "dời về trước thì khoảng thời gian ngắn hơn quy tắc nêu",
                "a time that rolls back is shorter than the rule says",
            ),
            Sentence("hãy ghi next_working_day", "write next_working_day"),
        )
    # The granted day of an extension may be a rest day, and a length of 0 ends on whatever day it begins.
    lengths = (rule.length, *(variant.length or variant.in_total for variant in rule.variants))
    if rule.roll != "stay" and rule.unit == "working_days" and rule.extension is None and all(lengths):
        yield policy_problem(
            f"{at}.roll",
            Sentence(
                "không có tác dụng: tính theo ngày làm việc thì luôn kết thúc vào ngày làm việc",
                "does nothing: a count of working days ends on one",
            ),
            Sentence("hãy bỏ đi, hoặc tính theo calendar_days", "leave it out, or count in calendar_days"),
        )


def _anchor(at: str, rule: Rule, kind: DutyKind) -> Iterator[PolicyProblem]:
    anchor = anchor_of(rule)
    if rule.counted_from is not None and rule.counted_from not in kind.anchors:
        yield policy_problem(
            f"{at}.counted_from",
            Sentence(
                f"{rule.duty} không tính từ {rule.counted_from}", f"{rule.duty} is not counted from {rule.counted_from}"
            ),
            _either(kind.anchors) if kind.anchors else LEAVE_OUT,
        )
    if anchor == "fixed_date" and rule.fixed_date is None:
        yield policy_problem(
            f"{at}.fixed_date",
            Sentence("còn thiếu", "is missing"),
            Sentence(
                "hãy ghi ngày theo dạng MM-DD, hoặc YYYY-MM-DD cho riêng một năm",
                "name the day as MM-DD, or YYYY-MM-DD for one year",
            ),
        )
    if rule.fixed_date is not None and anchor != "fixed_date":
        yield policy_problem(
            f"{at}.fixed_date",
            Sentence(f"{rule.duty} đang tính từ {anchor}", f"{rule.duty} is counted from {anchor}"),
            Sentence("hãy ghi counted_from: fixed_date", "say counted_from: fixed_date"),
        )
    if rule.fixed_date is not None:
        yield from _fixed_date(f"{at}.fixed_date", rule.fixed_date)


def _fixed_date(at: str, day: str) -> Iterator[PolicyProblem]:
    year, year_day = day[: -len("-MM-DD")], day[-len("MM-DD") :]
    if not year and day == LEAP_DAY:
        yield policy_problem(
            at,
            Sentence("không phải năm nào cũng có ngày 29 tháng 2", "29 February is not a day of every year"),
            Sentence("hãy ghi ngày khác", "name another day"),
        )
    elif year and not FIRST_YEAR <= int(year) <= LAST_YEAR:
        yield policy_problem(at, Sentence(f"không dùng được năm {year}", f"{year} is no usable year"), _USABLE_YEARS)
    else:
        yield from day_problems(at, year_day, int(year) if year else LEAP_YEAR)


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
        raise ImpossibleDay(year_day, year) from None
