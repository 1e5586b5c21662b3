"""The writer on a real projection: what it stores is what folding everything in memory gives, however it is paced."""

import random
from collections.abc import AsyncIterator
from importlib.resources import files

import asyncpg
import msgspec
import pytest

from services.followup.adapters.store.projection import StoredProjection
from services.followup.application.ports import FencedOut, HistoryDiffers, SourceStopped
from shared.calendar import CalendarYear, DayOff
from shared.events.any_stream import RecordAnnulled
from shared.events.petition import (
    ExtensionGranted,
    PetitionAssigned,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionRaised,
    WrittenReplyIssued,
)
from shared.events.regulation import AgencyClosed, AgencyRegistered, DialoguePlanAdopted
from shared.identifiers import derived_id
from tests.support.following import emitted_ids, ids_of, opened, ought, projection_pool, recorded, state, swept
from tests.support.history import DISTRICT, History, at, day, seed_years


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


def told() -> History:
    """A conference with six petitions whose clocks go different ways and one raised late, one that is only planned.

    A holiday is announced late, a record annulled; the authority itself owes the dialogue that the conference is.
    """
    history = History()
    plan = DialoguePlanAdopted(effective_on=day("2019-06-24"), jurisdiction=DISTRICT, number="570/KH-UBND", year=2019)
    history.record(derived_id("plan", "570"), plan, "2019-06-24 09:00")
    conference = history.plan("c", "2019-08-23")
    petitions = [history.receive(f"p{n}", "2019-08-01", (f"x{n}",)) for n in range(6)]
    history.hold(conference, *petitions, first="2019-08-23")
    for n, petition in enumerate(petitions):
        when = f"2019-08-30 09:00:0{n}"
        history.record(petition, PetitionAssigned(effective_on=day("2019-08-30"), agency=f"H35.10.{n}"), when)
    complex_case = PetitionMarkedComplex(effective_on=day("2019-09-02"), decided_by="CT", criteria=("a",))
    history.record(petitions[1], complex_case, "2019-09-02 09:00")
    history.record(petitions[2], PetitionMerged(effective_on=day("2019-09-03"), into=petitions[3]), "2019-09-03 09:00")
    late_one = history.receive("late", "2019-09-05", ("x6",))
    history.record(late_one, PetitionRaised(effective_on=day("2019-08-23"), conference_id=conference))
    history.plan("d", "2019-09-26", planned="2019-09-06")
    extension = ExtensionGranted(
        effective_on=day("2019-09-12"),
        petitioner_told_on=day("2019-09-12"),
        committee_told_on=day("2019-09-12"),
        expected_on=day("2019-10-01"),
    )
    history.record(petitions[4], extension, "2019-09-12 09:00")
    late = history.record(petitions[0], reply("2019-09-18"), "2019-09-18 09:00")
    year = next(y for y in seed_years() if y.year == 2019)
    longer = CalendarYear(
        year=2019,
        holidays=(*year.holidays, *(DayOff(date=day(d), name="Nghỉ đột xuất") for d in ("2019-08-27", "2019-09-10"))),
        makeup_days=year.makeup_days,
    )
    history.publish(longer, at("2019-09-20 08:00"))
    history.record(
        petitions[0],
        RecordAnnulled(effective_on=day("2019-09-21"), event_id=late.event_id),
        "2019-09-21 09:00",
        "petition",
    )
    # Received and planned by mistake: no case is left of either.
    mistaken = history.receive("mistaken", "2019-09-24", ("x7",))
    history.plan("mistaken", "2019-11-20", planned="2019-09-24")
    for n, fact in enumerate(history.facts[-2:]):
        aggregate = "petition" if fact.originator_id == mistaken else "conference"
        annulled = RecordAnnulled(effective_on=day("2019-09-24"), event_id=fact.event_id)
        history.record(fact.originator_id, annulled, f"2019-09-24 18:00:0{n}", aggregate)
    history.record(petitions[3], reply("2019-09-30"), "2019-10-02 09:00")
    history.until("2019-10-20 00:00")
    return history


def reply(on: str) -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=day(on), number=f"{on}/UBND", signatory="CT", digest="00")


