"""What a sandbox holds at its beginning: two districts, their bodies and rules, three petitions of one portal.

The first was answered in time, the second never, the third has just come.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.sandbox.acts import AGENCIES, OTHER_DISTRICT, SandboxActs
from services.sandbox.callers import OPERATOR, PORTAL
from services.story.places import BODIES, DISTRICT, PLACES, PROVINCE, SINCE, StoryBody, StoryPlace
from shared.identifiers import LOCAL_ZONE

#: Where the clock of the store begins, and where the integrator finds it: a Monday after Tết, in a published year.
BEGINS = datetime(2026, 1, 5, 8, 0, tzinfo=LOCAL_ZONE)
OPENS = datetime(2026, 3, 2, 8, 0, tzinfo=LOCAL_ZONE)

OTHER_PLACES = (
    StoryPlace(OTHER_DISTRICT, "Huyện Nậm Thử", "district", PROVINCE),
    StoryPlace(f"{OTHER_DISTRICT}.31", "Xã Nậm Thử", "commune", OTHER_DISTRICT),
)
_OTHER_BODY = StoryBody(
    AGENCIES[OTHER_DISTRICT], "Phòng Kinh tế và Hạ tầng huyện Nậm Thử", "Phòng KT-HT", OTHER_DISTRICT
)
_FROM_RECEIPT = {
    "policy_id": "tra-loi-tu-ngay-tiep-nhan",
    "title": {"vi": "Trả lời kiến nghị tính từ ngày tiếp nhận", "en": "Replies counted from the day of receipt"},
    "document": {"number": "12/QĐ-UBND", "issued_on": "2026-01-05", "issuer": "UBND huyện Nậm Thử"},
    "valid_from": "2026-01-05",
    "rules": [{"duty": "reply", "form": "deadline", "length": 15, "unit": "working_days", "counted_from": "receipt"}],
}
_COMMUNE = f"{DISTRICT}.31"
_PETITIONS = {
    "MAU-001": ("Rác ở chợ trung tâm ba ngày mới thu gom một lần.", "Lò Thị Mai"),
    "MAU-002": ("Đường vào bản bị sạt lở, xe không qua được.", "Giàng A Chu"),
    "MAU-003": ("Cả bản không có nước sinh hoạt vào mùa khô.", "Chẻo A Páo"),
}


def seed(acts: SandboxActs) -> None:
    """Record the seed through the public commands. Recorded in part, it goes on where it was. Raises RefusedByPair."""
    for place in (*PLACES, *OTHER_PLACES):
        _register(acts, "jurisdictions", place.code, name=place.name, level=place.level, parent=place.parent)
    for body in (*BODIES, _OTHER_BODY):
        _register(acts, "agencies", body.code, name=body.name, jurisdiction=body.jurisdiction)
    for number, district in ((15, DISTRICT), (16, OTHER_DISTRICT)):
        plan = {"jurisdiction": district, "number": f"{number}/KH-UBND", "year": BEGINS.year}
        acts.command(OPERATOR.name, "/v1/plans", f"seed:plan:{district}", plan)
    policy = {"jurisdiction": OTHER_DISTRICT, "policy": _FROM_RECEIPT}
    acts.command(OPERATOR.name, "/v1/policies", "seed:policy", policy)
    answered, overdue = (_receive(acts, each) for each in ("MAU-001", "MAU-002"))
    acts.conference(answered)
    acts.reply(answered, "Từ ngày 01/02 rác ở chợ được thu gom mỗi ngày.", "18/TL-KTHT")
    acts.conference(overdue)
    acts.move_to(OPENS - timedelta(minutes=5))
    _receive(acts, "MAU-003")
    acts.move_to(OPENS)


def _register(acts: SandboxActs, what: str, code: str, **body: Any) -> None:
    named = {"code": code, "valid_from": SINCE.isoformat()} | body
    acts.command(OPERATOR.name, f"/v1/{what}", f"seed:{what}:{code}", named)


def _receive(acts: SandboxActs, reference: str) -> UUID:
    text, name = _PETITIONS[reference]
    petitioner = f"{PORTAL.name}-{reference.lower()}"
    body = {
        "jurisdiction": _COMMUNE,
        "source": PORTAL.name,
        "external_id": reference,
        "kind": "petition",
        "channel": "cổng thông tin",
        "text": text,
        "petitioner_ids": [petitioner],
        "identities": {petitioner: {"name": name, "phone": "0900000000"}},
    }
    return UUID(str(acts.command(PORTAL.name, "/v1/petitions", f"seed:{reference}", body)["id"]))
