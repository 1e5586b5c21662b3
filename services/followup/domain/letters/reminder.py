"""The letter that urges a debtor, ready to be signed: Vietnamese, with an English gloss. Pure.

A body gets a công văn in the form of Decree 30/2020/NĐ-CP, the chair a submission (phiếu trình), the office itself a
note (phiếu nhắc việc).
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.wording.day_counts import days_between
from services.followup.domain.wording.explanation import (
    DEFAULT_WORDS,
    capitalised,
    section_text,
    short_line,
    written_day,
)
from services.followup.domain.wording.names import Bilingual, body_words, duty_words, part_words
from shared.calendar import Calendar, Language
from shared.cases.successors import CHAIR, OFFICE

_OFFICE = body_words(OFFICE).vi


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter is made of: the deadline, its case, what the debtor and the place are called, the day of writing,
    the working days that are known, and the day on which the debtor was last urged."""

    raised: DeadlineState
    row: CaseRow
    debtor: str
    place: str
    today: date
    calendar: Calendar = Calendar()
    urged_on: date | None = None


def reminder(letter: Letter) -> Bilingual:
    """The whole text, one line for each paragraph."""
    return Bilingual("\n".join(_vietnamese(letter)), "\n".join(_english(letter)))


def dated(day: date) -> str:
    """A date as a document bears it: `ngày 09 tháng 9 năm 2019`; months 1 and 2 have two digits (Decree 30/2020)."""
    month = f"{day.month:02d}" if day.month <= 2 else f"{day.month}"
    return f"ngày {day.day:02d} tháng {month} năm {day.year}"


# --- what is to be done --------------------------------------------------------------------------------------------

#: The predicate of a sentence, with the case as its object.
_EVENTS = {
    "invitation": ("gửi giấy mời dự {it}", "send the invitations to {it}"),
    "public_notice": ("thông báo công khai về {it}", "publish the notice of {it}"),
    "preparation_report": (
        "tổng hợp, báo cáo người chủ trì về công tác chuẩn bị {it}",
        "report to the chair on the preparation of {it}",
    ),
    "prepared_answer": ("chuẩn bị và gửi nội dung trả lời {it}", "prepare and deliver the answer to {it}"),
    "preparation_task": ("hoàn thành nhiệm vụ được giao để chuẩn bị {it}", "complete the task given to it for {it}"),
    "internal_review": (
        "tổ chức đánh giá, rút kinh nghiệm nội bộ về kết quả {it}",
        "hold the internal review of {it}",
    ),
    "conclusion_notice": (
        "thông báo bằng văn bản ý kiến kết luận tại {it}",
        "issue the written conclusions of {it}",
    ),
    "reply": ("trả lời bằng văn bản cho tổ chức, cá nhân về {it}", "reply in writing to {it}"),
    "reply_report": (
        "báo cáo cấp ủy, chính quyền cùng cấp và người chủ trì hội nghị về việc trả lời {it}",
        "report to party committee, government and chair on the reply to {it}",
    ),
    "result_report": ("báo cáo kết quả giải quyết {it}", "report the result of {it}"),
    "higher_answer": (
        "tiếp nhận ý kiến trả lời của cấp trên đối với {it} và chuyển đến người kiến nghị",
        "obtain the higher authority's answer to {it} and pass it on",
    ),
    "proposal_decision": ("quyết định về đề xuất tổ chức {it}", "decide on the proposal of {it}"),
    "convene": ("tổ chức {it}", "hold {it}"),
    "annual_dialogue": (
        "tổ chức ít nhất 01 hội nghị tiếp xúc, đối thoại định kỳ trong năm",
        "hold a periodic dialogue conference in the year",
    ),
    "commune_plan": ("ban hành kế hoạch đối thoại của cấp xã", "have the plan of the commune adopted"),
    "result_publication": ("công bố công khai kết quả {it}", "publish the result of {it}"),
    "posting": ("niêm yết công khai kết quả {it} đủ số ngày quy định", "keep the result of {it} posted for its time"),
    "acceptance_notice": ("thông báo việc thụ lý {it} cho người kiến nghị", "notify the acceptance of {it}"),
    "forwarder_report": (
        "báo lại kết quả giải quyết {it} cho cơ quan đã chuyển đến",
        "report the settlement of {it} to the body that forwarded it",
    ),
    "result_notice": ("thông báo kết quả giải quyết {it} cho người kiến nghị", "notify the result of {it}"),
    "reception_day": ("tổ chức tiếp công dân định kỳ", "hold the regular reception of citizens"),
}


