"""An explanation in words, for a letter and for a page: Vietnamese and English. Pure."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

import msgspec

from services.followup.domain.wording.names import Bilingual, duty_words
from services.followup.domain.wording.notes import note_day, note_text, plain_day
from shared.calendar import CALENDAR_DAY, START_DAY, WEEKEND, WORKING_DAY, Language, day_text
from shared.events.deadline import Explanation, SkippedDay
from shared.policy import Note, NoteKind, recorded_note

_WEEKDAYS: dict[Language, tuple[str, ...]] = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_DAY = timedelta(days=1)
#: A section that is a mere number, Roman or not, with or without its parts: `II.4.1, III.5`, `4`, `a)`.
_NUMBERED = re.compile(r"(?:[IVXLC]+|[0-9]+|[a-z]\))(?:[.,) ]|$)")
#: What stands in the place of a document where nobody adopted one.
DEFAULT_WORDS = Bilingual(
    "thời hạn mặc định của phần mềm; đơn vị chưa ban hành quy định",
    "the product's default limit: the authority has adopted no rule",
)
DayKind = Literal["start", "counted", "makeup", "skipped"]


class DayLine(msgspec.Struct, frozen=True, kw_only=True):
    """One day of a count: its number if it counted, and why it did or did not, as a code and in words."""

    date: date
    kind: DayKind
    number: int | None
    code: str
    reason: Bilingual


def written_day(day: date, lang: Language) -> str:
    """`thứ Sáu, ngày 23/08/2019`; `Friday 23 August 2019`."""
    weekday = _WEEKDAYS[lang][day.weekday()]
    return f"{weekday}, ngày {day:%d/%m/%Y}" if lang == "vi" else f"{weekday} {day.day} {day:%B %Y}"


def capitalised(text: str) -> str:
    """A text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def _brief(day: date, lang: Language) -> str:
    return f"{day:%d/%m}" if lang == "vi" else f"{day.day} {day:%b}"


def counted_to(explanation: Explanation) -> date | None:
    """The day to which the rule alone counts; an extension or the chair's date may have moved the due date from it."""
    return note_day(explanation.notes, NoteKind.BY_RULE_ALONE) or explanation.due_on


def counted_days(explanation: Explanation) -> list[DayLine]:
    """Each day of the count in its own direction, the start first; empty where the rule names the due date itself."""
    start, end = explanation.counted_from, counted_to(explanation)
    if start is None or end is None or _is_fixed(explanation):
        return []
    special = {day.date: day for day in explanation.exceptions}
    ordinary = WORKING_DAY if explanation.unit == "working_days" else CALENDAR_DAY
    step = _DAY if end >= start else -_DAY
    lines: list[DayLine] = []
    number, day = 0, start - step
    if explanation.first_day == "excluded":
        lines.append(DayLine(date=start, kind="start", number=None, code=START_DAY, reason=_reason(START_DAY)))
        day = start
    while day != end:
        day += step
        found = special.get(day)
        counts = found is None or found.counted
        code = found.reason if found else ordinary
        number += counts
        lines.append(
            DayLine(
                date=day,
                kind=_kind(found) if found else "counted",
                number=number if counts else None,
                code=code,
                reason=_reason(code),
            )
        )
    return lines


def short_line(explanation: Explanation) -> Bilingual:
    """How the date was found, in one line for a list."""
    return Bilingual(_short(explanation, "vi"), _short(explanation, "en"))


def letter(explanation: Explanation) -> Bilingual:
    """The whole explanation as paragraphs of a letter, one a line."""
    return Bilingual("\n".join(_paragraphs(explanation, "vi")), "\n".join(_paragraphs(explanation, "en")))


# --- phrases -------------------------------------------------------------------------------------------------------

