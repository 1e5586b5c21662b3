"""A rule in words that an office worker can read and correct, and a policy as a clock sheet. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import msgspec

from shared.calendar import Calendar
from shared.policy.checking import anchor_of, counted_from
from shared.policy.counting import NO_TRAITS, Traits, count, length_of
from shared.policy.duties import (
    ANCHOR_TITLES,
    CHANNEL_TITLES,
    DUTY_KINDS,
    PERIOD_TITLES,
    RECIPIENT_TITLES,
    TRAIT_TITLES,
)
from shared.policy.recurrence import count_occurrence, occurrences
from shared.policy.schema import Anchor, Policy, Rule, Text, Unit, Variant

_UNITS: Mapping[Unit, Text] = {
    "working_days": Text(vi="ngày làm việc", en="working days"),
    "calendar_days": Text(vi="ngày", en="days"),
    "hours": Text(vi="giờ", en="hours"),
}
NOT_STATED = Text(vi="văn bản không nêu số ngày", en="the document gives no number")
_TOLD = {
    "petitioner": Text(vi="người kiến nghị", en="the petitioner"),
    "committee": Text(vi="Ủy ban nhân dân", en="the committee"),
}
_TIMES = {1: "once", 2: "twice"}
_ROLLS = {
    "next_working_day": Text(
        vi="rơi vào ngày nghỉ thì kết thúc vào ngày làm việc tiếp theo",
        en="an end on a rest day moves to the next working day",
    ),
    "previous_working_day": Text(
        vi="rơi vào ngày nghỉ thì phải xong vào ngày làm việc liền trước",
        en="an end on a rest day moves back to the previous working day",
    ),
}


class ClockLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a clock sheet: what is to be done, how many days, the last day (None where nothing sets it).

    `until` says that the thing must stay until the end of that day; `days` are all the last days where the duty is
    owed more than once in its period. `details` is everything else that the rule says; `stated` is false where the
    document gives no number and the default fills the gap.
    """

    number: int
    duty: str
    title: Text
    limit: Text
    due_on: date | None = None
    section: str = ""
    stated: bool = True
    details: tuple[Text, ...] = ()
    until: bool = False
    days: tuple[date, ...] = ()


def clock_sheet(policy: Policy, days: Mapping[Anchor, date], calendar: Calendar) -> list[ClockLine]:
    """The policy as a clock sheet; `days` are those that clocks count from. Raises CalendarMissing.

    A rule with variants has a line for each; a repeated duty is dated in the year of the conference, if there is one.
    """
    lines: list[ClockLine] = []
    for rule in policy.rules:
        for variant in (None, *rule.variants):
            traits: Traits = frozenset(variant.when) if variant else NO_TRAITS
            due = _due(policy, rule, traits, days, calendar)
            lines.append(
                ClockLine(
                    len(lines) + 1,
                    rule.duty,
                    _titled(rule, variant),
                    limit(rule, traits, variant),
                    due[0] if due else None,
                    rule.section,
                    rule.stated,
                    tuple(details(rule, policy, variant)),
                    rule.form == "minimum_duration",
                    due if len(due) > 1 else (),
                )
            )
    return lines


def title(rule: Rule) -> Text:
    """What the duty is called: by the document, else by the product."""
    if rule.title is not None:
        return Text(vi=rule.title.vi, en=rule.title.en or DUTY_KINDS[rule.duty].title.en)
    return DUTY_KINDS[rule.duty].title


def limit(rule: Rule, traits: Traits = NO_TRAITS, variant: Variant | None = None) -> Text:
    """How long, which way, from what: `chậm nhất 15 ngày làm việc sau ngày kết thúc hội nghị`."""
    if rule.form == "undated":
        return Text(vi="không định hạn", en="undated")
    if rule.form == "frequency":
        return _frequency(rule)
    unit = _UNITS[rule.unit]
    length = length_of(rule, traits)
    anchor = _anchor(rule)
    if rule.form == "minimum_notice":
        return Text(
            vi=f"ít nhất {length} {unit.vi} trước {anchor.vi}", en=f"at least {_many(length, unit)} before {anchor.en}"
        )
    if rule.form == "minimum_duration":
        return Text(
            vi=f"ít nhất {length} {unit.vi} liên tục từ {anchor.vi}",
            en=f"at least {_many(length, unit)} from {anchor.en}",
        )
    if length == 0:
        return Text(vi=f"trong {anchor.vi}", en=f"on {anchor.en}")
    total = Text(vi="tổng cộng ", en="in total ") if variant and variant.in_total is not None else Text(vi="", en="")
    return Text(
        vi=f"chậm nhất {total.vi}{length} {unit.vi} sau {anchor.vi}",
        en=f"at most {total.en}{_many(length, unit)} after {anchor.en}",
    )


