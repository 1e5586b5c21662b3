"""24 June to 22 August 2019: the plan, the petitions, and what must precede the conference (plan II.4.1)."""

from datetime import date
from typing import Any

from services.story import places
from services.story.narrator import Narrator
from services.story.petitions import BY_KEY, MATTERS, StoryPetition
from shared.cases.shipped_catalogues import shipped_fields

CONFERENCE_DAY = date(2019, 8, 23)
PLACE = "Hội trường UBND huyện Tam Đường"
#: On the agenda; the others ended before, or came after.
RAISED = tuple(matter.key for matter in MATTERS if matter.key not in {"13", "14", "20"})
#: How the office's registers named some of the fields.
OLD_FIELDS = (
    {"text": "hạ tầng", "code": "ha-tang"},
    {"text": "an sinh", "code": "an-sinh"},
    {"text": "thông tin", "code": "thong-tin"},
)
_COMMUNES_WITH_PLAN = ("Xã Bình Lư", "Xã Bản Bo", "Thị trấn Tam Đường")


def regulation(t: Narrator) -> None:
    """The authorities, the bodies, and the plan itself."""
    t.day(6, 24, "Ban hành kế hoạch 570/KH-UBND", "the district adopts its dialogue plan")
    for place in places.PLACES:
        since = places.SINCE.isoformat()
        t.act(
            f"jurisdiction:{place.code}", "/v1/jurisdictions",
            code=place.code, name=place.name, level=place.level, parent=place.parent, valid_from=since,
        )  # fmt: skip
    for body in places.BODIES:
        t.act(
            f"agency:{body.code}", "/v1/agencies",
            code=body.code, name=body.name, jurisdiction=body.jurisdiction, valid_from=places.SINCE.isoformat(),
        )  # fmt: skip
    t.tell(
        f"Đăng ký {len(places.PLACES)} địa bàn, {len(places.BODIES)} cơ quan",
        f"{len(places.PLACES)} jurisdictions and {len(places.BODIES)} bodies registered",
    )
    t.act(
        "plan:570", "/v1/plans",
        jurisdiction=places.DISTRICT, number="570/KH-UBND", year=2019, parent_plan="1017/KH-UBND",
    )  # fmt: skip
    t.tell(
        "Kế hoạch 570/KH-UBND: trả lời trong 15 ngày làm việc, phức tạp 30 ngày",
        "replies within 15 working days, complex cases 30",
    )
    fields = shipped_fields()
    t.act("catalogue:field", "/v1/catalogues", jurisdiction=places.DISTRICT, number="571/QĐ-UBND", **fields)
    t.act(
        "catalogue:field:old", "/v1/catalogue-mappings", jurisdiction=places.DISTRICT, kind="field", entries=OLD_FIELDS
    )
    t.tell(
        f"Ban hành danh mục {len(fields['entries'])} lĩnh vực, quy đổi {len(OLD_FIELDS)} cách ghi cũ",
        "a catalogue of fields, and what was written before it",
    )


def petitions_come_in(t: Narrator) -> None:
    """The first nineteen petitions, as they arrive in July."""
    days = sorted({matter.received_on for matter in MATTERS if matter.received_on < CONFERENCE_DAY})
    for day in days:
        t.day(day.month, day.day, "Tiếp nhận kiến nghị", "petitions come in")
        for matter in MATTERS:
            if matter.received_on == day:
                receive(t, matter)
        if day == date(2019, 7, 3):
            _proposal(t)


def receive(t: Narrator, matter: StoryPetition) -> None:
    """One petition: received, given its neutral title, classified, forwarded."""
    body: dict[str, Any] = {
        "jurisdiction": places.commune(matter.commune),
        "kind": matter.kind,
        "channel": matter.channel,
        "petitioner_ids": list(matter.petitioner_ids),
        "identities": {
            petitioner: {"name": name, "address": f"{matter.village}, {matter.commune}"}
            for petitioner, name in zip(matter.petitioner_ids, matter.people, strict=True)
        },
        "text": matter.text,
    }
    if matter.external_id:
        body |= {"source": "cong-tinh-lai-chau", "external_id": matter.external_id}
    done = t.act(f"receive:{matter.key}", "/v1/petitions", **body)
    t.ids[matter.key] = done.id
    t.tell(f"[{matter.key}] {matter.subject} — {matter.commune} — mã {done.receipt_code}", matter.gloss)
    if matter.external_id == "LC-2019-00412":
        again = t.act("receive-again:03", "/v1/petitions", **body)
        same = "không ghi thêm" if again.id == done.id else "GHI TRÙNG"
        t.tell(f"     Cổng tỉnh gửi lại mã {matter.external_id}: {same}", "pushed again: nothing is added")
    t.petition(matter.key, "classification", subject=matter.subject, field=matter.field, urgency=matter.urgency)
    if matter.key != "14":
        t.petition(matter.key, "forwarding", agency=matter.agency)


def _proposal(t: Narrator) -> None:
    """The Fatherland Front asks for a conference (plan III.2)."""
    done = t.act(
        "proposal", "/v1/proposals",
        jurisdiction=places.DISTRICT, proposer=places.FRONT, kind="periodic",
        petition_ids=[str(t.ids[key]) for key in ("04", "05", "06")],
        reason="Nhiều ý kiến của đoàn viên, hội viên về đất đai, trường lớp và nước sinh hoạt.",
    )  # fmt: skip
    t.ids["conference"] = done.id
    t.tell("UB MTTQ huyện đề nghị tổ chức đối thoại", "the Fatherland Front proposes a conference")