async def test_state__is_that_of_folding_everything_at_once(pool: asyncpg.Pool) -> None:
    history = told()
    writer = await opened(pool)
    await writer.apply(recorded(history))
    await writer.advance(at("2019-10-20 00:00"), len(history.facts))
    await swept(writer)
    assert await emitted_ids(pool) == ids_of(history.engine)
    assert await state(pool) == ought(history.engine, len(history.facts))


@pytest.mark.parametrize("seed", range(6))
async def test_state__is_the_same_at_any_pace_and_over_restarts(pool: asyncpg.Pool, seed: int) -> None:
    history, rng = told(), random.Random(seed)
    events = recorded(history)
    writer = await opened(pool)
    while writer.cursor.position < len(events):
        step = events[writer.cursor.position : writer.cursor.position + rng.randint(1, 9)]
        await writer.apply(step)
        following = events[writer.cursor.position : writer.cursor.position + 1]
        if following and following[0].recorded_at > step[-1].recorded_at and rng.random() < 0.5:
            between = step[-1].recorded_at + (following[0].recorded_at - step[-1].recorded_at) * rng.random() * 0.99
            await writer.advance(between, writer.cursor.position)
            await swept(writer)
        if rng.random() < 0.4:
            writer = await opened(pool)  # as after a kill
    await writer.advance(at("2019-10-20 00:00"), len(events))
    await swept(writer)
    assert await emitted_ids(pool) == ids_of(history.engine)
    assert await state(pool) == ought(history.engine, len(events))


async def test_down_over_a_midnight__ends_with_the_same_events(pool: asyncpg.Pool) -> None:
    history = told()
    # Everything after the conference is read long afterwards, in one go.
    events = recorded(history)
    writer = await opened(pool)
    await writer.apply(events[:30])
    writer = await opened(pool)
    await writer.apply(events[30:])
    await writer.advance(at("2019-10-20 00:00"), len(events))
    await swept(writer)
    assert await emitted_ids(pool) == ids_of(history.engine)


async def test_calendar_read_with_what_precedes_and_follows_it__meets_every_timer_in_between(
    pool: asyncpg.Pool,
) -> None:
    history = History()
    conference = history.plan("c", "2019-08-23")
    petitions = [history.receive(f"p{n}", "2019-08-01", (f"x{n}",)) for n in range(3)]
    history.hold(conference, *petitions, first="2019-08-23")
    year = next(y for y in seed_years() if y.year == 2019)
    for when, free in (("2019-09-12 08:00", "2019-09-13"), ("2019-09-19 08:00", "2019-09-16")):
        year = msgspec.structs.replace(year, holidays=(*year.holidays, DayOff(date=day(free), name="Nghỉ đột xuất")))
        history.publish(year, at(when))
    history.record(petitions[0], reply("2019-09-30"), "2019-10-02 09:00")
    writer = await opened(pool)
    await writer.apply(recorded(history))
    await swept(writer)
    assert await emitted_ids(pool) == ids_of(history.engine)
    assert await state(pool) == ought(history.engine, len(history.facts))


async def test_deadline_events__keep_causes_and_contiguous_versions(pool: asyncpg.Pool) -> None:
    history = told()
    writer = await opened(pool)
    await writer.apply(recorded(history))
    rows = await pool.fetch(
        "SELECT originator_id, array_agg(originator_version ORDER BY originator_version) AS versions, "
        "array_agg(notification_id ORDER BY originator_version) AS positions FROM stored_events GROUP BY 1"
    )
    for row in rows:
        assert row["versions"] == list(range(1, len(row["versions"]) + 1))
        assert row["positions"] == sorted(row["positions"])


async def test_zombie__cannot_move_the_cursor(pool: asyncpg.Pool) -> None:
    events = recorded(told())
    zombie, successor = await opened(pool), await opened(pool)
    await successor.apply(events[:20])
    before = await emitted_ids(pool)
    with pytest.raises(FencedOut):
        await zombie.apply(events[:20])
    with pytest.raises(FencedOut):
        await zombie.advance(at("2019-12-01 00:00"), 20)
        await swept(zombie)
    assert await emitted_ids(pool) == before