def details(rule: Rule, policy: Policy, variant: Variant | None = None) -> Iterator[Text]:
    """Everything else that the rule, or its policy for it, says, one sentence a word."""
    if rule.first_day == "included":
        yield Text(vi="ngày bắt đầu được tính là ngày thứ nhất", en="the first day counts")
    if rule.roll != "stay":
        yield _ROLLS[rule.roll]
    for each in rule.variants:
        if each.criteria:
            names = _joined([TRAIT_TITLES[trait] for trait in each.when])
            criteria = "; ".join(each.criteria)
            yield Text(vi=f"tiêu chí {names.vi}: {criteria}", en=f"criteria of {names.en}: {criteria}")
    if variant is not None and variant.in_total is not None:
        yield Text(vi="không gia hạn quá mức tổng cộng này", en="no extension goes beyond this total")
    else:
        yield from _extension(rule)
    if rule.pause is not None:
        told = _joined([_TOLD[who] for who in rule.pause.told])
        yield Text(
            vi=f"được tạm đình chỉ; thời gian tạm đình chỉ không tính; phải thông báo cho {told.vi}",
            en=f"may be suspended, the time between does not count; to be told: {told.en}",
        )
    if rule.channels is not None:
        yield _channels(rule)
    if rule.recipients:
        names = _joined([RECIPIENT_TITLES[who] for who in rule.recipients])
        yield Text(vi=f"báo cáo: {names.vi}", en=f"reported to: {names.en}")
    if rule.frequency is not None and rule.frequency.waiver is not None:
        needed = rule.frequency.waiver.substitute == "required"
        yield Text(
            vi="được miễn theo quyết định" + (", phải có hình thức thay thế" if needed else ""),
            en="may be waived by a decision" + (", with something in its place" if needed else ""),
        )
    yield from _warnings(rule, policy)
    if not rule.stated:
        yield NOT_STATED


def _warnings(rule: Rule, policy: Policy) -> Iterator[Text]:
    """When those who owe it are warned; a duty without a due date, or one of standing, has no warning."""
    if rule.form in ("undated", "minimum_duration"):
        return
    windows = rule.frequency.windows if rule.frequency is not None else ()
    if rule.warn_on or windows:
        # A window that has ended warns by itself.
        named = [Text(vi=_day(day), en=day) for day in rule.warn_on]
        named += [Text(vi=f"sau ngày {_day(w.last)}", en=f"after {w.last}") for w in windows]
        yield Text(vi=f"nhắc: {_joined(named).vi} hằng năm", en=f"warned: {_joined(named).en} of each year")
        return
    days = policy.warn_days if rule.warn_days is None else rule.warn_days
    if not days:
        yield Text(vi="không nhắc trước", en="no warning")
        return
    listed = ", ".join(str(n) for n in sorted(set(days), reverse=True))
    yield Text(vi=f"nhắc trước {listed} ngày làm việc", en=f"warned {listed} working days before")


def _many(length: int | None, unit: Text) -> str:
    """`7 working days`, `1 working day`."""
    return f"{length} {unit.en.removesuffix('s') if length == 1 else unit.en}"


def _titled(rule: Rule, variant: Variant | None) -> Text:
    own = title(rule)
    if variant is None:
        return own
    names = _joined([TRAIT_TITLES[trait] for trait in variant.when])
    return Text(vi=f"{own.vi} ({names.vi})", en=f"{own.en} ({names.en})")


def _anchor(rule: Rule) -> Text:
    anchor = anchor_of(rule)
    if anchor == "fixed_date" and rule.fixed_date is not None:
        parts = list(reversed(rule.fixed_date.split("-")))
        return Text(vi=f"ngày {'/'.join(parts)}", en=rule.fixed_date)
    assert anchor is not None
    return ANCHOR_TITLES[anchor]


