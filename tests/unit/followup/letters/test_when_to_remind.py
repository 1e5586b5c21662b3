"""When to urge a debtor, and the letter that does it."""

import unicodedata
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.letters.reminder import Letter, dated, reminder
from services.followup.domain.letters.when_to_remind import Stage, is_proposed, stage_reached
from shared.calendar import Calendar
from shared.events.petition import PetitionWithdrawn
from shared.policy import DUTIES
from tests.support.history import History, day, seed_years
from tests.support.projection import ENVIRONMENT, dialogue, petition

NAME = "Phòng Tài nguyên và Môi trường huyện Tam Đường"


def deadline(history: History, subject: UUID, duty: str) -> tuple[DeadlineState, CaseRow]:
    raised = next(r for r in history.engine.raised_of(subject) if r.duty == duty)
    row = history.engine.case_row(subject)
    assert row is not None
    return raised, row


def letter(history: History, subject: UUID, duty: str, today: str, **more: Any) -> Letter:
    """The letter under plan 570, as if the district had adopted it, unless `adopted` says otherwise."""
    raised, row = deadline(history, subject, duty)
    assert raised.explanation is not None
    explanation = msgspec.structs.replace(raised.explanation, adopted=more.pop("adopted", True))
    raised = msgspec.structs.replace(raised, explanation=explanation)
    names = {"debtor": NAME if raised.debtor == ENVIRONMENT else "Người chủ trì", "place": "huyện Tam Đường"}
    return Letter(raised=raised, row=row, today=day(today), calendar=CALENDAR, **(names | more))


CALENDAR = Calendar(seed_years())


@pytest.fixture(scope="module")
def history() -> History:
    return dialogue()


# --- stages: the reply is due on Monday 16 September 2019 ---------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        ("2019-09-08", None),
        ("2019-09-09", Stage("due_soon", date(2019, 9, 9))),  # five working days before
        ("2019-09-12", Stage("due_soon", date(2019, 9, 9))),
        ("2019-09-13", Stage("due_soon", date(2019, 9, 13))),  # one working day before
        ("2019-09-16", Stage("due_soon", date(2019, 9, 13))),
        ("2019-09-17", Stage("breached", date(2019, 9, 17))),
        ("2019-12-31", Stage("breached", date(2019, 9, 17))),
    ],
)
def test_stage__is_the_last_one_reached(history: History, today: str, stage: Stage | None) -> None:
    raised, _ = deadline(history, petition("overdue"), "reply")
    assert stage_reached(raised, day(today)) == stage


@pytest.mark.parametrize(
    ("today", "urged", "proposed"),
    [
        ("2019-09-08", "", False),
        ("2019-09-09", "", True),
        ("2019-09-10", "2019-09-09", False),
        ("2019-09-13", "2019-09-09", True),
        ("2019-09-16", "2019-09-13", False),
        ("2019-09-17", "2019-09-16", True),
        ("2019-09-30", "2019-09-17", False),
    ],
)
def test_debtor__is_to_be_urged_once_a_stage(history: History, today: str, urged: str, proposed: bool) -> None:
    raised, row = deadline(history, petition("overdue"), "reply")
    assert is_proposed(raised, row, day(urged) if urged else None, day(today)) is proposed


def test_undated_duty__has_no_stage(history: History) -> None:
    raised, row = deadline(history, petition("escalated"), "higher_answer")
    assert not is_proposed(raised, row, None, day("2020-06-01"))


def test_case_that_ended__only_the_report_of_its_reply_is_still_urged() -> None:
    history = dialogue()
    withdrawn = PetitionWithdrawn(effective_on=day("2019-09-20"))
    history.record(petition("replied"), withdrawn, "2019-09-20 15:00")
    raised, row = deadline(history, petition("replied"), "reply_report")
    assert (row.state, stage_reached(raised, day("2019-10-01"))) == ("withdrawn", Stage("breached", date(2019, 9, 6)))
    assert is_proposed(raised, row, None, day("2019-10-01"))
    other = msgspec.structs.replace(raised, duty="result_report")
    assert not is_proposed(other, row, None, day("2019-10-01"))


# --- letters -------------------------------------------------------------------------------------------------------


def test_letter__while_there_is_time(history: History) -> None:
    text = reminder(letter(history, petition("overdue"), "reply", "2019-09-10")).vi
    assert text == (
        "VĂN PHÒNG HĐND-UBND HUYỆN TAM ĐƯỜNG\n"
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\n"
        "Độc lập - Tự do - Hạnh phúc\n"
        "\n"
        "Số: ……/……\n"
        "V/v đôn đốc trả lời kiến nghị bằng văn bản\n"
        "……, ngày 10 tháng 9 năm 2019\n"
        "\n"
        f"Kính gửi: {NAME}\n"
        "\n"
        f"Căn cứ mục II.4.3 văn bản số 570/KH-UBND, {NAME} có trách nhiệm trả lời bằng văn bản cho tổ chức, cá nhân về "
        "kiến nghị “Chậm cấp giấy chứng nhận quyền sử dụng đất”.\n"
        "Thời hạn thực hiện: chậm nhất hết thứ Hai, ngày 16/09/2019.\n"
        "Cách tính thời hạn: 15 ngày làm việc kể từ sau ngày 23/08/2019 (văn bản 570/KH-UBND, mục II.4.3); không tính "
        "ngày nghỉ 02/09.\n"
        "Tính đến ngày 10 tháng 9 năm 2019, Văn phòng HĐND-UBND chưa nhận được kết quả thực hiện; thời hạn còn 04 "
        "ngày làm việc.\n"
        f"Đề nghị {NAME} khẩn trương thực hiện và thông tin kết quả về Văn phòng HĐND-UBND trước khi hết thời hạn nêu "
        "trên. Trường hợp cần thêm thời gian, đề nghị thông báo cho tổ chức, cá nhân có kiến nghị và báo cáo Ủy ban "
        "nhân dân về thời gian dự kiến trả lời khi còn trong thời hạn./.\n"
        "\n"
        "Nơi nhận:\n"
        "- Như trên;\n"
        "- Người chủ trì hội nghị (để b/c);\n"
        "- Lưu: VT.\n"
        "\n"
        "CHÁNH VĂN PHÒNG\n"
        "(Ký, ghi rõ họ tên)"
    )


