"""The feed: every event in order, what came before the first, how far the log is complete, which store this is."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from shared.envelope import PAGE_BYTES, parse_feed_page
from shared.events import decode_state
from shared.http.feed import MAX_POLLS
from shared.settings import WrongSettings
from tests.support.intake import COMMUNE, Intake, served


async def test_pages_are_gapless_and_carry_the_stored_bytes(intake: Intake) -> None:
    after, seen, previous = 0, [], None
    while True:
        page = parse_feed_page((await intake.get("/v1/events", after=str(after), limit="5")).content)
        assert page.previous_id == previous
        if not page.events:
            break
        seen += page.events
        after, previous = seen[-1].position, seen[-1].event_id
        assert (page.complete_to is not None) == (after == page.head)
    assert [e.position for e in seen] == list(range(1, len(seen) + 1))
    stored = await intake.rows("SELECT state FROM stored_events ORDER BY notification_id")
    assert [e.state for e in seen] == [row["state"] for row in stored]
    assert all(decode_state(e.topic, e.state)[1].event_id == e.event_id for e in seen)


async def test_complete_to_is_stored_before_it_is_sent_and_no_event_is_stamped_at_or_before_it(intake: Intake) -> None:
    page = parse_feed_page((await intake.get("/v1/events", after=str(await intake.head()))).content)
    (state,) = await intake.rows("SELECT complete_to FROM store_state")
    assert page.complete_to is not None and state["complete_to"] >= page.complete_to
    stamped = (await intake.petition())["recorded_at"]
    assert datetime.fromisoformat(stamped) > page.complete_to


async def test_a_stale_epoch_is_answered_with_the_new_one(intake: Intake) -> None:
    epoch = (await intake.get("/v1/events")).json()["epoch"]
    assert (await intake.get("/v1/events", epoch=epoch)).status_code == 200
    stale = await intake.get("/v1/events", epoch="another")
    assert (stale.status_code, stale.json()["epoch"]) == (409, epoch)
    assert stale.json()["type"] == "urn:doithoai:problem:stale-epoch"


async def test_a_position_beyond_the_head(intake: Intake) -> None:
    head = await intake.head()
    assert (await intake.get("/v1/events", after=str(head))).status_code == 200
    beyond = await intake.get("/v1/events", after=str(head + 1))
    assert (beyond.status_code, beyond.json()["type"]) == (409, "urn:doithoai:problem:beyond-head")
    assert beyond.json()["head"] == head


async def test_a_waiting_reader_gets_the_event_at_once(intake: Intake) -> None:
    head = await intake.head()
    loop = asyncio.get_running_loop()
    started = loop.time()
    waiting = asyncio.create_task(intake.get("/v1/events", after=str(head), wait="20"))
    await asyncio.sleep(0.3)
    await intake.petition()
    page = parse_feed_page((await waiting).content)
    assert [e.topic for e in page.events] == ["PetitionReceived"]
    assert loop.time() - started < 5


async def test_a_reader_that_waits_in_vain_learns_how_far_the_log_is_complete(intake: Intake) -> None:
    page = parse_feed_page((await intake.get("/v1/events", after=str(await intake.head()), wait="0.2")).content)
    assert page.events == [] and page.complete_to is not None


async def test_bad_parameters(intake: Intake) -> None:
    for query in ({"after": "-1"}, {"limit": "0"}, {"limit": "100000"}, {"wait": "3600"}, {"after": "x"}):
        assert (await intake.get("/v1/events", **query)).status_code == 400


async def test_first_start_records_seeds_and_proposals_once(database: str, tmp_path: Path) -> None:
    start = "2019-06-24T08:00:00+07:00"
    for _ in range(2):
        async with served(database, tmp_path, clock_start=start) as intake:
            page = parse_feed_page((await intake.get("/v1/events")).content)
    assert [e.topic for e in page.events] == ["CalendarPublished"] * 8
    # The movable clock was set before the first event, bootstrap's included.
    assert all(e.recorded_at.year == 2019 for e in page.events)
    assert decode_state(page.events[0].topic, page.events[0].state)[1].actor == "bootstrap"


async def test_the_movable_clock_moves_forwards_only_and_brings_proposals(database: str, tmp_path: Path) -> None:
    async with served(database, tmp_path, clock_start="2025-03-01T08:00:00+07:00") as intake:
        await intake.places()
        moved = await intake.post("/v1/clock", {"to": "2026-03-01T00:00:00+07:00"})
        assert (moved.status_code, moved.json()["today"], moved.json()["movable"]) == (200, "2026-03-01", True)
        back = await intake.post("/v1/clock", {"to": "2026-02-01T00:00:00+07:00"})
        assert (back.status_code, back.json()["type"]) == (409, "urn:doithoai:problem:clock-moves-forwards")
        await intake.done("/v1/petitions", {"jurisdiction": COMMUNE, "effective_on": "2026-03-01"})
        page = parse_feed_page((await intake.get("/v1/events", limit="5000")).content)
        proposed = [decode_state(e.topic, e.state)[0] for e in page.events if e.topic == "CalendarProposed"]
        assert [getattr(e, "year", 0) for e in proposed] == [2027, 2028]


EXTREME = ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "2100-01-01T00:00:00Z", "1900-12-31T23:59:59Z"]
EXTREME += ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]


async def test_the_movable_clock_stays_in_years_that_can_be_counted_in(database: str, tmp_path: Path) -> None:
    async with served(database, tmp_path, clock_start="2025-03-01T08:00:00+07:00") as intake:
        await intake.places()
        for to in EXTREME:
            refused = await intake.post("/v1/clock", {"to": to})
            assert (refused.status_code, refused.json()["field"]) == (422, "to"), to
            assert "năm 2099" in refused.json()["translations"]["vi"]["detail"]
            assert await intake.today() == "2025-03-01"
        # At the very edge everything still works.
        moved = await intake.post("/v1/clock", {"to": "2099-12-31T23:59:59-23:59"})
        assert (moved.status_code, moved.json()["today"]) == (200, "2100-01-02")
        assert (await intake.get("/v1/calendars/2026")).status_code == 200
        page = parse_feed_page((await intake.get("/v1/events", limit="5000")).content)
        received = await intake.post("/v1/petitions", {"jurisdiction": COMMUNE})
        assert received.status_code in (201, 422), received.text
        assert page.complete_to is not None and page.complete_to.year == 2100


async def test_the_movable_clock_begins_long_ago(database: str, tmp_path: Path) -> None:
    async with served(database, tmp_path, clock_start="1901-01-02T00:00:00+07:00") as intake:
        await intake.done("/v1/calendars", {"year": 1901, "holidays": []})
        place = {"code": "H35", "name": "Tỉnh", "level": "province", "valid_from": "1901-01-01"}
        await intake.done("/v1/jurisdictions", place)
        await intake.petition(jurisdiction="H35")


@pytest.mark.parametrize("start", EXTREME)
async def test_the_movable_clock_does_not_begin_outside_of_them(database: str, tmp_path: Path, start: str) -> None:
    with pytest.raises(WrongSettings, match="INTAKE_CLOCK_START"):
        async with served(database, tmp_path, clock_start=start):
            pass


async def test_a_store_of_real_events_keeps_real_time(intake: Intake) -> None:
    refused = await intake.post("/v1/clock", {"to": "2090-01-01T00:00:00Z"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:doithoai:problem:clock-not-movable")


async def test_metrics(intake: Intake) -> None:
    await intake.petition()
    for _ in range(100):
        text = (await intake.get("/metrics")).text
        if 'intake_events_recorded_total{type="PetitionReceived"} 1.0' in text:
            break
        await asyncio.sleep(0.1)
    assert 'intake_events_recorded_total{type="PetitionReceived"} 1.0' in text
    assert "intake_outbox_pending_events 0.0" in text
    assert "intake_outbox_oldest_pending_timestamp_seconds 0.0" in text


async def test_page__ends_with_the_event_that_fills_it(intake: Intake) -> None:
    attachments = [{"digest": f"{number:064x}", "media_type": "x" * 400} for number in range(900)]
    for _ in range(11):
        await intake.petition(attachments=attachments)
    after, lengths = await intake.head() - 11, []
    while True:
        page = parse_feed_page((await intake.get("/v1/events", after=str(after), limit="5000")).content)
        if not page.events:
            break
        sizes = [len(event.state) for event in page.events]
        assert sum(sizes[:-1]) < PAGE_BYTES
        assert page.events[0].position == after + 1
        lengths.append(len(sizes))
        after = page.events[-1].position
        assert (page.complete_to is not None) == (after == page.head)
    assert (len(lengths), sum(lengths)) == (2, 11)


async def test_polls__of_one_caller_that_wait_are_bounded(intake: Intake) -> None:
    head = str(await intake.head())
    waiting = [asyncio.create_task(intake.get("/v1/events", after=head, wait="20")) for _ in range(MAX_POLLS)]
    await asyncio.sleep(1.0)
    async with asyncio.timeout(15):  # one that waits would take 20 s
        assert (await intake.get("/v1/events", after=head, wait="20")).json()["events"] == []
    assert not any(poll.done() for poll in waiting)
    await intake.petition()
    for poll in waiting:
        assert len((await poll).json()["events"]) == 1


async def test_command__that_is_too_large_is_refused_by_its_field(intake: Intake) -> None:
    def attached(count: int, length: int) -> list[dict[str, str]]:
        return [{"digest": f"{number:064x}", "media_type": "x" * length} for number in range(count)]

    head = await intake.head()
    for attachments, sentence in (
        (attached(1001, 1), "1001 items; at most 1000"),
        (attached(1, 2001), "2001 characters; at most 2000"),
        (attached(800, 700), "bytes; an event has at most 524288"),
    ):
        refused = await intake.post("/v1/petitions", {"jurisdiction": COMMUNE, "attachments": attachments})
        assert (refused.status_code, refused.json()["field"]) == (422, "attachments")
        assert sentence in refused.json()["translations"]["en"]["detail"]
    assert await intake.head() == head