async def test_zombie_at_midnight__fires_nothing(pool: asyncpg.Pool) -> None:
    events = recorded(told())
    zombie = await opened(pool)
    await zombie.apply(events)
    successor = await opened(pool)
    await successor.advance(at("2019-12-01 00:00"), len(events))
    await swept(successor)
    before = await emitted_ids(pool)
    with pytest.raises(FencedOut):
        await zombie.advance(at("2019-12-01 00:00"), len(events))
        await swept(zombie)
    assert await emitted_ids(pool) == before


async def test_event_that_does_not_follow__stops_the_source(pool: asyncpg.Pool) -> None:
    events = recorded(told())
    writer = await opened(pool)
    await writer.apply(events[:10])
    other = msgspec.structs.replace(events[10], previous_id=derived_id("another"))
    with pytest.raises(HistoryDiffers):
        await writer.apply([other])
    with pytest.raises(HistoryDiffers):
        await writer.apply(events[11:12])
    assert (await opened(pool)).cursor.position == 10


async def test_event_stamped_before_a_used_complete_to__stops_the_source(pool: asyncpg.Pool) -> None:
    events = recorded(told())
    writer = await opened(pool)
    await writer.apply(events[:10])
    await writer.advance(events[10].recorded_at, 10)
    await swept(writer)
    with pytest.raises(SourceStopped, match="complete_to"):
        await writer.apply(events[10:])


async def test_unknown_topic__stops_the_source_and_keeps_what_came_before(pool: asyncpg.Pool) -> None:
    events = recorded(told())
    newer = msgspec.structs.replace(events[12], topic="PetitionFromTheFuture")
    writer = await opened(pool)
    with pytest.raises(SourceStopped, match="unknown topic"):
        await writer.apply([*events[:12], newer, *events[13:]])
    assert (await opened(pool)).cursor.position == 12
    await writer.apply(events[12:])
    assert (await opened(pool)).cursor.position == len(events)


async def test_damaged_event_of_the_regulation__stops_the_source(pool: asyncpg.Pool) -> None:
    events = recorded(told())
    damaged = msgspec.structs.replace(events[0], state=b'{"data": {}, "meta": 1}')
    writer = await opened(pool)
    with pytest.raises(SourceStopped, match="position 1"):
        await writer.apply([damaged, *events[1:]])
    assert (await opened(pool)).cursor.position == 0


async def test_agencies__are_listed_with_their_end(pool: asyncpg.Pool) -> None:
    history = History()
    code = derived_id("agency", "H35.10.9")
    opening = AgencyRegistered(
        effective_on=day("2019-01-02"),
        code="H35.10.9",
        name="Phòng cũ",
        jurisdiction=DISTRICT,
        valid_from=day("2004-01-01"),
    )
    history.record(code, opening)
    history.record(
        code, AgencyClosed(effective_on=day("2019-06-30"), code="H35.10.9", successor="H35.10.4"), "2019-07-01 09:00"
    )
    await (await opened(pool)).apply(recorded(history))
    row = await pool.fetchrow("SELECT * FROM agencies")
    assert (row["name"], row["closed_on"], row["successor"]) == ("Phòng cũ", day("2019-06-30"), "H35.10.4")