_PHRASES: dict[str, tuple[str, str]] = {
    "undated": (
        "văn bản không ấn định số ngày; việc được theo dõi, đôn đốc và không thể quá hạn",
        "the document gives no number of days: the duty is followed up and urged, and cannot breach",
    ),
    "fixed": ("trong năm {year}", "within the year {year}"),
    "in_period": ("trong kỳ {period}", "within the period {period}"),
    "same_day": ("trong ngày {day}", "on the same day, {day}"),
    "before": ("chậm nhất vào ngày làm việc liền trước ngày {day}", "by the last working day before {day}"),
    "days_before": ("chậm nhất {days} {unit} trước ngày {day}", "at the latest {days} {unit} before {day}"),
    "days_after": ("{days} {unit} kể từ sau ngày {day}", "{days} {unit} after {day}"),
    "working_days": ("ngày làm việc", "working days"),
    "calendar_days": ("ngày", "calendar days"),
    "hours": ("giờ", "hours"),
    "document": ("văn bản {document}", "document {document}"),
    "default": (DEFAULT_WORDS.vi, DEFAULT_WORDS.en),
    "undated_default": (
        "phần mềm không ấn định số ngày; việc được theo dõi, đôn đốc và không thể quá hạn",
        "the product's default gives no number of days: the duty is followed up and urged, and cannot breach",
    ),
    "skipped": ("không tính ngày nghỉ {days}", "days off {days} not counted"),
    "made_up": ("tính cả ngày làm bù {days}", "make-up days {days} counted"),
    "letter_duty": ("Việc phải làm: {it}.", "Duty: {it}."),
    "letter_source": ("Căn cứ: {it}.", "Source: {it}."),
    "letter_start": (
        "Mốc tính: {it}; bản thân ngày này không được tính.",
        "Counted from: {it}; that day itself is not counted.",
    ),
    "letter_first_day": (
        "Mốc tính: {it}; ngày này được tính là ngày thứ nhất.",
        "Counted from: {it}; that day is the first.",
    ),
    "letter_limit": ("Thời hạn: {it}.", "Limit: {it}."),
    "letter_weekends": ("Không tính ngày nghỉ cuối tuần: {it}.", "Weekends not counted: {it}."),
    "letter_skipped": ("Không tính {day} ({why}).", "Not counted: {day} ({why})."),
    "letter_made_up": ("Có tính {day} ({why}).", "Counted: {day} ({why})."),
    "letter_calendar": ("Lịch làm việc áp dụng: {it}.", "Calendar: {it}."),
    "letter_version": ("năm {year} (bản ghi …{record})", "{year} (record …{record})"),
    "letter_note": ("Lưu ý: {it}.", "Note: {it}."),
    "letter_due": ("Hạn cuối: hết {it}.", "Due: by the end of {it}."),
}


def _say(lang: Language, phrase: str, **values: object) -> str:
    return _PHRASES[phrase][0 if lang == "vi" else 1].format(**values)


def _short(e: Explanation, lang: Language) -> str:
    if e.due_on is None:
        return _undated(e, lang)
    parts = [f"{_measure(e, lang)} ({_document(e, lang)})"]
    for phrase, days in (("skipped", _holidays(e)), ("made_up", _made_up(e))):
        if days:
            parts.append(_say(lang, phrase, days=", ".join(_brief(d.date, lang) for d in days)))
    return "; ".join([*parts, *_notes(e, lang)])


def _undated(e: Explanation, lang: Language) -> str:
    return _say(lang, "undated" if e.adopted else "undated_default")


def _notes(e: Explanation, lang: Language) -> list[str]:
    """The notes in words. What a document that nobody adopted leaves open is nothing to speak of."""
    silent = "" if e.adopted else recorded_note(Note(NoteKind.NOT_STATED))
    return [note_text(note, lang) for note in e.notes if note != silent]


