"""A projection in a real database, filled by followup's own writer from a history in memory."""

from typing import TypeAlias
from uuid import UUID

import asyncpg

from shared.events.petition import (
    ExtensionGranted,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionReceived,
    PetitionScheduled,
    WrittenReplyIssued,
)
from shared.events.regulation import AgencyRegistered
from shared.identifiers import derived_id
from tests.support.following import opened, recorded, swept
from tests.support.history import History, at, day

PACKAGES = ("shared.postgres", "services.followup")
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


async def project(pool: Pool, history: History, to: str) -> None:
    """Apply what is new of a history, and the time up to a local moment."""
    writer = await opened(pool, history.source)
    events = recorded(history)
    await writer.apply(events[writer.cursor.position :])
    await writer.advance(at(to), len(events))
    await swept(writer)
    history.until(to)


# --- one conference, whose petitions have come to every kind of end or to none --------------------------------------

ENVIRONMENT, EDUCATION = "H35.10.3", "H35.10.4"
COMMUNE, ELSEWHERE = "H35.10.31", "H40.2"
TITLES = {
    "overdue": "Chậm cấp giấy chứng nhận quyền sử dụng đất",
    "complex": "Điểm trường thiếu phòng học",
    "extended": "Thiếu nước sinh hoạt vào mùa khô",
    "replied": "Sửa chữa đường liên bản bị sạt lở",
    "late": "Ô nhiễm nguồn nước",
    "escalated": "Kéo điện lưới quốc gia về bản",
    "answered": "Giá thu mua chè búp tươi không ổn định",
    "waiting": "Thu gom rác thải khu vực chợ",
    "elsewhere": "Đường vào xã bị lầy lội",
}
#: The local moment at which the conference's petitions stand as their names say.
AUTUMN = "2019-10-01 09:00"


def petition(name: str) -> UUID:
    """The petition of that name."""
    return derived_id("petition", name)


def dialogue(source: str = "test") -> History:
    """A district's conference of Friday 23 August 2019, and one petition of another province."""
    history = History(source)
    for code, name in ((ENVIRONMENT, "Phòng Tài nguyên và Môi trường"), (EDUCATION, "Phòng Giáo dục và Đào tạo")):
        registered = AgencyRegistered(
            effective_on=day("2019-01-02"), code=code, name=name, jurisdiction="H35.10", valid_from=day("2004-01-01")
        )
        history.record(derived_id("agency", code), registered, "2019-01-02 08:00")
    conference = history.plan("c", "2019-08-23")
    for name, title in TITLES.items():
        place = {"extended": COMMUNE, "elsewhere": ELSEWHERE}.get(name, "H35.10")
        received = PetitionReceived(effective_on=day("2019-07-10"), jurisdiction=place, petitioner_ids=(f"p-{name}",))
        history.record(petition(name), received, jurisdiction=place)
        classified = PetitionClassified(effective_on=day("2019-07-10"), subject=title, field="đất đai")
        history.record(petition(name), classified, jurisdiction=place)
    later = history.plan("later", "2019-12-10", planned="2019-07-11", kind="extraordinary")
    history.record(petition("waiting"), PetitionScheduled(effective_on=day("2019-07-11"), conference_id=later))
    history.record(petition("waiting"), PetitionForwarded(effective_on=day("2019-07-11"), agency=EDUCATION))
    raised = [petition(name) for name in TITLES if name not in ("waiting", "elsewhere")]
    history.hold(conference, *raised, first="2019-08-23")
    for name in ("overdue", "complex", "extended", "replied", "late", "escalated"):
        agency = EDUCATION if name == "complex" else ENVIRONMENT
        history.record(petition(name), PetitionAssigned(effective_on=day("2019-08-28"), agency=agency), None)
    conferred = PetitionAnsweredAtConference(effective_on=day("2019-08-23"), conference_id=conference)
    history.record(petition("answered"), conferred)
    escalated = PetitionEscalated(effective_on=day("2019-09-02"), authority="H35")
    history.record(petition("escalated"), escalated, "2019-09-02 09:00")
    marked = PetitionMarkedComplex(effective_on=day("2019-09-03"), decided_by="chair", criteria=("nhiều lĩnh vực",))
    history.record(petition("complex"), marked, "2019-09-03 09:00")
    history.record(petition("replied"), replied("2019-09-05"), "2019-09-05 09:00")
    told = day("2019-09-10")
    granted = ExtensionGranted(
        effective_on=told, petitioner_told_on=told, committee_told_on=told, expected_on=day("2019-11-15")
    )
    history.record(petition("extended"), granted, "2019-09-10 09:00")
    history.record(petition("late"), replied("2019-09-20", "2/TL-UBND"), "2019-09-20 09:00")
    return history


def replied(on: str, number: str = "1/TL-UBND") -> WrittenReplyIssued:
    """A written reply to every petitioner."""
    return WrittenReplyIssued(effective_on=day(on), number=number, signatory="Chủ tịch", digest="00" * 32)
