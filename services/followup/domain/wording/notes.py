"""What the notes on a due date say, in Vietnamese and in English. Pure."""

from collections.abc import Iterable
from datetime import date

from services.followup.domain.wording.names import Bilingual
from shared.calendar import Language
from shared.policy import NoteKind, read_note
from shared.policy.schema import Trait

#: The words where a trait was found after the due date.
TRAIT_TOO_LATE_TEXTS: dict[Trait, tuple[str, str]] = {
    "complex": (
        "xác định là vụ việc phức tạp ngày {day}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "marked complex on {day}, after the due date: the longer limit does not count",
    ),
    "very_complex": (
        "xác định là đặc biệt phức tạp ngày {day}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "marked very complex on {day}, after the due date: the longer limit does not count",
    ),
    "several_fields": (
        "xác định là liên quan nhiều lĩnh vực ngày {day}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "found to concern several fields on {day}, after the due date: the longer limit does not count",
    ),
    "remote": (
        "xác định thuộc vùng sâu, vùng xa ngày {day}, sau khi đã hết hạn: không được tính thời hạn dài hơn",
        "found to be in a remote area on {day}, after the due date: the longer limit does not count",
    ),
    "online": (
        "xác định là tiếp nhận trực tuyến ngày {day}, sau khi đã hết hạn: không được tính thời hạn khác",
        "found to be received online on {day}, after the due date: the other limit does not count",
    ),
}
#: The words of every other kind.
NOTE_TEXTS: dict[NoteKind, tuple[str, str]] = {
    NoteKind.EXTENDED: (
        "được gia hạn đến {day}; người kiến nghị đã được thông báo và Ủy ban nhân dân đã được báo cáo khi còn hạn",
        "extended to {day}: the petitioner and the committee were told in time",
    ),
    NoteKind.EXTENSION_TOO_LATE: (
        "việc gia hạn đến {day} không có giá trị vì thông báo hoặc báo cáo đề ngày sau khi đã hết hạn; "
        "đó chỉ là ngày dự kiến trả lời",
        "the extension to {day} has no effect: a notice is dated after the due date; the day is only expected",
    ),
    NoteKind.CHAIR_DATE: ("người chủ trì ấn định hạn sớm hơn: {day}", "the chair set the earlier date {day}"),
    NoteKind.MERGED_EARLIEST: (
        "lấy hạn sớm nhất trong các kiến nghị được gộp: {day}",
        "the earliest due date of the merged petitions: {day}",
    ),
    NoteKind.REOPENED: (
        "mở lại ngày {day}: thời hạn mới, tiếp sau thời hạn cũ",
        "reopened on {day}: a new clock after the earlier one",
    ),
    NoteKind.BY_RULE_ALONE: ("chỉ theo quy định thì hạn là {day}", "by the rule alone it would be {day}"),
    NoteKind.NOT_STATED: (
        "văn bản không nêu số ngày; áp dụng giá trị mặc định",
        "the document gives no number; the default fills the gap",
    ),
    NoteKind.NO_VARIANT: (
        "quy định đang áp dụng không có thời hạn riêng cho trường hợp này ({trait})",
        "the rules in force have no limit of their own for such a case ({trait})",
    ),
    NoteKind.EXTENSION_NOT_PROVIDED: (
        "quy định đang áp dụng không cho phép gia hạn; {day} chỉ là ngày dự kiến",
        "the rules in force allow no extension; {day} is only expected",
    ),
    NoteKind.EXTENSIONS_USED_UP: (
        "đã hết số lần được gia hạn; {day} chỉ là ngày dự kiến",
        "no further extension is allowed; {day} is only expected",
    ),
    NoteKind.EXTENSION_CAPPED: (
        "việc gia hạn đến {day} vượt mức tối đa được phép; chỉ tính đến mức tối đa",
        "the extension to {day} is longer than the rules in force allow; it counts up to what is allowed",
    ),
    NoteKind.SUSPENDED: (
        "tạm đình chỉ từ ngày {day}: thời hạn ngừng tính",
        "suspended from {day} on: the clock stands still",
    ),
    NoteKind.RESUMED: ("tiếp tục tính thời hạn từ ngày {day}", "the clock runs again from {day} on"),
    NoteKind.SUSPENSION_TOO_LATE: (
        "việc tạm đình chỉ ngày {day} không có giá trị: đã hết hạn hoặc chưa thông báo khi còn hạn",
        "the suspension of {day} has no effect: it, or its notice, is dated after the due date",
    ),
    NoteKind.SUSPENSION_NOT_PROVIDED: (
        "quy định đang áp dụng không cho phép tạm đình chỉ thời hạn; việc tạm đình chỉ ngày {day} không có giá trị",
        "the rules in force do not let the clock be suspended; the suspension of {day} has no effect",
    ),
    NoteKind.POLICY_MOVED: (
        "{document}, có hiệu lực từ ngày {day}, áp dụng cho cả thời hạn đang tính",
        "{document}, in force from {day}, also moves clocks that were running",
    ),
    NoteKind.MUST_STAY_UNTIL: ("phải niêm yết hết ngày {day}", "must stay posted to the end of {day}"),
    NoteKind.TAKEN_DOWN_EARLY: ("đã gỡ ngày {day}, chưa đủ thời gian", "taken down on {day}, before its time"),
    NoteKind.NO_ANCHOR: (
        "chưa có mốc để tính thời hạn",
        "what the limit is counted from has not happened yet",
    ),
    NoteKind.WAIVER_NOT_PROVIDED: (
        "quy định đang áp dụng không cho phép miễn; việc miễn ngày {day} không có giá trị",
        "the rules in force allow no waiver; that of {day} has no effect",
    ),
    NoteKind.PROVISIONAL: (
        "tạm tính: có năm mới chỉ có lịch làm việc đề xuất, chưa được công bố",
        "provisional: the calendar of a year is only proposed, not yet published",
    ),
    NoteKind.HOURS_IN_DAYS: (
        "thời hạn tính bằng giờ được tính đến hết ngày, vì sự việc chỉ được ghi theo ngày",
        "hours are counted to the end of the day, because deeds are known by their day",
    ),
    NoteKind.IMPOSSIBLE_FROM_BIRTH: (
        "không thể thực hiện đúng hạn: khi phát sinh trách nhiệm thì hạn đã qua",
        "impossible from birth: the due date had passed when the duty arose",
    ),
}


def note_day(recorded: Iterable[str], kind: NoteKind) -> date | None:
    """The day that the first recorded note of a kind carries, if there is one."""
    return next((note.day for each in recorded if (note := read_note(each)) is not None and note.kind is kind), None)


def note_text(recorded: str, lang: Language) -> str:
    """A recorded note in words; one that this release does not know stays as it is."""
    note = read_note(recorded)
    if note is None:
        return recorded
    if note.kind is NoteKind.TRAIT_TOO_LATE:
        assert note.trait is not None
        texts = TRAIT_TOO_LATE_TEXTS[note.trait]
    else:
        texts = NOTE_TEXTS[note.kind]
    day = plain_day(note.day, lang) if note.day is not None else ""
    return texts[0 if lang == "vi" else 1].format(day=day, trait=note.trait, document=note.document)


def plain_day(day: date, lang: Language) -> str:
    """`23/08/2019`; `23 August 2019`."""
    return f"{day:%d/%m/%Y}" if lang == "vi" else f"{day.day} {day:%B %Y}"


def day_words(day: date) -> Bilingual:
    """A day as each language writes it."""
    return Bilingual(plain_day(day, "vi"), plain_day(day, "en"))
