"""What an agency's feed costs: its cases are looked at, and not those of everybody else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from services.intake.adapters.history import StoredHistory
from services.intake.domain import AnyFact
from shared.http.auth import mint_token
from tests.support.intake import CLOSED, DISTRICT, EDUCATION, OFFICE, Intake, served, tokens_file

MANY = 5_000
#: Copies of a case, each of its events in a stream of its own.
_COPIES = """
INSERT INTO stored_events (notification_id, originator_id, originator_version, topic, state, event_id, recorded_at)
SELECT head.position + (n - 1) * whole.events + row_number() OVER (PARTITION BY n ORDER BY s.originator_version),
       uuid_in(md5('copy ' || n)::cstring), s.originator_version, s.topic, s.state, gen_random_uuid(), s.recorded_at
FROM stored_events s, generate_series(1, $2) AS n,
     (SELECT max(notification_id) AS position FROM stored_events) head,
     (SELECT count(*) AS events FROM stored_events WHERE originator_id = $1) whole
WHERE s.originator_id = $1
"""


async def given_to(intake: Intake, agency: str) -> str:
    """A petition that was forwarded to an agency."""
    petition = str((await intake.petition())["id"])
    await intake.done(f"/v1/petitions/{petition}/forwarding", {"agency": agency})
    return petition


async def copied(intake: Intake, petition: str, times: int) -> None:
    """As if the same had come in so many times more."""
    await intake.rows("ALTER TABLE stored_events DISABLE TRIGGER USER")
    await intake.rows(_COPIES, UUID(petition), times)


async def test_agency__pays_for_its_own_cases_and_not_for_those_of_others(
    placed: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, entry = mint_token("education", "agency", DISTRICT, EDUCATION)
    loaded: list[UUID] = []
    facts = StoredHistory.facts

    async def counted(self: StoredHistory, originators: Iterable[UUID]) -> Mapping[UUID, Sequence[AnyFact]]:
        wanted = list(originators)
        loaded.extend(wanted)
        return await facts(self, wanted)

    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        others = await given_to(intake, OFFICE)
        await copied(intake, others, MANY)
        own = await given_to(intake, EDUCATION)
        monkeypatch.setattr(StoredHistory, "facts", counted)
        cursor, pages, seen = "", 0, list[str]()
        while True:
            page = (await intake.get("/v1/events", token=token, cursor=cursor, type="PetitionForwarded")).json()
            cursor, pages, seen = page["next"], pages + 1, seen + [event["subject"] for event in page["events"]]
            if page["complete_to"]:
                break
        assert seen == [own]
        assert set(loaded) == {UUID(own)}
        assert pages >= 2 * MANY // 5_000


async def test_agency__sees_what_a_body_had_that_it_has_taken_over_from(placed: str, tmp_path: Any) -> None:
    token, entry = mint_token("education", "agency", DISTRICT, EDUCATION)
    async with served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake:
        old = str((await intake.petition(effective_on="2019-12-02"))["id"])
        await intake.done(f"/v1/petitions/{old}/forwarding", {"agency": CLOSED, "effective_on": "2019-12-03"})
        await given_to(intake, OFFICE)
        page = (await intake.get("/v1/events", token=token, cursor="", type="PetitionForwarded")).json()
        assert [event["subject"] for event in page["events"]] == [old]