def _measure(e: Explanation, lang: Language) -> str:
    start, days = e.counted_from, e.days
    assert start is not None, "what has a due date is counted from a day"
    day = plain_day(start, lang)
    if _is_fixed(e):
        is_year = e.period in ("", str(start.year))
        return _say(lang, "fixed", year=start.year) if is_year else _say(lang, "in_period", period=e.period)
    if _is_backward(e) and (not days or (days == 1 and e.unit == "working_days")):
        return _say(lang, "before", day=day)
    if days:
        unit = _say(lang, e.unit)
        if lang == "en" and days == 1:
            unit = unit.removesuffix("s")
        return _say(lang, "days_before" if _is_backward(e) else "days_after", days=days, unit=unit, day=day)
    return _say(lang, "same_day", day=day)


def section_text(section: str, lang: Language) -> str:
    """Where in a document, as a sentence names it: `mục II.4.3`; a law's `Điều 28` names its own kind of part."""
    return f"{'mục' if lang == 'vi' else 'section'} {section}" if _NUMBERED.match(section) else section


def _document(e: Explanation, lang: Language) -> str:
    """The document and where in it, or that there is none: the product's own default is no law."""
    if not e.adopted:
        return _say(lang, "default")
    document = _say(lang, "document", document=e.document)
    return f"{document}, {section_text(e.section, lang)}" if e.section else document


def _paragraphs(e: Explanation, lang: Language) -> Iterable[str]:
    duty = duty_words(e.rule)
    yield _say(lang, "letter_duty", it=duty.vi if lang == "vi" else duty.en)
    if e.adopted:
        yield _say(lang, "letter_source", it=_document(e, lang))
    else:
        yield f"{capitalised(_document(e, lang))}."
    if e.due_on is None:
        yield _say(lang, "letter_limit", it=_undated(e, lang))
        return
    if e.counted_from != counted_to(e) and e.counted_from is not None and not _is_fixed(e):
        start = "letter_start" if e.first_day == "excluded" else "letter_first_day"
        yield _say(lang, start, it=written_day(e.counted_from, lang))
    yield _say(lang, "letter_limit", it=_measure(e, lang))
    yield from _special_days(e, lang)
    if e.calendar_versions:
        yield _say(lang, "letter_calendar", it=", ".join(_version(v, lang) for v in e.calendar_versions))
    for note in _notes(e, lang):
        yield _say(lang, "letter_note", it=note)
    yield _say(lang, "letter_due", it=written_day(e.due_on, lang))


def _special_days(e: Explanation, lang: Language) -> Iterable[str]:
    weekends = sorted(d.date for d in e.exceptions if not d.counted and d.reason == WEEKEND)
    if weekends:
        yield _say(lang, "letter_weekends", it=", ".join(_brief(d, lang) for d in weekends))
    for phrase, days in (("letter_skipped", _holidays(e)), ("letter_made_up", _made_up(e))):
        for d in days:
            yield _say(lang, phrase, day=written_day(d.date, lang), why=day_text(d.reason, lang))


def _version(version: str, lang: Language) -> str:
    year, _, record = version.partition(":")
    return _say(lang, "letter_version", year=year, record=record.rsplit("-", 1)[-1])


# --- what kind of count --------------------------------------------------------------------------------------------


def _is_backward(e: Explanation) -> bool:
    end = counted_to(e)
    return e.counted_from is not None and end is not None and end < e.counted_from


def _is_fixed(e: Explanation) -> bool:
    """The rule names the last day itself (the end of the year): no days are counted."""
    if e.period:
        return True
    end = counted_to(e)
    return not e.days and e.counted_from is not None and end is not None and end > e.counted_from


def _holidays(e: Explanation) -> list[SkippedDay]:
    return sorted((d for d in e.exceptions if not d.counted and d.reason != WEEKEND), key=lambda d: d.date)


def _made_up(e: Explanation) -> list[SkippedDay]:
    return sorted((d for d in e.exceptions if _kind(d) == "makeup"), key=lambda d: d.date)


def _kind(day: SkippedDay) -> DayKind:
    if not day.counted:
        return "skipped"
    return "counted" if day.reason == CALENDAR_DAY else "makeup"


def _reason(reason: str) -> Bilingual:
    return Bilingual(day_text(reason, "vi"), day_text(reason, "en"))