async def test_memory__is_loaded_again_after_it_was_let_go(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.followup.application.projector.KEPT", 0)
    history = told()
    events = recorded(history)
    writer = await opened(pool)
    for event in events:
        await writer.apply([event])
    await writer.advance(at("2019-10-20 00:00"), len(events))
    await swept(writer)
    assert await emitted_ids(pool) == ids_of(history.engine)
    assert await state(pool) == ought(history.engine, len(events))


async def test_row_of_an_annulled_case__that_an_older_release_left_goes_with_the_migration(pool: asyncpg.Pool) -> None:
    history = told()
    writer = await opened(pool)
    await writer.apply(recorded(history))
    await writer.advance(at("2019-10-20 00:00"), len(history.facts))
    await swept(writer)
    taken_back = {fact.event.event_id for fact in history.facts if isinstance(fact.event, RecordAnnulled)}
    left = [
        f for f in history.facts if f.event_id in taken_back and f.topic in ("PetitionReceived", "ConferencePlanned")
    ]
    assert len(left) == 2
    for fact in left:
        # Whatever stood in the row.
        await pool.execute(
            "INSERT INTO cases SELECT (json_populate_record(c, json_build_object('subject_id', $1::text))).* "
            "FROM cases c WHERE subject = $2 LIMIT 1",
            str(fact.originator_id),
            fact.meta.aggregate,
        )
    assert await state(pool) != ought(history.engine, len(history.facts))
    migration = files("services.followup").joinpath("migrations/0014_annulled_cases.sql").read_text("utf-8")
    await pool.execute(migration.replace("projection.", "followed."))
    assert await state(pool) == ought(history.engine, len(history.facts))


async def test_midnight__fires_in_bounded_transactions(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.followup.application.projector.FIRED_AT_ONCE", 1)
    history = told()
    writer = await opened(pool)
    await writer.apply(recorded(history))
    await swept(writer)
    before = await pool.fetchval("SELECT max(recorded_at) FROM stored_events")
    await writer.advance(at("2019-10-20 00:00"), len(history.facts))
    await swept(writer)
    assert await emitted_ids(pool) == ids_of(history.engine)
    deadlines = "SELECT count(DISTINCT originator_id) FROM stored_events WHERE recorded_at > $1 GROUP BY recorded_at"
    counts = [row["count"] for row in await pool.fetch(deadlines, before)]
    assert len(counts) > 1 and max(counts) == 1


async def test_differences__emit_nothing_until_reconciled(pool: asyncpg.Pool) -> None:
    history = told()
    events = recorded(history)
    writer = await opened(pool)
    await writer.apply(events[:30])
    petition = derived_id("petition", "p5")
    # As if an earlier release had counted otherwise: what was raised is not what ought to be.
    await pool.execute(
        "UPDATE deadlines SET raised = convert_to(replace(convert_from(raised, 'UTF8'), '\"due_on\":\"2019-09-16\"', "
        "'\"due_on\":\"2019-09-13\"'), 'UTF8'), due_on = '2019-09-13' WHERE subject_id = $1 AND duty = 'reply'",
        petition,
    )
    writer = await opened(pool)
    await writer.apply(events[30:])
    listed = await pool.fetch("SELECT subject_id FROM differences")
    assert [r["subject_id"] for r in listed] == [petition]
    count = (
        "SELECT count(*) FROM stored_events s JOIN deadlines d ON d.deadline_id = s.originator_id WHERE subject_id = $1"
    )
    before = await pool.fetchval(count, petition)
    await pool.execute(
        "INSERT INTO requests (request_id, kind, source, reason) VALUES ($1, 'reconcile', 'test', 'source_restored')",
        derived_id("request"),
    )
    await writer.answer_requests()
    assert await pool.fetchval("SELECT count(*) FROM differences") == 0
    assert await pool.fetchval(count, petition) > before
    assert "1 cases reconciled" in await pool.fetchval("SELECT answer FROM requests")
    # Asked again there is nothing to do, and a restart lists nothing.
    assert (await StoredProjection(pool).differences("test")) == {}


async def test_difference_of_a_conference__is_found_when_it_is_touched_and_reconciled_after_a_restart(
    pool: asyncpg.Pool,
) -> None:
    events, conference = recorded(told()), derived_id("conference", "c")
    await (await opened(pool)).apply(events)
    await pool.execute(
        "UPDATE deadlines SET raised = convert_to(replace(convert_from(raised, 'UTF8'), '\"due_on\":\"2019-09-03\"', "
        "'\"due_on\":\"2019-09-04\"'), 'UTF8') WHERE subject_id = $1 AND duty = 'conclusion_notice'",
        conference,
    )
    writer = await opened(pool)
    annulled = next(e for e in events if e.topic == "ConferenceOpened")
    history = told()
    history.record(
        conference,
        RecordAnnulled(effective_on=day("2019-10-21"), event_id=annulled.event_id),
        "2019-10-21 09:00",
        "conference",
    )
    await writer.apply(recorded(history)[len(events) :])
    assert [r["subject_id"] for r in await pool.fetch("SELECT subject_id FROM differences")] == [conference]
    await pool.execute(
        "INSERT INTO requests (request_id, kind, source, reason) VALUES ($1, 'reconcile', 'test', 'restored')",
        derived_id("request"),
    )
    await (await opened(pool)).answer_requests()
    assert await pool.fetchval("SELECT answer FROM requests") == "1 cases reconciled; 1 deadline events raised"
    assert await pool.fetchval("SELECT count(*) FROM differences") == 0
