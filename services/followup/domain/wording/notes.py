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
    "several_fields_too_late": (
        "xác định là liên quan nhiều lĩnh vực ngày {0}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "found to concern several fields on {0}, after the due date: the longer limit does not count",
    ),
    "very_complex_too_late": (
        "xác định là đặc biệt phức tạp ngày {0}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "marked very complex on {0}, after the due date: the longer limit does not count",
    ),
    "remote_too_late": (
        "xác định thuộc vùng sâu, vùng xa ngày {0}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "found to be in a remote area on {0}, after the due date: the longer limit does not count",
    ),
    "online_too_late": (
        "xác định là tiếp nhận trực tuyến ngày {0}, sau khi đã hết hạn: không được tính thời hạn khác",
        "found to be received online on {0}, after the due date: the other limit does not count",
    ),
    "no_variant": (
        "văn bản không quy định thời hạn riêng cho trường hợp này ({0})",
        "the document has no limit of its own for such a case ({0})",
    ),
    "extension_not_provided": (
        "văn bản không cho phép gia hạn; {0} chỉ là ngày dự kiến",
        "the document allows no extension; {0} is only expected",
    ),
    "extensions_used_up": (
        "đã hết số lần được gia hạn; {0} chỉ là ngày dự kiến",
        "no further extension is allowed; {0} is only expected",
    ),
    "extension_capped": (
        "việc gia hạn đến {0} vượt mức tối đa mà văn bản cho phép; chỉ tính đến mức tối đa",
        "the extension to {0} is longer than the document allows; it counts up to what is allowed",
    ),
    "suspended": ("tạm đình chỉ từ ngày {0}: thời hạn ngừng tính", "suspended from {0} on: the clock stands still"),
    "resumed": ("tiếp tục tính thời hạn từ ngày {0}", "the clock runs again from {0} on"),
    "suspension_too_late": (
        "việc tạm đình chỉ ngày {0} không có giá trị: đã hết hạn hoặc chưa thông báo khi còn hạn",
        "the suspension of {0} has no effect: it, or its notice, is dated after the due date",
    ),
    "suspension_not_provided": (
        "văn bản không cho phép tạm đình chỉ thời hạn; việc tạm đình chỉ ngày {0} không có giá trị",
        "the document does not let the clock be suspended; the suspension of {0} has no effect",
    ),
    "policy_moved": (
        "{0}, có hiệu lực từ ngày {1}, áp dụng cho cả thời hạn đang tính",
        "{0}, in force from {1}, also moves clocks that were running",
    ),
    "must_stay_until": ("phải niêm yết hết ngày {0}", "must stay posted to the end of {0}"),
    "taken_down_early": ("đã gỡ ngày {0}, chưa đủ thời gian", "taken down on {0}, before its time"),
    "no_anchor": (
        "chưa có mốc để tính thời hạn",
        "what the limit is counted from has not happened yet",
    ),
    "waiver_not_provided": (
        "văn bản không cho phép miễn; việc miễn ngày {0} không có giá trị",
        "the document allows no waiver; that of {0} has no effect",
    ),
    "provisional": (
        "tạm tính: có năm mới chỉ có lịch làm việc đề xuất, chưa được công bố",
        "provisional: the calendar of a year is only proposed, not yet published",
    ),
    "hours_in_days": (
        "thời hạn tính bằng giờ được tính đến hết ngày, vì sự việc chỉ được ghi theo ngày",
        "hours are counted to the end of the day, because deeds are known by their day",
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
