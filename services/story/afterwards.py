"""September and October 2019: replies in time, late, never; and all that can happen to a clock (plan II.4.3)."""

from datetime import date

from services.story import places
from services.story.narrator import Narrator
from services.story.petitions import BY_KEY
from services.story.preparation import receive

_HEADS = {
    places.ENVIRONMENT: "Trưởng phòng TN-MT",
    places.EDUCATION: "Trưởng phòng GD-ĐT",
    places.HEALTH: "Trưởng phòng Y tế",
    places.INFRASTRUCTURE: "Trưởng phòng KT-HT",
    places.STATION: "Trưởng Đài TT-TH",
    places.AGRICULTURE: "Trưởng phòng NN-PTNT",
    places.WELFARE: "Trưởng phòng LĐ-TBXH",
}


def first_week(t: Narrator) -> None:
    """Two matters that are one; the chair's earlier date; a matter beyond the district."""
    t.day(9, 3, "Hai kiến nghị là một", "two petitions are one matter")
    t.petition("12", "merger", into=str(t.ids["11"]))
    t.tell("[12] gộp vào [11]: trả lời phải đến cả hai người", "merged: the reply must reach both petitioners")
    t.day(9, 5, "Trả lời trước hạn của chủ trì", "within the chair's earlier date", catch_up=True)
    t.reply("17", "18/ĐTTH", _HEADS[places.STATION])
    t.tell("[17] trả lời ngày 05/09, hạn chủ trì ấn định 06/09", "replied a day early")
    t.petition(
        "10", "escalation-proposal", agency=places.INFRASTRUCTURE, reason="Vượt thẩm quyền và nguồn vốn của huyện."
    )
    t.day(9, 6, "Trình cấp trên", "escalation")
    t.petition("10", "escalation", authority=places.PROVINCIAL_INDUSTRY, number="655/UBND-KTHT")
    t.tell("[10] trình Sở Công Thương; đồng hồ trả lời vẫn chạy", "submitted to the province; the clock runs on")


def second_week(t: Narrator) -> None:
    """A late-comer, a reassignment, replies, an extension."""
    t.day(9, 9, "Chuyển cơ quan giải quyết", "reassignment")
    t.petition("15", "reassignment", agency=places.WELFARE, reason="Lập danh sách hộ nghèo thuộc Phòng LĐ-TBXH.")
    t.tell("[15] từ Phòng Y tế sang Phòng LĐ-TBXH; hạn không đổi", "another body owes it; the date stays")
    t.day(9, 10, "Một kiến nghị ngoài hội nghị", "a petition outside any conference")
    receive(t, BY_KEY["20"])
    for key, number in (("01", "143/KTHT"), ("19", "96/NNPTNT")):
        t.reply(key, number, _HEADS[BY_KEY[key].agency])
    t.petition(
        "01", "result-report", agency=places.INFRASTRUCTURE, result="resolved", summary="Đã hót sạt, thông đường."
    )
    t.petition("01", "closure", ground="Đã giải quyết xong, người kiến nghị đồng ý.")
    t.petition("19", "result-report", agency=places.AGRICULTURE, result="resolved", summary="Đã nạo vét 1,2 km mương.")
    t.petition("19", "closure", ground="Đã giải quyết.")
    t.tell("[01] [19] trả lời và kết thúc", "replied and closed")
    t.day(9, 12, "Gia hạn, trả lời", "an extension, replies")
    told = date(2019, 9, 12).isoformat()
    t.petition(
        "06", "extension",
        petitioner_told_on=told, committee_told_on=told, expected_on="2019-10-15",
        ground="Chờ kết quả khảo sát nguồn nước mới.",
    )  # fmt: skip
    t.tell("[06] gia hạn đến 15/10: đã báo người dân và UBND huyện", "extended to 15 October, both told in time")
    t.reply("11", "151/KTHT", _HEADS[places.INFRASTRUCTURE])
    t.tell("[11] trả lời cho cả hai người kiến nghị", "one reply to both petitioners")
    t.reply("18", "212/GDĐT", _HEADS[places.EDUCATION])
    t.day(9, 13, "Gia hạn vì chờ cấp trên", "more time, for the province has the matter")
    told = date(2019, 9, 13).isoformat()
    t.petition(
        "10", "extension",
        petitioner_told_on=told, committee_told_on=told, expected_on="2019-10-31",
        ground="Sở Công Thương đang xem xét.",
    )  # fmt: skip
    t.tell("[10] gia hạn đến 31/10, đã báo người dân", "extended to 31 October, the citizen was told")


def last_day(t: Narrator) -> None:
    """Monday 16 September: the fifteenth working day."""
    t.day(9, 16, "Ngày cuối: ngày làm việc thứ 15", "the last day: working day 15", catch_up=True)
    t.reply("05", "219/GDĐT", _HEADS[places.EDUCATION])
    t.reply("15", "177/LĐTBXH", _HEADS[places.WELFARE])
    t.tell("[05] [15] trả lời đúng ngày cuối", "replied on the last day: in time")


def breaches(t: Narrator) -> None:
    """Midnight has passed: three replies are missing, one of them only on paper."""
    t.day(9, 17, "Quá hạn", "breaches", catch_up=True)
    t.tell("[07] [08] [09] quá hạn từ 00 giờ 17/09", "breached at local midnight")
    t.day(9, 19, "Một văn bản đến muộn", "a record that comes late")
    t.reply("07", "88/YT", _HEADS[places.HEALTH], on=date(2019, 9, 16))
    t.tell(
        "[07] văn bản đề ngày 16/09, hôm nay mới vào sổ: rút lại ghi nhận quá hạn",
        "dated in time, recorded today: the breach is retracted",
    )
    t.day(9, 20, "Trả lời muộn", "a late reply")
    t.reply("08", "301/TNMT", _HEADS[places.ENVIRONMENT])
    t.tell("[08] trả lời muộn bốn ngày: quá hạn vẫn lưu", "met late: the breach stays on record")


def reminded_and_reopened(t: Narrator) -> None:
    """The office urges the debtor; a closed case comes back."""
    t.day(9, 23, "Đôn đốc", "a reminder", catch_up=True)
    deadline = reply_deadline(t, "09")
    if deadline:
        t.petition(
            "09", "reminders", deadline_id=deadline, to=places.ENVIRONMENT, text="Đề nghị trả lời trước ngày 27/9."
        )
        t.tell("[09] Văn phòng đôn đốc Phòng TN-MT", "the office reminds the agency")
    t.day(9, 25, "Mở lại", "reopened")
    t.petition("19", "reopening", reason="Mương lại bị bồi lấp sau trận mưa ngày 22/9.")
    t.tell("[19] mở lại: đồng hồ mới", "a new clock, referring to the old")


def reply_deadline(t: Narrator, key: str) -> str:
    """The id of a petition's reply deadline, as followup knows it."""
    for row in t.pair.deadlines_of(t.ids[key]):
        if row.get("duty") == "reply":
            return str(row["deadline_id"])
    return ""


def the_last_day(t: Narrator) -> None:
    """Friday 4 October: one working day before the complex case is due."""
    t.day(10, 4, "Còn một ngày làm việc", "one working day left", hour=9, catch_up=True)
    t.tell("[04] vụ việc phức tạp đến hạn thứ Hai 07/10", "the complex case is due on Monday")


CHAPTERS = (first_week, second_week, last_day, breaches, reminded_and_reopened, the_last_day)
