"""Reads of the projection: what is listed, in which order, to whom; and that a listing never reads the history."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.followup.adapters.read.listings import CaseFilter, DeadlineFilter
from services.followup.adapters.read.live_digest import LiveState
from services.followup.adapters.read.metrics_snapshot import MetricsQueries
from services.followup.adapters.read.pagination import InvalidCursor, encode_cursor, read
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reports import Reports
from services.followup.adapters.store import rebuild_tables
from services.followup.application import rebuild as rebuilding
from services.followup.application.access import Scope
from services.followup.application.rebuild import rebuild
from services.followup.application.state_digest import engine_digest
from services.followup.domain.reports.periods import parse_period
from services.followup.domain.reports.tally import ALL_PETITIONS
from shared.events.any_stream import RecordAnnulled
from shared.events.petition import AnswerPrepared, PetitionForwarded, PetitionReassigned
from shared.events.regulation import AgencyClosed, JurisdictionClosed
from shared.identifiers import derived_id
from tests.support.following import MemoryFeed, projection_pool, recorded
from tests.support.history import History, at, day
from tests.support.postgres import TestServer
from tests.support.projection import (
    AUTUMN,
    COMMUNE,
    EDUCATION,
    ELSEWHERE,
    ENVIRONMENT,
    PACKAGES,
    TITLES,
    Pool,
    dialogue,
    petition,
    project,
)

ALL, DISTRICT = Scope(), Scope("H35.10")
NAMES = {petition(name): name for name in TITLES}


@pytest.fixture(scope="module")
def autumn_dsn(pg_server: TestServer) -> str:
    """A database in which the conference of August 2019 stands as it did in autumn; nobody writes to it."""
    return asyncio.run(in_autumn(pg_server))


async def in_autumn(pg_server: TestServer) -> str:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await project(pool, dialogue(), AUTUMN)
    return dsn


@pytest.fixture
async def pool(autumn_dsn: str) -> AsyncIterator[Pool]:
    """The autumn, for reading."""
    async with projection_pool(autumn_dsn) as pool:
        yield pool


@pytest.fixture
async def own_pool(pg_server: TestServer) -> AsyncIterator[Pool]:
    """The autumn, for a test that changes it."""
    async with projection_pool(await in_autumn(pg_server)) as pool:
        yield pool


async def names(pool: Pool, scope: Scope = ALL, limit: int = 50, **wanted: Any) -> list[str]:
    page = await Queries(pool).cases(scope, CaseFilter(**wanted), limit)
    return [NAMES.get(case.row.subject_id, case.row.subject) for case in page.items]


# --- cases ---------------------------------------------------------------------------------------------------------


async def test_cases__come_in_the_order_of_their_earliest_open_due_dates(pool: Pool) -> None:
    page = await Queries(pool).cases(ALL, CaseFilter(), 50)
    found = [(NAMES[c.row.subject_id], c.due_on and c.due_on.isoformat(), c.overdue) for c in page.items]
    assert found[0] == ("replied", "2019-09-05", True)  # its report to committee, government and chair is missing
    assert {name for name, _, _ in found[1:3]} == {"overdue", "escalated"}
    assert found[3:7] == [
        ("late", "2019-09-20", True),
        ("complex", "2019-10-07", False),
        ("extended", "2019-11-15", False),
        ("waiting", "2019-12-09", False),
    ]
    assert {name for name, due, _ in found[7:] if due is None} == {"elsewhere", "answered"}


async def test_cases__by_state_agency_and_whether_they_are_open_or_overdue(pool: Pool) -> None:
    assert set(await names(pool, state="assigned")) == {"overdue", "complex", "extended"}
    assert await names(pool, agency=EDUCATION) == ["complex"]
    assert await names(pool, agency=ENVIRONMENT, state="escalated") == ["escalated"]
    assert await names(pool, overdue=True, agency=EDUCATION) == []
    assert set(await names(pool, overdue=True)) == {"replied", "late", "overdue", "escalated"}
    assert set(TITLES) - set(await names(pool, unresolved=True)) == {"answered"}
    assert await names(pool, unresolved=True, state="answered") == []
    assert await names(pool, subject="conference") == ["conference", "conference"]
    assert await names(pool, subject="conference", unresolved=True) == []


async def test_cases__of_a_subtree(pool: Pool) -> None:
    assert await names(pool, jurisdiction=COMMUNE) == ["extended"]
    assert set(TITLES) - set(await names(pool, jurisdiction="H35")) == {"elsewhere"}
    assert await names(pool, jurisdiction="H40") == ["elsewhere"]
    assert await names(pool, jurisdiction="H4") == []  # the beginning of a code is no ancestor
    assert await names(pool, jurisdiction="H35", agency=EDUCATION) == ["complex"]
    assert await names(pool, jurisdiction="H35", state="no_clock") == ["waiting"]


async def test_cases__never_beyond_the_scope(pool: Pool) -> None:
    assert "elsewhere" not in await names(pool, DISTRICT)
    assert await names(pool, DISTRICT, jurisdiction="H40") == []
    assert "elsewhere" not in await names(pool, DISTRICT, jurisdiction="VN")
    assert await names(pool, DISTRICT, jurisdiction=COMMUNE) == ["extended"]
    assert await names(pool, Scope(ELSEWHERE), agency=ENVIRONMENT) == []


async def test_cases__of_an_agency_are_those_it_leads_or_owes_something_on(pool: Pool) -> None:
    education = Scope("H35.10", EDUCATION)
    assert await names(pool, education) == ["complex", "waiting"]
    assert await names(pool, education, agency=EDUCATION) == ["complex"]
    assert await names(pool, education, agency="unassigned") == ["waiting"]
    assert await names(pool, education, agency=ENVIRONMENT) == []
    assert await names(pool, Scope("H40", EDUCATION)) == []
    queries = Queries(pool)
    assert await queries.case(education, petition("waiting")) is not None
    assert await queries.case(education, petition("overdue")) is None
    assert await queries.case(Scope("H40"), petition("overdue")) is None


async def test_petition_that_is_on_no_conference__is_seen_by_whom_it_was_forwarded_to(own_pool: Pool) -> None:
    history, education, queries = dialogue(), Scope("H35.10", EDUCATION), Queries(own_pool)
    asked = history.receive("asked", "2019-10-02")
    forwarding = history.record(asked, PetitionForwarded(effective_on=day("2019-10-02"), agency=EDUCATION), None)
    await project(own_pool, history, "2019-10-03 10:00")
    assert "petition" in await names(own_pool, education)
    assert await queries.case(education, asked) is not None
    assert await queries.case(Scope("H35.10", ENVIRONMENT), asked) is None
    # Its first page says so; what is prepared for a conference stands there by its deadline.
    assert [row.subject_id for row in await queries.asked(education, 9)] == [asked]
    assert await queries.asked(Scope("H35.10", ENVIRONMENT), 9) == [] == await queries.asked(DISTRICT, 9)
    answer = AnswerPrepared(effective_on=day("2019-10-02"), agency=EDUCATION)
    prepared = history.record(asked, answer, "2019-10-03 10:05")
    await project(own_pool, history, "2019-10-03 10:10")
    assert await queries.asked(education, 9) == []
    late = RecordAnnulled(effective_on=day("2019-10-02"), event_id=prepared.event_id, reason="nhầm")
    history.record(asked, late, "2019-10-03 10:20", "petition")
    await project(own_pool, history, "2019-10-03 10:30")
    assert [row.subject_id for row in await queries.asked(education, 9)] == [asked]
    wrong = RecordAnnulled(effective_on=day("2019-10-02"), event_id=forwarding.event_id, reason="nhầm")
    history.record(asked, wrong, "2019-10-03 11:00", "petition")
    await project(own_pool, history, "2019-10-03 12:00")
    assert "petition" not in await names(own_pool, education)
    assert await queries.case(education, asked) is None


@pytest.mark.parametrize("agency", [EDUCATION, ENVIRONMENT, "H35.10.1"])
async def test_cases_of_an_agency__that_are_listed_open_and_that_open_are_listed(own_pool: Pool, agency: str) -> None:
    history, scope, queries = dialogue(), Scope("H35.10", agency), Queries(own_pool)
    asked, waiting = history.receive("asked", "2019-10-02"), petition("waiting")
    for each in (asked, petition("overdue")):
        history.record(each, PetitionForwarded(effective_on=day("2019-10-02"), agency=EDUCATION), None)
    for each in (asked, waiting):
        history.record(each, AnswerPrepared(effective_on=day("2019-10-02"), agency=EDUCATION), None)
    reassigned = PetitionReassigned(effective_on=day("2019-10-02"), agency=ENVIRONMENT)
    history.record(petition("complex"), reassigned, None)
    await project(own_pool, history, "2019-10-03 10:00")
    for subject in ("petition", "conference"):
        every = {case.row.subject_id for case in (await queries.cases(DISTRICT, CaseFilter(subject=subject), 50)).items}
        listed = {case.row.subject_id for case in (await queries.cases(scope, CaseFilter(subject=subject), 50)).items}
        assert listed == {each for each in every if await queries.case(scope, each) is not None}
        assert listed == await queries.visible(scope, every)
        assert (await queries.case_totals(scope, CaseFilter(subject=subject))).total.count == len(listed)
    if agency == EDUCATION:
        assert set(await names(own_pool, scope)) == {"petition", "waiting", "overdue"}


async def test_cases_of_a_body_that_is_no_more__are_its_heirs_to_see_ended_ones_too(own_pool: Pool) -> None:
    heir = "H35.31"
    history = dialogue()
    answered = petition("answered")  # it ended before its district did
    conference = next(f.originator_id for f in history.facts if f.topic == "ConferenceClosed")
    queries, before = Queries(own_pool), Scope(heir)
    assert await queries.case(before, answered) is None and await names(own_pool, before) == []
    closed = JurisdictionClosed(effective_on=day("2019-10-01"), code="H35.10", successor=heir)
    history.record(derived_id("jurisdiction", "H35.10"), closed, "2019-10-01 10:00", jurisdiction="H35.10")
    gone = AgencyClosed(effective_on=day("2019-10-01"), code=ENVIRONMENT, successor=EDUCATION)
    history.record(derived_id("agency", ENVIRONMENT), gone, "2019-10-01 10:01", jurisdiction="H35.10")
    await project(own_pool, history, "2019-10-01 11:00")
    for scope in (before, Scope("H35.31", ""), DISTRICT):
        assert await queries.case(scope, answered) is not None
        assert await queries.case(scope, conference) is not None
    assert {"answered", "overdue"} <= set(await names(own_pool, before))
    assert await names(own_pool, before, subject="conference") == await names(own_pool, ALL, subject="conference")
    assert "answered" in await names(own_pool, before, jurisdiction="H35.10")
    assert await names(own_pool, Scope("H40"), jurisdiction="H35.10") == []
    assert {d.raised.subject_id for d in (await queries.deadlines(before, DeadlineFilter(), 200)).items} >= {conference}
    assert [a.code for a in (await queries.agencies(before, "", 9)).items] == [ENVIRONMENT, EDUCATION]
    # So does the agency that took over from another.
    later = Scope(heir, EDUCATION)
    assert {"overdue", "late", "replied"} <= set(await names(own_pool, later))
    assert {"overdue", "replied"} <= set(await names(own_pool, later, agency=EDUCATION))
    assert await queries.case(later, petition("late")) is not None
    # An annulled closing leaves it to nobody else.
    wrong = next(f.event_id for f in history.facts if f.topic == "JurisdictionClosed")
    annulled = RecordAnnulled(effective_on=day("2019-10-01"), event_id=wrong, reason="nhầm")
    history.record(derived_id("jurisdiction", "H35.10"), annulled, "2019-10-01 12:00", "jurisdiction")
    await project(own_pool, history, "2019-10-01 13:00")
    assert await queries.case(before, answered) is None and await queries.case(DISTRICT, answered) is not None


async def test_report__of_an_heir_counts_what_its_predecessor_left(own_pool: Pool) -> None:
    history = dialogue()
    closed = JurisdictionClosed(effective_on=day("2019-10-01"), code="H35.10", successor="H35.31")
    history.record(derived_id("jurisdiction", "H35.10"), closed, "2019-10-01 10:00", jurisdiction="H35.10")
    await project(own_pool, history, "2019-10-01 11:00")
    period, reports = parse_period("2019"), Reports(own_pool)
    heirs = await reports.report(Scope("H35.31"), period, listed=ALL_PETITIONS)
    whole = await reports.report(Scope("H35"), period, listed=ALL_PETITIONS)
    assert {e.row.subject_id for e in heirs.tally.entries} == {e.row.subject_id for e in whole.tally.entries} != set()
    assert await reports.reached(Scope("H35.31"), "H35.10") is not None
    assert await reports.reached(Scope("H40"), "H35.10") is None


async def test_cases__pages_together_are_the_whole_list(pool: Pool) -> None:
    queries, found, cursor, limit = Queries(pool), list[UUID](), "", 2
    while True:
        page = await queries.cases(ALL, CaseFilter(), limit, cursor)
        assert len(page.items) <= limit
        found += [case.row.subject_id for case in page.items]
        cursor = page.next
        if not cursor:
            break
    whole = await queries.cases(ALL, CaseFilter(), 50)
    assert found == [case.row.subject_id for case in whole.items] and len(found) == len(TITLES)


async def test_cursor__of_another_listing_is_refused(pool: Pool) -> None:
    for cursor in ("x", "!!", "WyJhIl0", encode_cursor("2019-01-01"), "é"):
        with pytest.raises(InvalidCursor):
            await Queries(pool).cases(ALL, CaseFilter(), 5, cursor)


async def test_case__has_its_events_and_its_deadlines(pool: Pool) -> None:
    file = await Queries(pool).case(ALL, petition("late"))
    assert file is not None and file.difference == ""
    assert [e.topic for e in file.events][:3] == ["PetitionReceived", "PetitionClassified", "PetitionScheduled"]
    assert file.events[-1].topic == "WrittenReplyIssued"
    found = {(d.raised.duty, d.status) for d in file.deadlines}
    assert found == {("reply", "met_late"), ("reply_report", "breached"), ("result_report", "on_track")}
    assert await Queries(pool).case(ALL, derived_id("nobody")) is None


async def test_open_deadlines__of_some_cases(pool: Pool) -> None:
    found = await Queries(pool).open_deadlines([petition("complex"), petition("answered")])
    assert [d.raised.duty for d in found["test", petition("complex")]] == ["reply", "result_report"]
    assert ("test", petition("answered")) not in found


# --- deadlines -----------------------------------------------------------------------------------------------------


async def duties(pool: Pool, scope: Scope = ALL, **wanted: Any) -> list[str]:
    page = await Queries(pool).deadlines(scope, DeadlineFilter(**wanted), 200)
    assert all(not wanted.get("status") or d.status == wanted["status"] for d in page.items)
    return [f"{NAMES.get(d.raised.subject_id, d.raised.subject)} {d.raised.duty}" for d in page.items]


async def test_deadlines__by_how_they_stand(pool: Pool) -> None:
    assert await duties(pool, status="due_soon") == ["complex reply"]
    assert await duties(pool, status="met") == ["replied reply"]
    assert await duties(pool, status="met_late") == ["late reply"]
    assert set(await duties(pool, status="breached", agency=ENVIRONMENT)) == {
        "overdue reply",
        "escalated reply",
        "late reply_report",
        "replied reply_report",
    }
    on_track = await duties(pool, status="on_track", agency=EDUCATION)
    assert on_track == ["waiting prepared_answer", "complex result_report"]
    everything = await duties(pool)
    counted = [await duties(pool, status=s) for s in ("on_track", "due_soon", "breached", "met", "met_late", "waived")]
    assert sorted(everything) == sorted(name for part in counted for name in part)


async def test_deadlines__by_duty_and_subtree(pool: Pool) -> None:
    assert await duties(pool, duty="prepared_answer") == ["waiting prepared_answer"]
    assert await duties(pool, duty="reply", jurisdiction=COMMUNE) == ["extended reply"]
    assert await duties(pool, duty="reply", agency=EDUCATION) == ["complex reply"]
    assert await duties(pool, Scope("H40")) == []
    assert await duties(pool, Scope("H35", EDUCATION)) == [
        "complex reply",
        "waiting prepared_answer",
        "complex result_report",
    ]
    assert await duties(pool, Scope("H35", EDUCATION), agency=ENVIRONMENT) == []


async def test_deadlines__pages_together_are_the_whole_list(pool: Pool) -> None:
    queries, found, cursor = Queries(pool), list[UUID](), ""
    while True:
        page = await queries.deadlines(ALL, DeadlineFilter(), 3, cursor)
        found += [d.raised.deadline_id for d in page.items]
        cursor = page.next
        if not cursor:
            break
    count = await pool.fetchval("SELECT count(*) FROM deadlines")
    assert len(found) == len(set(found)) == count


async def test_deadline__with_its_events(pool: Pool) -> None:
    page = await Queries(pool).deadlines(ALL, DeadlineFilter(status="met_late"), 1)
    found = await Queries(pool).deadline(ALL, page.items[0].raised.deadline_id)
    assert found is not None
    deadline, events = found
    assert deadline == page.items[0]
    assert [e.topic for e in events] == [
        "DeadlineSet",
        "DeadlineDueSoon",
        "DeadlineDueSoon",
        "DeadlineBreached",
        "DeadlineMetLate",
    ]
    assert await Queries(pool).deadline(Scope("H40"), deadline.raised.deadline_id) is None
    assert await Queries(pool).deadline(Scope("H35", ENVIRONMENT), deadline.raised.deadline_id) is not None
    assert await Queries(pool).deadline(Scope("H35", EDUCATION), deadline.raised.deadline_id) is None


async def test_breaches__are_those_that_stand_the_open_ones_first(pool: Pool) -> None:
    found = []
    cursor = ""
    while True:
        page = await Queries(pool).breaches(ALL, DeadlineFilter(), 2, cursor)
        found += page.items
        cursor = page.next
        if not cursor:
            break
    assert [d.raised.outcome for d in found][-2:] == ["", "met_late"]
    assert all(d.raised.breached for d in found) and len(found) == 11
    assert [d.raised.due_on for d in found[:-1]] == sorted(d.raised.due_on or date.max for d in found[:-1])
    of_agency = await Queries(pool).breaches(Scope("H35", ENVIRONMENT), DeadlineFilter(duty="reply"), 50)
    assert [d.raised.outcome for d in of_agency.items] == ["", "", "met_late"]
    assert (await Queries(pool).breaches(Scope("H40"), DeadlineFilter(), 50)).items == []


async def test_standing__is_judged_by_the_clock_of_the_source(own_pool: Pool) -> None:
    # The source is silent since: nothing more was raised, and yet the deadline of 7 October has passed.
    await own_pool.execute("UPDATE sources SET complete_read_at = complete_read_at - interval '10 days'")
    assert "complex reply" in await duties(own_pool, status="breached")
    assert "complex" in await names(own_pool, overdue=True)
    (source,) = await Queries(own_pool).sources()
    assert source.now is not None and source.now.date() == date(2019, 10, 11)
    assert (source.position, source.lag_events, source.state) == (source.head, 0, "following")


# --- around --------------------------------------------------------------------------------------------------------


async def test_agencies__within_the_scope(pool: Pool) -> None:
    queries = Queries(pool)
    first = await queries.agencies(ALL, "", 1)
    second = await queries.agencies(ALL, "", 1, first.next)
    assert [a.code for a in (*first.items, *second.items)] == [ENVIRONMENT, EDUCATION] and second.next == ""
    assert (await queries.agencies(Scope("H40"), "", 5)).items == []
    found = await queries.agency_names([("test", EDUCATION), ("test", "H99"), ("other", EDUCATION)])
    assert found == {("test", EDUCATION): "Phòng Giáo dục và Đào tạo"}


async def test_parked_and_differences__within_the_scope(own_pool: Pool) -> None:
    unknown = derived_id("never applied")
    await own_pool.executemany(
        "INSERT INTO parked_events (source, position, event_id, petition_id, topic, reason) "
        "VALUES ('test', $1, $2, $3, 'PetitionRaised', 'Undecodable')",
        [(1, derived_id(1), petition("overdue")), (2, derived_id(2), unknown)],
    )
    await own_pool.execute(
        "INSERT INTO differences (subject_id, source, reason) VALUES ($1, 'test', '1 deadlines differ')",
        petition("elsewhere"),
    )
    queries = Queries(own_pool)
    assert [p.petition_id for p in (await queries.parked(ALL, 5)).items] == [petition("overdue"), unknown]
    assert [p.petition_id for p in (await queries.parked(DISTRICT, 5)).items] == [petition("overdue")]
    first = await queries.parked(ALL, 1)
    assert [p.position for p in (await queries.parked(ALL, 1, first.next)).items] == [2]
    assert [d.subject_id for d in (await queries.differences(ALL, 5)).items] == [petition("elsewhere")]
    assert (await queries.differences(DISTRICT, 5)).items == []
    await own_pool.execute("UPDATE parked_events SET released_at = now() WHERE position = 1")
    assert [p.position for p in (await queries.parked(ALL, 5)).items] == [2]


async def test_covers__knows_who_sees_every_case(own_pool: Pool) -> None:
    queries = Queries(own_pool)
    assert await queries.covers(ALL)
    assert not await queries.covers(Scope("H35"))
    assert not await queries.covers(Scope("VN", EDUCATION))
    await own_pool.execute("DELETE FROM cases WHERE jurisdiction = $1", ELSEWHERE)
    assert await queries.covers(Scope("H35")) and not await queries.covers(Scope("H35.10.31"))


async def test_digest__is_that_of_the_machine(pg_server: TestServer) -> None:
    history = dialogue()
    async with projection_pool(await pg_server.fresh(*PACKAGES)) as pool:
        await project(pool, history, AUTUMN)
        digest, (point,), _ = await LiveState(pool).digest()
    assert digest == engine_digest(history.engine, point)
    assert (point.source, point.position) == ("test", len(history.facts))


async def test_read__sees_one_state_while_a_rebuild_replaces_the_tables(
    pg_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The swap waits for what is being read, and gives way to what comes meanwhile."""
    monkeypatch.setattr(rebuild_tables, "LOCKS_WITHIN", "20ms")
    monkeypatch.setattr(rebuilding, "LOOK_EVERY", 0.01)
    feed = MemoryFeed(recorded(dialogue()), at(AUTUMN))
    begun, tried, replaced = asyncio.Event(), asyncio.Event(), rebuild_tables.LockedCursorRow.replace

    async def counted(locked: rebuild_tables.LockedCursorRow) -> None:
        tried.set()
        await replaced(locked)

    monkeypatch.setattr(rebuild_tables.LockedCursorRow, "replace", counted)

    async def work(connection: Any) -> tuple[int, int]:
        first: int = await connection.fetchval("SELECT count(*) FROM sources")
        begun.set()
        await tried.wait()
        await asyncio.sleep(0.1)
        return first, await connection.fetchval("SELECT count(*) FROM cases")

    dsn = await in_autumn(pg_server)
    async with projection_pool(dsn) as pool, projection_pool(dsn, rebuild_tables.SEARCH_PATH) as beside:
        before = await Queries(pool).cases(ALL, CaseFilter(), 50)
        reading = asyncio.create_task(read(pool, work))
        await begun.wait()
        rebuilt = await rebuild(rebuild_tables.RebuildTables(beside), [feed], (), lambda *_: None)
        assert rebuilt["test"].differences == {}
        assert await reading == (1, len(TITLES) + 2)
        assert await Queries(pool).cases(ALL, CaseFilter(), 50) == before


