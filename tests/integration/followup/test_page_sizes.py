"""Every page is small enough for a slow line, that of a large conference too."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.events.conference import SpeakerCalled, SpeakerRegistered
from shared.events.petition import PetitionAssigned, PetitionClassified, PetitionReceived
from shared.events.regulation import AgencyRegistered
from shared.identifiers import derived_id
from tests.support.following import projection_pool
from tests.support.history import History, day
from tests.support.intake_stub import StubIntake
from tests.support.pages import walked
from tests.support.projection import dialogue, petition, project
from tests.support.reading import read_side

PETITIONS, AGENCIES = 60, 20
MAX_PAGE = 40_000  # bytes, compressed
NAMES = ("Lò Thị Mai", "Sùng A Páo", "Vàng A Sình", "Lù Thị Hoa", "Giàng A Chu", "Tẩn Lở Mẩy", "Phàn Văn Sếnh")
MATTERS = (
    "Đường liên bản bị sạt lở, xe không qua lại được vào mùa mưa",
    "Thiếu nước sinh hoạt từ tháng mười một đến tháng tư",
    "Chậm cấp giấy chứng nhận quyền sử dụng đất cho các hộ đã kê khai",
    "Điểm trường của bản thiếu phòng học và nhà vệ sinh",
    "Giá thu mua chè búp tươi không ổn định, thương lái ép giá",
    "Rác thải ở khu vực chợ không được thu gom thường xuyên",
)


def large() -> tuple[History, list[dict[str, Any]]]:
    """A conference of sixty petitions with a speaker each, half of whom have spoken, and what intake opens of it."""
    history, content = History(), list[dict[str, Any]]()
    history.register("H35.10", "district")
    for number in range(AGENCIES):
        registered = AgencyRegistered(
            effective_on=day("2019-01-02"),
            code=f"H35.10.{number + 1}",
            name=f"Phòng chuyên môn số {number + 1} của huyện Tam Đường",
            jurisdiction="H35.10",
            valid_from=day("2004-01-01"),
        )
        history.record(derived_id("agency", registered.code), registered, "2019-01-02 08:00")
    conference, ids = history.plan("c", "2019-08-23"), [petition(f"of {n}") for n in range(PETITIONS)]
    for number, each in enumerate(ids):
        received = PetitionReceived(effective_on=day("2019-07-10"), jurisdiction="H35.10", petitioner_ids=("p",))
        history.record(each, received)
        subject = f"{MATTERS[number % len(MATTERS)]}, bản số {number}"
        history.record(each, PetitionClassified(effective_on=day("2019-07-10"), subject=subject, field="đất đai"))
    history.hold(conference, *ids, first="2019-08-23")
    for number, each in enumerate(ids, 1):
        agency = f"H35.10.{number % AGENCIES + 1}"
        history.record(each, PetitionAssigned(effective_on=day("2019-08-28"), agency=agency), None)
        speaker = SpeakerRegistered(effective_on=day("2019-08-23"), speaker=str(number), petition_id=each)
        told = [(history.record(conference, speaker), {"name": f"{NAMES[number % 7]} {number}"})]
        told[0][1]["matter"] = f"{MATTERS[(number + 1) % len(MATTERS)]} ({number})."
        if number <= PETITIONS // 2:
            called = SpeakerCalled(effective_on=day("2019-08-23"), speaker=str(number))
            words = " ".join(f"{MATTERS[(number + more) % len(MATTERS)]}, việc {number}." for more in range(4))
            told.append((history.record(conference, called), {"words": words}))
        content += [{"event_id": str(f.event_id), "topic": f.topic, "content": said} for f, said in told]
    return history, content


@pytest.fixture
async def client(followup_dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    history, content = large()
    intake = StubIntake()
    async with projection_pool(followup_dsn) as pool:
        await project(pool, history, "2019-09-30 09:00")
        intake.content = content
        async with read_side(pool, followup_dsn, intake=intake) as client:
            yield client


@pytest.mark.slow
async def test_pages__of_a_large_conference_are_small(client: httpx.AsyncClient) -> None:
    conference = derived_id("conference", "c")
    case, sizes = f"/cases/{conference}", dict[str, int]()
    for path in (
        case, f"{case}/hall", f"{case}/do/conclude", f"{case}/acts/SpeakerCalled", f"{case}/acts/RecordAnnulled",
        f"/cases/{petition('of 7')}", "/", "/cases", "/cases?show=all", "/conferences", "/reports/2019-09",
        "/jurisdictions/H35.10", "/jurisdictions/H35.10/acts/ConferenceProposed", "/remind/H35.10.3",
    ):  # fmt: skip
        async with client.stream("GET", path) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
            assert answer.status_code == 200, path
            assert answer.headers["content-encoding"] == "gzip", path
        sizes[path] = len(raw)
        if path == case:
            assert gzip.decompress(raw).decode().count("Lò Thị Mai") >= PETITIONS // len(NAMES)
    assert {path: size for path, size in sizes.items() if size >= MAX_PAGE} == {}, sizes


@pytest.mark.slow
async def test_pages__that_are_linked_are_small(followup_dsn: str) -> None:
    async with projection_pool(followup_dsn) as pool:
        await project(pool, dialogue(), "2019-10-01 09:00")
        async with read_side(pool, followup_dsn, intake=StubIntake()) as client:
            told = await walked(client)
    sizes = {path: len(gzip.compress(text.encode())) for path, text in told.items()}
    assert len(sizes) > 100 and {path: size for path, size in sizes.items() if size >= MAX_PAGE} == {}
