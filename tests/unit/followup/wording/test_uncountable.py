"""What is said of a duty that cannot be counted, from the reasons that counting gives."""

from services.followup.domain.wording.uncountable import uncountable_words
from shared.calendar import CalendarMissing
from shared.policy import ImpossibleDay


def test_missing_calendar__names_its_year_in_both_languages() -> None:
    words = uncountable_words("570/KH-UBND", str(CalendarMissing(2027)))
    assert "chưa có lịch làm việc năm 2027" in words.vi
    assert "there is no calendar for 2027" in words.en


def test_impossible_day__names_the_document_and_the_day() -> None:
    words = uncountable_words("12/QĐ-UBND", str(ImpossibleDay("04-31", 2027)))
    assert "văn bản 12/QĐ-UBND nêu ngày 31/04, ngày này không có trong năm 2027" in words.vi
    assert "12/QĐ-UBND names a day (04-31) that 2027 does not have" in words.en


def test_other_reason__is_told_as_it_is() -> None:
    assert "(date value out of range)" in uncountable_words("1/QĐ", "date value out of range").en