# --- plans ---------------------------------------------------------------------------------------------------------

CASES = 10_000  # of one subtree and its communes in three sources; nine in ten are history
FILL_CASES = """
INSERT INTO cases (subject_id, source, subject, jurisdiction, agency, state, unresolved, overdue, due_on, received_on,
    row)
SELECT gen_random_uuid(), (ARRAY['test', 'other', 'third'])[1 + n / 10 % 3], 'petition',
    'H35.10.' || n % 40, 'H35.10.' || n % 13,
    CASE WHEN n % 10 = 0 THEN (ARRAY['no_clock', 'raised', 'assigned', 'escalated', 'replied'])[n / 10 % 5 + 1]
         ELSE (ARRAY['resolved', 'answered', 'withdrawn'])[n % 3 + 1] END,
    n % 10 = 0, false, CASE WHEN n % 10 = 0 THEN date '2019-09-01' + n % 300 ELSE 'infinity' END, '2019-07-01', $2
FROM generate_series(1, $1::int) AS n
"""
FILL_DEADLINES = """
INSERT INTO deadlines (deadline_id, source, subject, subject_id, duty, debtor, jurisdiction, due_on, due_soon_on,
    breached, outcome, raised)
SELECT gen_random_uuid(), c.source, c.subject, c.subject_id, d.duty, c.agency, c.jurisdiction,
    least(c.due_on, date '2019-08-01' + n % 400), least(c.due_on, date '2019-08-01' + n % 400) - 7,
    n % 10 = 0, CASE WHEN c.unresolved THEN '' ELSE (ARRAY['met', 'met_late', 'waived'])[1 + n % 3] END, $1
FROM (SELECT row_number() OVER (ORDER BY subject_id)::int AS n, * FROM cases) c
CROSS JOIN (VALUES ('reply'), ('reply_report'), ('result_report')) AS d (duty)
"""
#: Rows that a statement may read for a page of ten: a few for each walk, never the history of 30 000 deadlines.
MOST_ROWS = 3_000
#: Behind the last one that is due soon the walk goes on through what is open and due later.
OPEN_ROWS = 3_200
TABLES = ("cases", "deadlines")


