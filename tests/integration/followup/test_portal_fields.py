"""What a portal sent of a petition on the page of its case: in words, what is sealed to those who read content."""

from datetime import UTC, datetime
from html import unescape

import pytest

from shared.events.petition import Consent, PetitionReceived
from shared.http.auth import Callers, Role
from shared.http.tokens import mint_token
from tests.support.following import projection_pool
from tests.support.history import DISTRICT, History, day
from tests.support.intake_stub import StubIntake
from tests.support.postgres import TestServer
from tests.support.projection import AUTUMN, PACKAGES, petition, project
from tests.support.reading import read_side

TOLD = (
    "10/07/2019 08:15",
    "21.38,103.02",
    "giao-thong",
    "hmn-Latn",
    "Tin nhắn, Thư điện tử",
    "lai-chau.ho-ngheo",
    "lai-chau.so-ho",
)
SEALED = ("lo@example.vn", "Số nhà 7, bản Kín", "21.38125")


@pytest.mark.parametrize(("role", "reads"), [("office", True), ("auditor", False)])
async def test_case__tells_what_a_portal_sent_each_as_far_as_the_caller_may_see_it(
    pg_server: TestServer, role: Role, reads: bool
) -> None:
    history = History()
    received = PetitionReceived(
        effective_on=day("2019-07-10"),
        jurisdiction=DISTRICT,
        petitioner_ids=("p1",),
        submitted_at=datetime(2019, 7, 10, 1, 15, tzinfo=UTC),
        area="21.38,103.02",
        category="giao-thong",
        consent=Consent(told_by=("sms", "email"), on=day("2019-07-09")),
        language="hmn-Latn",
        attributes={"lai-chau.ho-ngheo": True, "lai-chau.so-ho": 12},
    )
    fact = history.record(petition("one"), received)
    intake = StubIntake()
    place = {"address": "Số nhà 7, bản Kín", "latitude": 21.38125, "longitude": 103.0233}
    content = {"identities": {"p1": {"name": "Lò Thị Mai", "email": "lo@example.vn"}}, "place": place}
    intake.content = [{"topic": "PetitionReceived", "event_id": str(fact.event_id), "content": content}]
    token, entry = mint_token("nguoi-xem", role, DISTRICT)
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await project(pool, history, AUTUMN)
        async with read_side(pool, dsn, Callers((entry,), local_allowed=False), intake) as client:
            answer = await client.get(f"/cases/{petition('one')}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    page = unescape(answer.text)
    assert [word for word in TOLD if word not in page] == []
    assert [word in page for word in SEALED] == [reads] * len(SEALED)
