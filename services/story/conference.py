"""Friday 23 August 2019: the conference itself, and its conclusions a week later (plan II.4.2, II.4.3)."""

from services.story import places
from services.story.client import file_digest
from services.story.narrator import Narrator
from services.story.petitions import BY_KEY
from services.story.preparation import RAISED

#: Who answers at the conference itself: the case ends there.
ANSWERED_THERE = {"02": "chair", "03": places.ENVIRONMENT, "16": places.POLICE}
#: The chair gives this speaker the floor first: a child could fall from that bridge tomorrow.
OUT_OF_ORDER = "11"
LEFT_OPEN = tuple(key for key in RAISED if key not in ANSWERED_THERE)
CHAIR_DATES = {"17": "2019-09-06"}


def held(t: Narrator) -> None:
    """Opening, speakers in their order, answers, minutes, closing."""
    t.day(8, 23, "Hội nghị tiếp xúc, đối thoại", "the conference is held", hour=7, catch_up=True)
    t.conference("opening")
    t.conference("secretary", name="Đỗ Thị Hương, chuyên viên Văn phòng HĐND-UBND")
    t.conference(
        "attendance",
        agencies=[body.code for body in places.BODIES if body.jurisdiction == places.DISTRICT],
        citizens=46, names=[BY_KEY[key].people[0] for key in RAISED],
    )  # fmt: skip
    t.tell("46 người dân dự, 11 cơ quan cử lãnh đạo", "46 citizens and 11 bodies attend")
    for key in RAISED:
        matter = BY_KEY[key]
        t.conference(
            "speakers", key,
            speaker=key, petition_id=str(t.ids[key]), petitioner_ids=list(matter.petitioner_ids),
            name=matter.people[0], matter=matter.text,
        )  # fmt: skip
    order = (OUT_OF_ORDER, *(key for key in RAISED if key != OUT_OF_ORDER))
    for key in order:
        speech(t, key)
    t.tell("17 kiến nghị được nêu; ba được trả lời ngay tại hội nghị", "17 raised, three answered on the spot")
    t.day(8, 23, "Bế mạc", "closing", hour=17)
    t.conference("minutes", digest=file_digest("bien-ban-23-8"), minutes="Biên bản hội nghị, 14 trang, đã thông qua.")
    t.conference("closing")
    t.tell(
        "Đồng hồ bắt đầu: trả lời chậm nhất thứ Hai 16/09, phức tạp thứ Hai 07/10 (nghỉ 02/09)",
        "clocks start: replies by Monday 16 September, complex cases by Monday 7 October (2 September is off)",
    )


def speech(t: Narrator, key: str) -> None:
    """One speaker: called, the petition raised, perhaps answered."""
    matter = BY_KEY[key]
    called = {"speaker": key, "petitioner_ids": list(matter.petitioner_ids), "words": matter.text}
    if key == OUT_OF_ORDER:
        called["chair_reason"] = "Việc khẩn cấp về an toàn, đồng chí chủ trì mời phát biểu trước."
        t.tell("[11] được mời phát biểu trước, chủ trì nêu lý do", "called out of order, with the chair's reason")
    t.conference("calls", key, **called)
    t.petition(key, "raising", conference_id=str(t.ids["conference"]))
    if by := ANSWERED_THERE.get(key):
        t.petition(
            key, "oral-answer",
            conference_id=str(t.ids["conference"]), by=by, answer="Trả lời trực tiếp tại hội nghị, người dân đồng ý.",
        )  # fmt: skip


def concluded(t: Narrator) -> None:
    """The internal review and the conclusion notice that assigns the open petitions."""
    t.day(8, 29, "Họp rút kinh nghiệm nội bộ", "the internal review")
    t.conference("review", summary="Chuẩn bị kỹ; cần mời thêm đại diện các bản vùng cao.")
    t.day(8, 30, "Thông báo kết luận số 112/TB-UBND", "the conclusion notice, on its last day", catch_up=True)
    t.conference(
        "conclusion",
        number="112/TB-UBND", signatory="Chủ tịch UBND huyện", digest=file_digest("112/TB-UBND"),
        assignments=[assignment(t, key) for key in LEFT_OPEN],
    )  # fmt: skip
    t.tell(f"Giao {len(LEFT_OPEN)} kiến nghị cho các cơ quan", f"{len(LEFT_OPEN)} petitions assigned")
    for key in ("04",):
        t.petition(
            key, "complexity",
            decided_by="Chủ tịch UBND huyện",
            criteria=["liên quan nhiều cơ quan", "phải xác minh hồ sơ đất nông trường cũ"],
        )  # fmt: skip
    t.tell("[04] được xác định là vụ việc phức tạp: hạn 07/10", "decided to be complex: due 7 October")


def assignment(t: Narrator, key: str) -> dict[str, object]:
    """One line of the conclusion notice."""
    line: dict[str, object] = {"petition_id": str(t.ids[key]), "agency": BY_KEY[key].agency}
    if key in CHAIR_DATES:
        line["due_on"] = CHAIR_DATES[key]
    if key == "04":
        line["assisting"] = [places.INSPECTORATE]
    return line


CHAPTERS = (held, concluded)
