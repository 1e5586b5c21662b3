"""What makes a part of a rule wrong: its variants, extension, channels, frequency, a day of the year. Pure."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise

from shared.policy.problem import EMPTY, KEEP_ONE, USE_WARN_DAYS, PolicyProblem, listed_twice, policy_problem
from shared.policy.schema import Channels, Extension, Frequency, Rule, Trait, Variant
from shared.sentences import Sentence

MAX_DAYS, MAX_HOURS = 366, 8784
MAX_VARIANTS = 31  # as many as five traits combine to
LEAP_DAY, LEAP_YEAR = "02-29", 2000


def variant_problems(at: str, rule: Rule) -> Iterator[PolicyProblem]:
    """Variants that are too many, say too little, or fit a case equally."""
    for first, other in combinations(range(min(len(rule.variants), MAX_VARIANTS)), 2):
        if _is_tie(rule, rule.variants[first], rule.variants[other]):
            names = [", ".join(rule.variants[index].when) for index in (first, other)]
            both = dict.fromkeys((*rule.variants[first].when, *rule.variants[other].when))
            yield policy_problem(
                f"{at}.variants[{other}].when",
                Sentence(
                    f"[{names[1]}] và [{names[0]}] cùng phù hợp như nhau với vụ việc có cả hai",
                    f"[{names[1]}] and [{names[0]}] fit a case with both equally",
                ),
                Sentence(
                    f"hãy quy định cho trường hợp đó: when: [{', '.join(both)}]",
                    f"say what holds then: when: [{', '.join(both)}]",
                ),
            )
    if len(rule.variants) > MAX_VARIANTS:
        yield policy_problem(
            f"{at}.variants",
            Sentence(f"có {len(rule.variants)} mục", f"has {len(rule.variants)}"),
            Sentence(f"hãy giữ nhiều nhất {MAX_VARIANTS} mục", f"keep at most {MAX_VARIANTS}"),
        )
    seen: set[frozenset[str]] = set()
    for index, variant in enumerate(rule.variants):
        here = f"{at}.variants[{index}]"
        when = frozenset(variant.when)
        if not when:
            yield policy_problem(
                f"{here}.when",
                EMPTY,
                Sentence(
                    "hãy ghi tình tiết của vụ việc, ví dụ [complex]", "name the trait of the case, such as [complex]"
                ),
            )
        if when in seen:
            yield policy_problem(f"{here}.when", listed_twice(", ".join(variant.when)), KEEP_ONE)
        seen.add(when)
        if any(not criterion.strip() for criterion in variant.criteria):
            yield policy_problem(
                f"{here}.criteria",
                Sentence("có tiêu chí để trống", "has an empty one"),
                Sentence("hãy ghi tiêu chí bằng lời, hoặc bỏ đi", "write it in words, or leave it out"),
            )
        if (variant.length is None) == (variant.in_total is None):
            yield policy_problem(
                f"{here}.length",
                Sentence("phải có length, hoặc mức tổng cộng in_total", "needs a length or a cap in_total"),
                Sentence("hãy ghi một trong hai", "give one of the two"),
            )
        longest = max(variant.length or 0, variant.in_total or 0)
        if longest > (MAX_HOURS if rule.unit == "hours" else MAX_DAYS):
            yield policy_problem(
                f"{here}.length",
                Sentence(f"{longest} dài hơn một năm", f"{longest} is more than a year"),
                Sentence("hãy ghi nhiều nhất là một năm", "say at most a year"),
            )
        if variant.in_total is not None and rule.length is not None and variant.in_total < rule.length:
            yield policy_problem(
                f"{here}.in_total",
                Sentence(f"nhỏ hơn length là {rule.length}", f"is less than the length {rule.length}"),
                Sentence("hãy ghi mức tổng cộng ít nhất bằng length", "a cap is at least the length"),
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


def extension_problems(at: str, rule: Rule, extension: Extension) -> Iterator[PolicyProblem]:
    """An extension that gives nothing, or that is told to nobody."""
    if extension.each is None and extension.counted_from != "rolled":
        yield policy_problem(
            f"{at}.counted_from",
            Sentence("không có gì tính tiếp từ ngày cuối đó", "nothing is counted on from that end"),
            Sentence("hãy ghi each: mỗi lần gia hạn được bao nhiêu", "say how much each may be"),
        )
    if extension.in_total is not None and rule.length is not None and extension.in_total <= rule.length:
        yield policy_problem(
            f"{at}.in_total",
            Sentence(f"không lớn hơn length là {rule.length}", f"is no more than the length {rule.length}"),
            Sentence("hãy tính từ ngày bắt đầu", "count it from the start"),
        )
    most = MAX_HOURS if rule.unit == "hours" else MAX_DAYS
    if max(extension.each or 0, extension.in_total or 0) > most:
        yield policy_problem(
            at,
            Sentence(f"dài hơn {most}", f"is longer than {most}"),
            Sentence("hãy ghi thời gian gia hạn nhiều nhất là một năm", "an extension is at most a year"),
        )
    if not extension.told:
        yield policy_problem(
            f"{at}.told",
            EMPTY,
            Sentence(
                "hãy ghi phải thông báo cho ai, ví dụ [petitioner]", "name who must be told, such as [petitioner]"
            ),
        )


def channel_problems(at: str, channels: Channels) -> Iterator[PolicyProblem]:
    """Channels of which it is unclear which are needed, or that nothing proves."""
    if bool(channels.any_of) == bool(channels.all_of):
        yield policy_problem(
            at,
            Sentence("phải có any_of hoặc all_of, không ghi cả hai", "needs any_of or all_of, not both"),
            Sentence(
                "hãy chọn any_of: chỉ cần một; all_of: phải đủ tất cả",
                "any_of: one is enough; all_of: each is needed",
            ),
        )
    for name, count in Counter(channels.names).items():
        if count > 1:
            yield policy_problem(at, listed_twice(name), KEEP_ONE)
    for group in ("any_of", "all_of"):
        for index, each in enumerate(getattr(channels, group)):
            if not each.evidence.strip():
                yield policy_problem(
                    f"{at}.{group}[{index}].evidence",
                    EMPTY,
                    Sentence("hãy ghi bằng chứng của việc công khai", "say what proves the publication"),
                )


def frequency_problems(at: str, rule: Rule, frequency: Frequency) -> Iterator[PolicyProblem]:
    """A frequency whose windows, day or warnings do not fit its period."""
    if frequency.windows and frequency.per != "year":
        yield policy_problem(
            f"{at}.windows",
            Sentence(
                f"khoảng thời gian là một phần của năm, không phải của {frequency.per}",
                f"a window is a part of the year, not of a {frequency.per}",
            ),
            Sentence("hãy ghi per: year", "say per: year"),
        )
    if len(frequency.windows) > frequency.times:
        yield policy_problem(
            f"{at}.windows",
            Sentence(
                f"số khoảng thời gian nhiều hơn times ({frequency.times})",
                f"more windows than times ({frequency.times})",
            ),
            Sentence("hãy ghi nhiều nhất một khoảng cho mỗi lần", "give at most one for each time"),
        )
    for index, window in enumerate(frequency.windows):
        yield from day_problems(f"{at}.windows[{index}].first", window.first)
        yield from day_problems(f"{at}.windows[{index}].last", window.last)
        if window.last < window.first:
            yield policy_problem(
                f"{at}.windows[{index}].last",
                Sentence(f"{window.last} trước {window.first}", f"{window.last} is before {window.first}"),
                Sentence("hãy ghi ngày cuối muộn hơn", "end it later"),
            )
    for index, (before, after) in enumerate(pairwise(frequency.windows), 1):
        if after != before and after.first <= before.last:
            yield policy_problem(
                f"{at}.windows[{index}].first",
                Sentence(
                    f"{after.first} không sau {before.last}, là ngày cuối của khoảng liền trước",
                    f"{after.first} is not after {before.last}, the end of the window before",
                ),
                Sentence(
                    "hãy ghi các khoảng nối tiếp nhau, hoặc trùng hẳn nhau",
                    "let windows follow each other, or make them the same",
                ),
            )
    if frequency.day is not None and (frequency.per != "month" or frequency.times != 1):
        yield policy_problem(
            f"{at}.day",
            Sentence("chỉ ghi ngày trong tháng khi mỗi tháng một lần", "a day of the month is for one time per month"),
            Sentence("hãy ghi times: 1, per: month", "say times: 1, per: month"),
        )
    if rule.roll != "stay" and frequency.day is None:
        yield policy_problem(
            f"{at}.day",
            Sentence("ngày cuối kỳ không dời", "the end of a period does not roll"),
            Sentence("hãy ghi ngày được dời, hoặc bỏ roll", "name the day that rolls, or leave roll out"),
        )
    if rule.warn_on and frequency.per != "year":
        yield policy_problem(
            f"{at}.per",
            Sentence("chỉ nhắc theo ngày trong năm đối với việc hằng năm", "days of the year warn of a yearly duty"),
            USE_WARN_DAYS,
        )


def day_problems(at: str, day: str, year: int = LEAP_YEAR) -> Iterator[PolicyProblem]:
    """A day that the month has not. Without a year 29 February stands for the 28th."""
    month, number = (int(part) for part in day.split("-"))
    last = monthrange(year, month)[1]
    if number > last:
        in_year = f" {year}" if day == LEAP_DAY else ""
        yield policy_problem(
            at,
            Sentence(
                f"không có ngày {day}: tháng {month}{in_year} có {last} ngày",
                f"{day} is no day: month {month}{in_year} has {last}",
            ),
            Sentence(f"hãy ghi {month:02}-{last}", f"write {month:02}-{last}"),
        )
