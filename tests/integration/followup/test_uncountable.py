"""Duties that cannot be counted are listed in the store, hold up nothing else, and are counted once they can be."""

from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from services.followup.adapters.read.queries import Queries
from services.followup.adapters.store.rebuild_tables import SEARCH_PATH, RebuildTables
from services.followup.application.access import Scope
from services.followup.application.rebuild import rebuild
from shared.calendar import CalendarYear
from shared.events.regulation import DialoguePlanAdopted
from shared.identifiers import NATION, derived_id
from tests.support.following import (
    MemoryFeed,
    emitted_ids,
    ids_of,
    opened,
    ought,
    projection_pool,
    recorded,
    state,
    swept,
)
from tests.support.history import DISTRICT, History, at, day
from tests.support.reading import read_side
from tests.support.scenario import policy_with

FAR = policy_with("- {duty: commune_plan, form: deadline, length: 0, counted_from: fixed_date, fixed_date: 2030-03-15}")
#: Thirty working days after Fri 20 Nov 2026 end in January 2027, a year without a calendar.
LONGER = msgspec.structs.replace(
    policy_with("- {duty: reply, form: deadline, length: 30}", "running_clocks: move\n"),
    policy_id="longer",
    valid_from=day("2026-11-21"),
)
EMPTY = [
    CalendarYear(year=2027, holidays=()),
    CalendarYear(year=2030, holidays=()),
]
SHORT = "2026-12-20 00:00"
END = "2027-02-01 00:00"


@pytest.fixture
async def pool(followup_dsn: str) -> "AsyncIterator[asyncpg.Pool]":
    async with projection_pool(followup_dsn) as made:
        yield made


def told(source: str = "test") -> History:
    """An authority whose commune's plan is due in 2030, and a petition whose reply is moved into 2027."""
    history = History(source)
    history.register(DISTRICT, "district", "2026-01-01 00:00")
    history.register(f"{DISTRICT}.1", "commune", "2026-01-01 00:01", DISTRICT)
    history.adopt(FAR, "2026-01-02 08:00")
    plan = DialoguePlanAdopted(effective_on=day("2026-02-02"), jurisdiction=DISTRICT, number="1/KH", year=2026)
    history.record(derived_id("plan", DISTRICT, "1/KH"), plan, "2026-02-02 08:00")
    conference = history.plan("c", "2026-11-20", planned="2026-09-01")
    history.hold(conference, history.receive("p", "2026-11-02"), first="2026-11-20")
    history.adopt(LONGER, "2026-11-23 08:00")
    return history


async def listed(pool: asyncpg.Pool) -> list[str]:
    page = await Queries(pool).uncountable(Scope(NATION), 100)
    return sorted(f"{each.subject} {each.duty} {each.part}: {each.reason}" for each in page.items)


UNTIL_PUBLISHED = [
    f"jurisdiction commune_plan {DISTRICT}.1: there is no calendar for the year 2030: publish one first",
    "petition reply : there is no calendar for the year 2027: publish one first",
]


async def test_duties_that_cannot_be_counted__hold_up_nothing_and_are_counted_after_a_restart(
    pool: asyncpg.Pool,
) -> None:
    history = told()
    history.until(SHORT)
    writer = await opened(pool)
    await writer.apply(recorded(history))
    await writer.advance(at(SHORT), len(history.facts))
    await swept(writer)
    assert await listed(pool) == UNTIL_PUBLISHED
    assert await state(pool) == ought(history.engine, len(history.facts))
    assert await pool.fetchval("SELECT count(*) FROM deadlines WHERE duty = 'reply' AND breached") == 0
    before = len(history.facts)
    for year in EMPTY:
        history.publish(year, at("2026-12-21 08:00"))
    history.until(END)
    again = await opened(pool)
    await again.apply(recorded(history)[before:])
    await again.advance(at(END), len(history.facts))
    await swept(again)
    assert await listed(pool) == []
    assert await state(pool) == ought(history.engine, len(history.facts))
    assert await emitted_ids(pool) == ids_of(history.engine)
    due = await pool.fetch("SELECT duty, due_on, breached FROM deadlines WHERE duty IN ('reply', 'commune_plan')")
    assert sorted((row["duty"], str(row["due_on"]), row["breached"]) for row in due) == [
        ("commune_plan", "2030-03-15", False),
        ("reply", "2027-01-04", True),
    ]


async def test_two_sources_of_the_same_cases__each_list_their_own(pool: asyncpg.Pool) -> None:
    for source in ("one", "two"):
        writer, events = await opened(pool, source), recorded(told(source))
        await writer.apply(events)
        await writer.advance(at(SHORT), len(events))
        await swept(writer)
    rows = await pool.fetch("SELECT source, subject_id, duty FROM uncountable ORDER BY source, subject_id, duty")
    of_each = {source: [tuple(row)[1:] for row in rows if row["source"] == source] for source in ("one", "two")}
    assert of_each["one"] == of_each["two"] != []


async def test_page__of_the_case_says_which_duty_why_and_what_to_do(pool: asyncpg.Pool, followup_dsn: str) -> None:
    history = told()
    history.until(SHORT)
    writer = await opened(pool)
    await writer.apply(recorded(history))
    await writer.advance(at(SHORT), len(history.facts))
    async with read_side(pool, followup_dsn) as client:
        case = (await client.get(f"/cases/{derived_id('petition', 'p')}")).text
        assert (
            "<strong>Trả lời kiến nghị bằng văn bản</strong>: chưa tính được hạn vì chưa có lịch làm việc năm 2027."
            in case
        )
        client.cookies.set("doithoai_language", "en")
        case = (await client.get(f"/cases/{derived_id('petition', 'p')}")).text
        assert "Written reply</strong>: its due date cannot be counted, since there is no calendar for 2027." in case
        client.cookies.clear()
        figures = (await client.get("/figures")).text
        assert "Chưa tính được hạn" in figures and "<td>2</td>" in figures.split("Chưa tính được hạn")[1]


async def test_rebuild__lists_what_cannot_be_counted(pool: asyncpg.Pool, followup_dsn: str) -> None:
    history = told()
    history.until(SHORT)
    writer = await opened(pool)
    await writer.apply(recorded(history))
    await writer.advance(at(SHORT), len(history.facts))
    await swept(writer)
    async with projection_pool(followup_dsn, SEARCH_PATH) as beside:
        feed = MemoryFeed(recorded(history), at(SHORT))
        reports = await rebuild(RebuildTables(beside), [feed], (), lambda done, total: None)
    assert [report.differences for report in reports.values()] == [{}]
    assert await listed(pool) == UNTIL_PUBLISHED
    waiting = await pool.fetchval("SELECT next_fire_at IS NULL FROM deadlines WHERE duty = 'reply'")
    assert waiting