def _event(raised: DeadlineState, row: CaseRow, lang: Language) -> str:
    known = _EVENTS.get(raised.duty)
    if known is None:
        name = duty_words(raised.duty)
        known = (f"thực hiện việc “{name.vi}” đối với {{it}}", f"do “{name.en}” on {{it}}")
    which = part_words(raised.duty, raised.part)
    text = known[lang != "vi"].format(it=_case(row, lang))
    return f"{text} ({which.vi if lang == 'vi' else which.en})" if which else text


def _case(row: CaseRow, lang: Language) -> str:
    if row.subject == "petition":
        title = f"“{row.title}”" if row.title else ("chưa phân loại" if lang == "vi" else "not yet classified")
        code = ("mã tiếp nhận" if lang == "vi" else "receipt code", row.receipt_code)
        name = "kiến nghị" if lang == "vi" else "the petition"
        return f"{name} {title}" + (f" ({code[0]} {code[1]})" if row.receipt_code else "")
    day, place = row.received_on, row.title
    if lang == "vi":
        held = f" {dated(day)}" if day else ""
        return f"hội nghị tiếp xúc, đối thoại{held}" + (f" tại {place}" if place else "")
    held = f" of {written_day(day, 'en')}" if day else ""
    return f"the dialogue conference{held}" + (f" at {place}" if place else "")


# --- Vietnamese ----------------------------------------------------------------------------------------------------


def _vietnamese(it: Letter) -> Iterable[str]:
    debtor, due, explanation = it.raised.debtor, it.raised.due_on, it.raised.explanation
    yield from _letter_head(it) if debtor not in (OFFICE, CHAIR) else _inner_head(it)
    yield ""
    yield f"Kính gửi: {_addressee(it)}"
    yield ""
    whose = "người chủ trì" if debtor == CHAIR else it.debtor
    duty = f"{whose} có trách nhiệm {_event(it.raised, it.row, 'vi')}."
    ground = _ground_vi(it.raised)
    yield f"{ground}, {duty}" if ground else capitalised(duty)
    if due is None:
        default = f"{capitalised(DEFAULT_WORDS.vi)}."
        yield default if _is_default(it.raised) else "Văn bản không ấn định số ngày phải hoàn thành."
    else:
        yield f"Thời hạn thực hiện: chậm nhất hết {written_day(due, 'vi')}."
        if explanation is not None:
            yield f"Cách tính thời hạn: {short_line(explanation).vi}."
    yield " ".join(_standing_vi(it))
    yield f"{_request_vi(it)}./."
    yield ""
    yield from _foot(it)


def _addressee(it: Letter) -> str:
    match it.raised.debtor:
        case "office":
            return "Lãnh đạo Văn phòng"
        case "chair":
            return "Người chủ trì hội nghị"
        case _:
            return it.debtor


def _letter_head(it: Letter) -> Iterable[str]:
    yield _issuer(it)
    yield "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    yield "Độc lập - Tự do - Hạnh phúc"
    yield ""
    yield "Số: ……/……"
    yield f"V/v đôn đốc {_lowered(duty_words(it.raised.duty).vi)}"
    yield f"……, {dated(it.today)}"


def _inner_head(it: Letter) -> Iterable[str]:
    yield _issuer(it)
    yield ""
    yield "PHIẾU TRÌNH" if it.raised.debtor == CHAIR else "PHIẾU NHẮC VIỆC"
    yield f"V/v {_lowered(duty_words(it.raised.duty).vi)}"
    yield f"……, {dated(it.today)}"


def _issuer(it: Letter) -> str:
    return f"{_OFFICE} {it.place}".strip().upper()


def _is_default(raised: DeadlineState) -> bool:
    """Whether the duty rests on the product's own default, which is no law to be cited."""
    return raised.explanation is not None and not raised.explanation.adopted


def _ground_vi(raised: DeadlineState) -> str:
    if _is_default(raised):
        return ""
    if raised.explanation is None:
        return "Theo quy định"
    section = f"{section_text(raised.explanation.section, 'vi')} " if raised.explanation.section else ""
    return f"Căn cứ {section}văn bản số {raised.explanation.document}"