class Watched:
    """A own_pool that remembers what was asked of it."""

    def __init__(self, own_pool: Pool) -> None:
        self._pool = own_pool
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator["Watching"]:
        async with self._pool.acquire() as connection:
            yield Watching(connection, self.asked)


class Watching:
    """A connection that remembers what was asked of it."""

    def __init__(self, connection: Any, asked: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._connection, self._asked = connection, asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, query: str, *values: Any) -> Any:
        self._asked.append((query, values))
        return await self._connection.fetch(query, *values)


@pytest.fixture(scope="module")
def history_dsn(pg_server: TestServer) -> str:
    """A database with a long history behind a short page."""
    return asyncio.run(filled(pg_server))


async def filled(pg_server: TestServer) -> str:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        history = History()
        petition_id = history.receive("p", "2019-07-10")
        history.hold(history.plan("c", "2019-08-23"), petition_id, first="2019-08-23")
        await project(pool, history, AUTUMN)
        row = await pool.fetchval("SELECT row FROM cases WHERE subject = 'petition'")
        raised = await pool.fetchval("SELECT raised FROM deadlines WHERE duty = 'reply'")
        for source in ("other", "third"):
            await pool.execute("SELECT begin_source($1)", source)
        await pool.execute(FILL_CASES, CASES, row)
        await pool.execute(FILL_DEADLINES, raised)
        # As the server does it by itself, which looks at no table that is only partitioned.
        named = "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        for row in await pool.fetch(f"{named} WHERE schemaname LIKE 'followed:%'"):
            await pool.execute(f"VACUUM ANALYZE {row['name']}")
        await pool.execute("VACUUM ANALYZE public.stored_events")
    return dsn


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