def two_leave(t: Narrator) -> None:
    """A complaint is redirected; the chair accepts the proposal."""
    t.day(7, 18, "Rà soát, phân loại", "review and classification")
    t.petition(
        "14",
        "redirection",
        procedure="complaint",
        body="Thanh tra huyện Tam Đường, theo Luật Khiếu nại số 02/2011/QH13",
    )
    t.tell("[14] là khiếu nại: hướng dẫn sang Thanh tra huyện", "a complaint: redirected")
    t.conference("decision", accepted=True)
    t.tell("Chủ tịch UBND huyện đồng ý tổ chức đối thoại", "the chair accepts the proposal")
    for number, name in enumerate(_COMMUNES_WITH_PLAN, 41):
        code = places.commune(name)
        t.act(
            f"plan:{code}", "/v1/plans",
            jurisdiction=code, number=f"{number}/KH-UBND", year=2019, parent_plan="570/KH-UBND",
        )  # fmt: skip
    t.tell("Ba xã, thị trấn ban hành kế hoạch của mình", "three communes adopt their own plans")


def planned(t: Narrator) -> None:
    """The conference gets its day, place and tasks."""
    t.day(7, 22, "Ấn định hội nghị: thứ Sáu 23/08/2019", "the conference is set for Friday 23 August")
    t.conference(
        "plan",
        jurisdiction=places.DISTRICT, kind="periodic", place=PLACE,
        first_day=CONFERENCE_DAY.isoformat(), last_day=CONFERENCE_DAY.isoformat(),
        office=places.OFFICE, station=places.STATION,
        programme="Tuyên bố lý do; quán triệt yêu cầu; công dân phát biểu; trả lời; kết luận; thông qua biên bản",
    )  # fmt: skip
    for task, kind, agency, description in (
        ("hoi-truong", "facilities", places.OFFICE, "Chuẩn bị hội trường, phiếu đăng ký phát biểu"),
        ("tuyen-truyen", "broadcasting", places.STATION, "Thông báo trên đài và cổng thông tin"),
        ("an-ninh", "security", places.POLICE, "Bảo đảm an ninh trật tự"),
        ("lanh-dao-du", "representative", places.ENVIRONMENT, "Cử lãnh đạo dự và trả lời"),
    ):
        t.conference("tasks", task, task=task, kind=kind, agency=agency, description=description)
    t.tell("Giao bốn nhiệm vụ chuẩn bị", "four preparation tasks given")
    t.tell("Hạn gửi giấy mời, đếm lùi 7 ngày làm việc: thứ Tư 14/08/2019", "invitations by Wednesday 14 August")


def one_withdrawn(t: Narrator) -> None:
    """A petitioner takes the petition back; the rest goes on the agenda."""
    t.day(8, 5, "Lập chương trình", "the agenda")
    t.petition("13", "withdrawal", reason="Gia đình đã được xã hỗ trợ giống ngô ngày 02/8.")
    t.tell("[13] người kiến nghị rút", "withdrawn by the petitioner")
    for key in RAISED:
        t.petition(key, "schedule", conference_id=str(t.ids["conference"]))
    t.tell(f"{len(RAISED)} kiến nghị vào chương trình", f"{len(RAISED)} petitions are on the agenda")


def notices(t: Narrator) -> None:
    """Public notice in both channels, invitations in time."""
    t.day(8, 12, "Thông báo công khai", "public notices")
    for channel, evidence in (
        ("media", "Bản tin Đài TT-TH huyện, 12/8/2019, 17 giờ 30"),
        ("portal", "Cổng thông tin điện tử huyện, mục Thông báo, 12/8/2019"),
    ):
        t.conference("notices", channel, channel=channel, for_date=CONFERENCE_DAY.isoformat(), evidence=evidence)
    t.tell("Đã thông báo trên đài và cổng thông tin", "published by broadcast and on the portal")
    t.day(8, 13, "Gửi giấy mời", "invitations")
    t.conference(
        "invitations",
        for_date=CONFERENCE_DAY.isoformat(), citizens=len(RAISED),
        organisations=["UB MTTQ huyện", "Hội Nông dân huyện", "Hội Liên hiệp Phụ nữ huyện", "Huyện đoàn"],
        invited=[BY_KEY[key].people[0] for key in RAISED],
    )  # fmt: skip
    t.tell("Giấy mời gửi trước hạn một ngày", "sent one day before the last day")


def ready(t: Narrator) -> None:
    """Report to the chair, prepared answers, tasks done."""
    t.day(8, 19, "Báo cáo Chủ tịch", "the preparation report", catch_up=True)
    t.conference("preparation-report", number="203/BC-VP")
    t.day(8, 21, "Các cơ quan gửi nội dung trả lời", "the agencies deliver their prepared answers")
    for key in RAISED:
        t.petition(key, "prepared-answer", agency=BY_KEY[key].agency, text="Nội dung chuẩn bị trả lời tại hội nghị.")
    for task in ("hoi-truong", "tuyen-truyen", "an-ninh", "lanh-dao-du"):
        t.conference("task-completions", task, task=task, evidence="Biên bản kiểm tra ngày 21/8/2019")
    t.tell("Đủ 17 nội dung trả lời, bốn nhiệm vụ hoàn thành", "17 answers prepared, four tasks done")


CHAPTERS = (regulation, petitions_come_in, two_leave, planned, one_withdrawn, notices, ready)
