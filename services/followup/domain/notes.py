"""What a count alone does not tell of a due date: codes that are recorded, and their words in two languages. Pure."""

from datetime import date

from shared.calendar import Language

#: The words of each note; a date stands where the code carries one.
_TEXTS: dict[str, tuple[str, str]] = {
    "complex_too_late": (
        "xác định là vụ việc phức tạp ngày {0}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "marked complex on {0}, after the due date: the longer limit does not count",
    ),
    "extended": (
        "được gia hạn đến {0}; người kiến nghị đã được thông báo và Ủy ban nhân dân đã được báo cáo khi còn hạn",
        "extended to {0}: the petitioner and the committee were told in time",
    ),
    "extension_too_late": (
        "việc gia hạn đến {0} không có giá trị vì thông báo hoặc báo cáo đề ngày sau khi đã hết hạn; "
        "đó chỉ là ngày dự kiến trả lời",
        "the extension to {0} has no effect: a notice is dated after the due date; the day is only expected",
    ),
    "chair_date": ("người chủ trì ấn định hạn sớm hơn: {0}", "the chair set the earlier date {0}"),
    "merged_earliest": (
        "lấy hạn sớm nhất trong các kiến nghị được nhập chung: {0}",
        "the earliest due date of the merged petitions: {0}",
    ),
    "reopened": (
        "mở lại ngày {0}: thời hạn mới, tiếp sau thời hạn cũ",
        "reopened on {0}: a new clock after the earlier one",
    ),
    "by_rule_alone": ("chỉ theo quy định thì hạn là {0}", "by the rule alone it would be {0}"),
    "not_stated": (
        "văn bản không nêu số ngày; áp dụng giá trị mặc định",
        "the document gives no number; the default fills the gap",
    ),
    "impossible_from_birth": (
        "không thể thực hiện đúng hạn: khi phát sinh trách nhiệm thì hạn đã qua",
        "impossible from birth: the due date had passed when the duty arose",
    ),
}

BY_RULE_ALONE = "by_rule_alone"


def note(code: str, *values: date | str) -> str:
    """A note as it is recorded: `extended:2019-10-15`. Its code has words above."""
    assert code in _TEXTS, code
    return ":".join([code, *(v.isoformat() if isinstance(v, date) else v for v in values)])


def note_day(notes: tuple[str, ...], code: str) -> date | None:
    """The day that the note of this code carries, if there is one among them."""
    for each in notes:
        found, *values = each.split(":")
        if found == code:
            return date.fromisoformat(values[0])
    return None


def note_text(recorded: str, lang: Language) -> str:
    """A recorded note in words; one of a code that this release does not know stays as it is."""
    code, *values = recorded.split(":")
    if code not in _TEXTS:
        return recorded
    return _TEXTS[code][0 if lang == "vi" else 1].format(*(_written(v, lang) for v in values))


def plain_day(day: date, lang: Language) -> str:
    """`23/08/2019`; `2019-08-23`."""
    return f"{day:%d/%m/%Y}" if lang == "vi" else day.isoformat()


def _written(value: str, lang: Language) -> str:
    try:
        return plain_day(date.fromisoformat(value), lang)
    except ValueError:
        return value