def _frequency(rule: Rule) -> Text:
    frequency = rule.frequency
    assert frequency is not None
    period = PERIOD_TITLES[frequency.per]
    vi, en = (
        f"ít nhất {frequency.times} lần mỗi {period.vi}",
        f"at least {_TIMES.get(frequency.times, f'{frequency.times} times')} a {period.en}",
    )
    if frequency.day is not None:
        vi, en = f"ngày {frequency.day} hằng tháng", f"on day {frequency.day} of the month"
    spans = [(_day(w.first), _day(w.last), w.first, w.last) for w in frequency.windows]
    if spans:
        vi += ", trong khoảng " + ", ".join(f"{first} đến {last}" for first, last, _, _ in spans)
        en += ", expected " + ", ".join(f"{first} to {last}" for _, _, first, last in spans)
    return Text(vi=vi, en=en)


def _day(year_day: str) -> str:
    month, day = year_day.split("-")
    return f"{day}/{month}"


def _extension(rule: Rule) -> Iterator[Text]:
    extension = rule.extension
    if extension is None:
        if "extension" in DUTY_KINDS[rule.duty].words and rule.form == "deadline":
            yield Text(vi="không được gia hạn", en="no extension")
        return
    unit = _UNITS[rule.unit]
    vi, en = ["được gia hạn"], ["may be extended"]
    if extension.times is not None:
        vi.append(f"{extension.times} lần")
        en.append(f"{extension.times} ×")
    if extension.each is not None:
        end = (
            ("ngày hết hạn", "the due date")
            if extension.counted_from == "rolled"
            else ("ngày cuối chưa chuyển", "the unrolled end")
        )
        vi.append(f"mỗi lần không quá {extension.each} {unit.vi} từ {end[0]}")
        en.append(f"by at most {_many(extension.each, unit)} from {end[1]}")
    if extension.in_total is not None:
        vi.append(f"tổng cộng không quá {extension.in_total} {unit.vi}")
        en.append(f"to at most {_many(extension.in_total, unit)} in total")
    told = _joined([_TOLD[who] for who in extension.told])
    by = (
        Text(vi="; do người chủ trì quyết định", en="; by the chair alone")
        if extension.granted_by == "chair"
        else Text(vi="")
    )
    yield Text(
        vi=f"{' '.join(vi)}; phải thông báo cho {told.vi}{by.vi}", en=f"{' '.join(en)}; to be told: {told.en}{by.en}"
    )


def _channels(rule: Rule) -> Text:
    channels = rule.channels
    assert channels is not None
    every = [(CHANNEL_TITLES[each.channel], each.evidence) for each in (*channels.any_of, *channels.all_of)]
    vi = "; ".join(f"{name.vi} (bằng chứng: {evidence})" for name, evidence in every)
    en = "; ".join(f"{name.en} (evidence: {evidence})" for name, evidence in every)
    head = Text(vi="một trong", en="any of") if channels.any_of else Text(vi="tất cả", en="all of")
    return Text(vi=f"{head.vi}: {vi}", en=f"{head.en}: {en}")


def _joined(texts: Sequence[Text]) -> Text:
    return Text(vi=", ".join(text.vi for text in texts), en=", ".join(text.en for text in texts))


def _due(
    policy: Policy, rule: Rule, traits: Traits, days: Mapping[Anchor, date], calendar: Calendar
) -> tuple[date, ...]:
    """The last days of a rule: one, or each time of a period; none where no day is known to count from."""
    if rule.frequency is not None:
        day = days.get("conference_start") or days.get("conference_end")
        if day is None:
            return ()
        owed = occurrences(rule.frequency, day, day)
        return tuple(count_occurrence(rule, each, day, calendar).due_on for each in owed)
    anchor = anchor_of(rule)
    if anchor == "fixed_date":
        return _fixed(policy, rule, traits, days, calendar)
    start = days.get(anchor) if anchor is not None else None
    if start is None:
        return ()
    counted = count(rule, start, calendar, traits)
    return (counted.due_on,) if counted else ()


def _fixed(
    policy: Policy, rule: Rule, traits: Traits, days: Mapping[Anchor, date], calendar: Calendar
) -> tuple[date, ...]:
    """From the fixed date that follows the act, or, where no act is known, the first day of the policy's validity."""
    acts = [days[each] for each in (*DUTY_KINDS[rule.duty].anchors, "conference_end") if each in days]
    start = counted_from(rule, acts[0] if acts else policy.valid_from)
    if not acts and start.year not in calendar.years:
        return ()
    counted = count(rule, start, calendar, traits)
    return (counted.due_on,) if counted else ()