async def checked(pool: Pool, watched: Watched, most: int = MOST_ROWS) -> None:
    """Every statement that was asked reads by an index and no more than a page needs."""
    for query, values in watched.asked:
        (row,) = await pool.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}", *values)
        plan = json.loads(row[0])[0]["Plan"]
        scans = [n for n in nodes(plan) if n.get("Relation Name") in TABLES]
        assert [n["Node Type"] for n in scans if n["Node Type"] == "Seq Scan"] == [], query
        read_rows = sum((n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"] for n in scans)
        assert read_rows <= most, (read_rows, query)


CASE_FILTERS = [
    CaseFilter(),
    CaseFilter(unresolved=True),
    CaseFilter(overdue=True),
    CaseFilter(state="escalated"),
    CaseFilter(agency="H35.10.5"),
    CaseFilter(agency="H35.10.5", overdue=True, unresolved=True),
    CaseFilter(jurisdiction="H35.10"),
    CaseFilter(jurisdiction="H35.10.7", unresolved=True),
    CaseFilter(jurisdiction="H35.10", state="escalated", overdue=True),
]
DEADLINE_FILTERS = [
    DeadlineFilter(),
    *(DeadlineFilter(status=s) for s in ("on_track", "due_soon", "breached", "met", "met_late", "waived")),
    DeadlineFilter(duty="reply", status="breached"),
    DeadlineFilter(agency="H35.10.5", status="breached"),
    DeadlineFilter(jurisdiction="H35.10", status="due_soon"),
    DeadlineFilter(jurisdiction="H35.10.7"),
]
#: Into a list of cases, which two sources may share, and into one of deadlines.
DEEP_CASES = (encode_cursor(date(2019, 10, 20), UUID(int=7), "test"), "")
DEEP = (encode_cursor(date(2019, 10, 20), UUID(int=7)), "")


@pytest.mark.parametrize("cursor", DEEP_CASES, ids=["deep", "first"])
@pytest.mark.parametrize("wanted", CASE_FILTERS, ids=str)
async def test_plan__of_a_page_of_cases(history_dsn: str, wanted: CaseFilter, cursor: str) -> None:
    async with projection_pool(history_dsn) as pool:
        watched = Watched(pool)
        for scope in (ALL, Scope("H35.10"), Scope("H35.10", "H35.10.5")):
            await Queries(watched).cases(scope, wanted, 10, cursor)  # type: ignore[arg-type]
        await checked(pool, watched)


@pytest.mark.parametrize("cursor", DEEP, ids=["deep", "first"])
@pytest.mark.parametrize("wanted", DEADLINE_FILTERS, ids=str)
async def test_plan__of_a_page_of_deadlines(history_dsn: str, wanted: DeadlineFilter, cursor: str) -> None:
    async with projection_pool(history_dsn) as pool:
        watched = Watched(pool)
        for scope in (ALL, Scope("H35.10"), Scope("H35.10", "H35.10.5")):
            await Queries(watched).deadlines(scope, wanted, 10, cursor)  # type: ignore[arg-type]
            if not wanted.status:
                await Queries(watched).breaches(scope, wanted, 10)  # type: ignore[arg-type]
        await checked(pool, watched, OPEN_ROWS if wanted.status == "due_soon" else MOST_ROWS)


async def test_plan__the_metrics_read_what_is_open_from_an_index_alone(history_dsn: str) -> None:
    async with projection_pool(history_dsn) as pool:
        watched = Watched(pool)
        watched.fetchval, watched.fetch = pool.fetchval, pool.fetch  # type: ignore[attr-defined]
        shot = await MetricsQueries(watched).snapshot()  # type: ignore[arg-type]
        assert sum(shot.unresolved.values()) == CASES // 10 + 1
        for query, values in watched.asked:
            (row,) = await pool.fetch(f"EXPLAIN (FORMAT JSON) {query}", *values)
            scans = [
                n for n in nodes(json.loads(row[0])[0]["Plan"]) if n.get("Relation Name") in ("cases", "deadlines")
            ]
            assert {n["Node Type"] for n in scans} <= {"Index Only Scan"}, query


async def test_plan__of_a_receipt_and_of_what_was_retracted_has_an_index(history_dsn: str) -> None:
    async with projection_pool(history_dsn) as pool:
        watched = Watched(pool)
        await Queries(watched).by_receipt(Scope("H35.10"), "7KQ2M9XD4A")  # type: ignore[arg-type]
        await Queries(watched).retracted(ALL, DeadlineFilter(), 10)  # type: ignore[arg-type]
        async with pool.acquire() as connection:
            await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")  # these tables are small
            used = set[str]()
            # The index of a source's table is known by that of the tables of all.
            parents = await connection.fetch(
                "SELECT c.relname AS own, p.relname AS of_all FROM pg_inherits "
                "JOIN pg_class c ON c.oid = inhrelid JOIN pg_class p ON p.oid = inhparent WHERE c.relkind = 'i'"
            )
            of_all = {row["own"]: row["of_all"] for row in parents}
            for query, values in watched.asked:
                (row,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) {query}", *values)
                names = {str(node.get("Index Name")) for node in nodes(json.loads(row[0])[0]["Plan"])}
                used |= {of_all.get(name, name) for name in names}
            await connection.execute("RESET enable_seqscan; RESET enable_bitmapscan")
        assert {"facts_receipt", "stored_events_retracted"} <= used