def test_letter__when_overdue_and_urged_before(history: History) -> None:
    made = letter(history, petition("overdue"), "reply", "2019-10-01", urged_on=day("2019-09-17"))
    text = reminder(made)
    assert "việc này đã quá hạn 11 ngày làm việc. Đã đôn đốc lần gần nhất vào ngày 17 tháng 9 năm 2019." in text.vi
    assert "thực hiện ngay nội dung trên, báo cáo kết quả, nêu rõ nguyên nhân chậm" in text.vi
    assert "it is 11 working days overdue. The office last reminded it on Tuesday 17 September 2019." in text.en


def test_letter__on_the_last_day(history: History) -> None:
    text = reminder(letter(history, petition("overdue"), "reply", "2019-09-16"))
    assert "đây là ngày cuối của thời hạn." in text.vi and "today is the last day" in text.en


def test_letter__counts_as_its_limit_does(history: History) -> None:
    def told(today: str, **changes: Any) -> str:
        made = letter(history, petition("overdue"), "reply", today)
        assert made.raised.explanation is not None
        explanation = msgspec.structs.replace(made.raised.explanation, **changes)
        raised = msgspec.structs.replace(made.raised, explanation=explanation)
        return reminder(msgspec.structs.replace(made, raised=raised)).vi

    assert "thời hạn còn 03 ngày làm việc." in told("2019-09-11")
    assert "thời hạn còn 05 ngày." in told("2019-09-11", unit="calendar_days")
    assert "đã quá hạn 05 ngày." in told("2019-09-21", unit="hours")
    assert "đã quá hạn 12 ngày." in told("2019-09-28", period="2019")
    # Due on Friday 13 September: on the Sunday after it no working day has passed.
    made = letter(history, petition("overdue"), "reply", "2019-09-15")
    friday = msgspec.structs.replace(made.raised, due_on=day("2019-09-13"))
    text = reminder(msgspec.structs.replace(made, raised=friday))
    assert "đã quá hạn chưa đến 01 ngày làm việc." in text.vi and "it is less than one working day overdue" in text.en
    nothing_known = msgspec.structs.replace(made, calendar=Calendar(), today=day("2019-10-01"))
    assert "đã quá hạn 15 ngày." in reminder(nothing_known).vi


def test_letter__on_the_default_that_nobody_adopted_cites_nothing(history: History) -> None:
    for name, duty in (("overdue", "reply"), ("escalated", "result_report")):
        text = reminder(letter(history, petition(name), duty, "2019-10-01", adopted=False))
        assert "hời hạn mặc định của phần mềm; đơn vị chưa ban hành quy định" in text.vi
        for said in (text.vi, text.en):
            assert not any(word in said for word in ("570", "Căn cứ", "Under document", "Văn bản không")), said
    assert "\nPhòng Tài nguyên và Môi trường huyện Tam Đường có trách nhiệm báo cáo" in text.vi


def test_letter__of_an_undated_duty_names_no_day(history: History) -> None:
    text = reminder(letter(history, petition("escalated"), "result_report", "2019-10-01")).vi
    assert "Văn bản không ấn định số ngày phải hoàn thành." in text and "Thời hạn thực hiện" not in text
    assert "có trách nhiệm báo cáo kết quả giải quyết kiến nghị “Kéo điện lưới quốc gia về bản”." in text


def test_letter__to_the_chair_is_a_submission_and_to_the_office_a_note(history: History) -> None:
    conference = next(f.originator_id for f in history.facts if f.topic == "ConferencePlanned")
    chair = reminder(letter(history, conference, "conclusion_notice", "2019-09-03")).vi
    assert "PHIẾU TRÌNH" in chair and "kính trình người chủ trì xem xét, chỉ đạo thực hiện./." in chair
    assert "thông báo bằng văn bản ý kiến kết luận tại hội nghị tiếp xúc, đối thoại ngày 23 tháng 8 năm 2019" in chair
    office = reminder(letter(history, conference, "invitation", "2019-08-13", debtor="Văn phòng HĐND-UBND")).vi
    assert "PHIẾU NHẮC VIỆC" in office and "Nơi nhận" not in office


@pytest.mark.parametrize("duty", DUTIES)
def test_every_duty__has_its_own_sentence(history: History, duty: str) -> None:
    raised, row = deadline(history, petition("overdue"), "reply")
    other = msgspec.structs.replace(raised, duty=duty)
    text = reminder(Letter(raised=other, row=row, debtor=NAME, place="", today=date(2019, 9, 9)))
    assert "thực hiện việc “" not in text.vi and unicodedata.is_normalized("NFC", text.vi)
    assert "{" not in text.vi + text.en


@pytest.mark.parametrize(
    ("on", "written"),
    [("2020-01-02", "ngày 02 tháng 01 năm 2020"), ("2019-09-16", "ngày 16 tháng 9 năm 2019"),
     ("2019-12-09", "ngày 09 tháng 12 năm 2019")],
)  # fmt: skip
def test_date__is_written_as_documents_bear_it(on: str, written: str) -> None:
    assert dated(day(on)) == written