def _standing_vi(it: Letter) -> Iterable[str]:
    due, today = it.raised.due_on, it.today
    own = it.raised.debtor == OFFICE
    missing = "hồ sơ theo dõi chưa ghi nhận kết quả thực hiện" if own else f"{_OFFICE} chưa nhận được kết quả thực hiện"
    yield f"Tính đến {dated(today)}, {missing}" + ("." if due is None else ";")
    if due is not None and due < today:
        yield f"việc này đã quá hạn {_span(it, due, today).vi}."
    elif due is not None:
        yield "đây là ngày cuối của thời hạn." if due == today else f"thời hạn còn {_span(it, today, due).vi}."
    if it.urged_on is not None:
        yield f"Đã {'nhắc' if own else 'đôn đốc'} lần gần nhất vào {dated(it.urged_on)}."


def _request_vi(it: Letter) -> str:
    late = it.raised.due_on is not None and it.raised.due_on < it.today
    if it.raised.debtor == CHAIR:
        return f"{_OFFICE} kính trình người chủ trì xem xét, chỉ đạo thực hiện"
    if it.raised.debtor == OFFICE:
        return f"Đề nghị bộ phận được giao {'thực hiện ngay' if late else 'khẩn trương thực hiện'} và báo cáo kết quả"
    if late:
        return (
            f"Đề nghị {it.debtor} thực hiện ngay nội dung trên, báo cáo kết quả, nêu rõ nguyên nhân chậm và thời gian "
            f"hoàn thành, gửi về {_OFFICE} để tổng hợp, báo cáo người chủ trì"
        )
    in_time = " trước khi hết thời hạn nêu trên" if it.raised.due_on is not None else ""
    request = f"Đề nghị {it.debtor} khẩn trương thực hiện và thông tin kết quả về {_OFFICE}{in_time}"
    if it.raised.duty == "reply" and in_time:
        request += (
            ". Trường hợp cần thêm thời gian, đề nghị thông báo cho tổ chức, cá nhân có kiến nghị và báo cáo Ủy ban "
            "nhân dân về thời gian dự kiến trả lời khi còn trong thời hạn"
        )
    return request


def _foot(it: Letter) -> Iterable[str]:
    if it.raised.debtor not in (OFFICE, CHAIR):
        yield "Nơi nhận:"
        yield "- Như trên;"
        yield "- Người chủ trì hội nghị (để b/c);"
        yield "- Lưu: VT."
        yield ""
    yield "CHÁNH VĂN PHÒNG"
    yield "(Ký, ghi rõ họ tên)"


def _span(it: Letter, first: date, last: date) -> Bilingual:
    return days_between(it.raised.explanation, first, last, it.calendar).words


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


# --- English -------------------------------------------------------------------------------------------------------


def _english(it: Letter) -> Iterable[str]:
    due, explanation = it.raised.due_on, it.raised.explanation
    yield f"Reminder to {it.debtor}, {written_day(it.today, 'en')}"
    yield ""
    duty, ground = f"{it.debtor} is to {_event(it.raised, it.row, 'en')}.", _ground_en(it.raised)
    yield f"{ground}, {duty}" if ground else capitalised(duty)
    if due is None:
        yield f"{capitalised(DEFAULT_WORDS.en)}." if _is_default(it.raised) else "The document gives no number of days."
    else:
        yield f"Due: by the end of {written_day(due, 'en')}."
        if explanation is not None:
            yield f"Counted: {short_line(explanation).en}."
    yield " ".join(_standing_en(it))
    if due is not None and due < it.today:
        yield "Please do it at once, and report the result, why it is late and when it will be done."
    else:
        yield "Please do it without delay and tell the office the result."
        if it.raised.duty == "reply" and due is not None:
            yield "If it needs more time: tell petitioner and People's Committee before then when to expect the reply."


def _ground_en(raised: DeadlineState) -> str:
    if _is_default(raised):
        return ""
    if raised.explanation is None:
        return "Under the rules"
    section = f", {section_text(raised.explanation.section, 'en')}" if raised.explanation.section else ""
    return f"Under document {raised.explanation.document}{section}"


def _standing_en(it: Letter) -> Iterable[str]:
    due, today = it.raised.due_on, it.today
    if due is None:
        left = ""
    elif due < today:
        left = f"; it is {_span(it, due, today).en} overdue"
    else:
        left = ", and today is the last day" if due == today else f"; {_span(it, today, due).en} left"
    yield f"The office has received no result{left}."
    if it.urged_on is not None:
        yield f"The office last reminded it on {written_day(it.urged_on, 'en')}."
