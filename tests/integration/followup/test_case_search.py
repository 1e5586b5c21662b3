"""Cases that are searched, filtered, ordered and counted: held against a naive filter over the same random cases."""

import asyncio
import contextlib
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.adapters.read import case_listings
from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.regulation_logs import RegulationLogs
from services.followup.adapters.store.projection import StoredWriting
from services.followup.application.access import Scope
from services.followup.application.ports import CaseRecord, Changes
from services.followup.domain.deadlines.case_rows import OPEN_STATES, CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.wording.collation import vietnamese_order
from shared.events.regulation import AgencyRegistered
from shared.identifiers import derived_id, is_within, normalised
from tests.support.following import projection_pool
from tests.support.postgres import TestServer
from tests.support.projection import PACKAGES, Pool

TODAY = date(2019, 10, 1)
NOW = datetime(2019, 10, 1, 2, tzinfo=UTC)
AGENCIES = {
    "H35.10.3": "Phòng Tài nguyên và Môi trường",
    "H35.10.4": "Phòng Giáo dục và Đào tạo",
    "H40.2.1": "Ban Quản lý đường bộ",
}
PLACES = ("H35.10", "H35.10.31", "H35.2", "H40.2")
WORDS = (
    "đường", "Đường", "duong", "dương", "vào", "bản", "bán", "ban", "Nà", "Đa", "sạt", "lở", "nước", "sinh hoạt", "chè",
    "điện", "rác", "'thải'", "100%", "a_b", "x&y", "(cũ)", "Ủy ban", "ửng", "KN-7", "–", "“lũ”", "\\", "trường",
)  # fmt: skip
FIELDS = ("", "đất đai", "giao thông", "y tế, giáo dục", "a\\b")
CONFERENCES = (None, derived_id("first"), derived_id("second"))
STATES = ("no_clock", "raised", "assigned", "escalated", "replied", "resolved", "withdrawn", "closed")
COUNT = 240


def cases() -> list[CaseRecord]:
    """The same random cases each time; many share a day, a title or an agency."""
    chance = random.Random(7)
    found = []
    for number in range(COUNT):
        state, due = chance.choice(STATES), TODAY + timedelta(days=chance.randrange(-9, 10))
        row = CaseRow(
            subject="petition",
            subject_id=derived_id("case", number),
            jurisdiction=chance.choice(PLACES),
            state=state,  # type: ignore[arg-type]
            unresolved=state in OPEN_STATES,
            agency=chance.choice((*AGENCIES, "unassigned")),
            title=" ".join(chance.choices(WORDS, k=chance.randrange(5))),
            field=chance.choice(FIELDS),
            urgency=chance.choice(("", "normal", "urgent")),
            conference_id=chance.choice(CONFERENCES),
            received_on=chance.choice((None, TODAY - timedelta(days=chance.randrange(9)))),
            receipt_code=f"7K{number:04}Q",
            source="portal",
            external_id=chance.choice(("", f"PAKN-2019/{number}", f"Số {number}")),
        )
        is_open = row.unresolved and chance.random() < 0.8
        raised = deadline(row, due, chance.choice((row.agency, "H35.10.4"))) if is_open else ()
        found.append(CaseRecord(row, raised))
    return found


def deadline(row: CaseRow, due_on: date, debtor: str) -> tuple[DeadlineState, ...]:
    return (
        DeadlineState(
            deadline_id=derived_id("deadline", row.subject_id),
            source="test",
            subject="petition",
            subject_id=row.subject_id,
            duty="prepared_answer",
            starting_event=row.subject_id,
            debtor=debtor,
            jurisdiction=row.jurisdiction,
            clock_cause=row.subject_id,
            clock_stamp=NOW,
            due_on=due_on,
            version=1,
        ),
    )


CASES = cases()


async def filled(server: TestServer) -> str:
    dsn = await server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool, pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT begin_source('test')")
        await connection.execute("UPDATE sources SET instant = $1", NOW)
        registered = [
            AgencyRegistered(effective_on=TODAY, code=code, name=name, jurisdiction=code[:6], valid_from=TODAY)
            for code, name in AGENCIES.items()
        ]
        raised = [r for each in CASES for r in each.raised]
        changes = Changes(cases=CASES, deadlines=raised, agencies=registered)
        await StoredWriting(connection, "test", appends=False).write(changes)
    return dsn


@pytest.fixture(scope="module")
def searched_dsn(pg_server: TestServer) -> str:
    """A database with the random cases; nobody writes to it."""
    return asyncio.run(filled(pg_server))


@pytest.fixture
async def pool(searched_dsn: str) -> AsyncIterator[Pool]:
    async with projection_pool(searched_dsn) as pool:
        yield pool


# --- the naive filter ----------------------------------------------------------------------------------------------

SEPARATORS = re.compile(r"[\x00-/:-@\[-`{-\xbf\u2010-\u2026]+")


def words(text: str) -> list[str]:
    return SEPARATORS.sub(" ", unicodedata.normalize("NFC", text).lower()).split()


def bare(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def unmarked(text: str) -> list[str]:
    return words(bare(text))


def has(typed: list[str], name: str) -> bool:
    *whole, last = typed
    known = {*words(name), *unmarked(name)}
    if len(bare(last)) < 2:
        return {*whole, last} <= known
    return set(whole) <= known and any(
        unicodedata.normalize("NFD", word).startswith(unicodedata.normalize("NFD", last)) for word in known
    )


def matches(row: CaseRow, text: str, split: Callable[[str], list[str]]) -> bool:
    typed = split(text)
    if not typed:
        return False
    code = "".join(unmarked(text))
    return (
        has(typed, row.title)
        or code in ("".join(unmarked(row.receipt_code)), "".join(unmarked(row.external_id)))
        or has(typed, AGENCIES.get(row.agency, ""))
        or row.agency == text.strip().upper()
    )


def due_of(case: CaseRecord) -> date:
    return min((r.due_on for r in case.raised if r.due_on), default=date.max)


def naive(scope: Scope, wanted: CaseFilter, *, any_state: bool = False) -> list[CaseRecord]:
    def holds(case: CaseRecord) -> bool:
        row, due = case.row, due_of(case)
        owed = any(r.debtor == scope.agency for r in case.raised)
        return (
            is_within(row.jurisdiction, scope.jurisdiction)
            and (not scope.agency or row.agency == scope.agency or owed)
            and is_within(row.jurisdiction, wanted.jurisdiction or "VN")
            and wanted.agency in ("", row.agency)
            and (any_state or wanted.state in ("", row.state))
            and (any_state or not wanted.unresolved or row.unresolved)
            and (any_state or wanted.ended is None or wanted.ended != row.unresolved)
            and (not wanted.overdue or due < TODAY)
            and wanted.field in ("", row.field)
            and wanted.urgency in ("", row.urgency)
            and wanted.conference_id in (None, row.conference_id)
            and (wanted.due_from or date.min) <= due <= (wanted.due_to or date.max)
            and (wanted.received_from or date.min) <= (row.received_on or date.max)
            and (row.received_on or date.max) <= (wanted.received_to or date.max)
        )

    found = [case for case in CASES if holds(case)]
    if not wanted.text:
        return found
    asked = found if not any_state else naive(scope, msgspec.structs.replace(wanted, text=""))
    exact = any(matches(c.row, wanted.text, words) for c in asked)
    return [c for c in found if matches(c.row, wanted.text, words if exact else unmarked)]


def title_key(case: CaseRecord) -> Any:
    return vietnamese_order(" ".join(words(case.row.title)))[:2]


KEYS: Mapping[str, Callable[[CaseRecord], Any]] = {
    "due": due_of,
    "late": lambda case: -due_of(case).toordinal(),
    "received": lambda case: case.row.received_on or date.max,
    "title": title_key,
    "agency": lambda case: (case.row.agency, due_of(case)),
}

some_day = st.none() | st.integers(-12, 12).map(lambda n: TODAY + timedelta(days=n))
typed_words = st.lists(st.sampled_from([*WORDS, "truong", "ho", "nuo", "đ", "%", "_", "&|!", ":*", "'"]), max_size=3)
codes = st.sampled_from(
    [
        "7k-0012 q",
        "7K0012Q",
        "pakn 2019 7",
        "PAKN-2019/7",
        "h35.10.3",
        "H40.2.1",
        "so 12",
        "số 12",
        "giao duc",
        "Đào tạo",
    ]
)
texts = st.just("") | typed_words.map(" ".join) | codes | st.sampled_from([f"{w} " for w in WORDS])
sorts = st.sampled_from([sign + name for name in KEYS for sign in ("", "-")])
scopes = st.sampled_from(
    [Scope(), Scope("H35"), Scope("H35.10"), Scope("H35.10", "H35.10.4"), Scope("H40"), Scope("VN", "H40.2.1")]
)
filters = st.builds(
    CaseFilter,
    jurisdiction=st.sampled_from(["", "", "H35", "H35.10.31", "H40.2"]),
    agency=st.sampled_from(["", "", "", "H35.10.3", "H35.10.4", "unassigned"]),
    state=st.sampled_from(["", "", "", *STATES]),
    unresolved=st.sampled_from([False, False, True]),
    ended=st.sampled_from([None, None, True, False]),
    overdue=st.sampled_from([False, False, True]),
    text=texts.map(normalised),
    field=st.sampled_from(["", "", "", *FIELDS]),
    urgency=st.sampled_from(["", "", "normal", "urgent"]),
    conference_id=st.sampled_from([None, None, *CONFERENCES]),
    received_from=some_day,
    received_to=some_day,
    due_from=some_day,
    due_to=some_day,
    sort=sorts,
)
#: One filter at a time, since of many together nothing is left.
single = st.one_of(
    *(
        st.fixed_dictionaries({"sort": sorts, name: given})
        for name, given in {
            "text": texts.map(normalised),
            "field": st.sampled_from(FIELDS),
            "conference_id": st.sampled_from(CONFERENCES),
            "due_to": some_day,
            "received_from": some_day,
            "jurisdiction": st.sampled_from(["H35.10", "H35"]),
            "overdue": st.booleans(),
            "ended": st.booleans(),
        }.items()
    )
).map(lambda given: CaseFilter(**given))


async def walked(pool: Pool, scope: Scope, wanted: CaseFilter, limit: int) -> list[UUID]:
    """The ids of every page, one after another."""
    found, cursor = list[UUID](), ""
    while True:
        page = await Queries(pool).cases(scope, wanted, limit, cursor)
        found += [case.row.subject_id for case in page.items]
        cursor = page.next
        if not cursor:
            return found


async def agrees(dsn: str, scope: Scope, wanted: CaseFilter, limit: int) -> None:
    expected = naive(scope, wanted)
    async with projection_pool(dsn) as pool:
        found = await walked(pool, scope, wanted, limit)
        totals = await Queries(pool).case_totals(scope, wanted)
    by_id = {case.row.subject_id: case for case in CASES}
    assert sorted(found) == sorted(case.row.subject_id for case in expected)
    turned = wanted.sort.startswith("-")
    key = KEYS[wanted.sort.removeprefix("-")]
    keys = [key(by_id[i]) for i in found]
    assert keys == sorted(keys, reverse=turned)
    assert totals.total == case_listings.Bounded(len(expected))
    by_state = Counter(case.row.state for case in naive(scope, wanted, any_state=True))
    assert {state: n.count for state, n in totals.by_state.items() if n.count} == by_state


@settings(max_examples=120, deadline=None)
@given(scope=scopes, wanted=filters | single, limit=st.sampled_from([3, 17, 200]))
def test_answer__is_that_of_a_naive_filter(searched_dsn: str, scope: Scope, wanted: CaseFilter, limit: int) -> None:
    asyncio.run(agrees(searched_dsn, scope, wanted, limit))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(scope=scopes, wanted=filters | single, limit=st.sampled_from([3, 17]))
def test_answer__of_what_is_too_much_to_gather_is_the_same(
    searched_dsn: str, scope: Scope, wanted: CaseFilter, limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case_listings, "GATHERED", 5)
        asyncio.run(agrees(searched_dsn, scope, wanted, limit))


# --- plans ---------------------------------------------------------------------------------------------------------

MANY = 100_000
#: Half of them have ended; a place in forty, a field in twenty, a conference in a thousand.
FILL = """
INSERT INTO cases (subject_id, source, subject, jurisdiction, agency, state, unresolved, overdue, due_on, received_on,
    row, searched, found, title_order)
SELECT gen_random_uuid(), 'test', 'petition', 'H35.10.' || n % 40, 'H35.10.' || n % 13,
    (ARRAY['closed', 'closed', 'assigned', 'raised'])[1 + n % 4], n % 4 > 1, false,
    CASE WHEN n % 4 > 1 THEN date '2019-09-01' + n % 300 ELSE 'infinity' END, date '2018-01-01' + n % 700, $2,
    s.searched, followup_found(s.searched), followup_order(s.searched ->> 0)
FROM generate_series(1, $1::int) AS n CROSS JOIN LATERAL (SELECT jsonb_build_array(
    (ARRAY['Đường', 'Nước', 'Điện'])[1 + n % 3] || ' bản ' || n, 'field ' || n / 4 % 20, 'normal',
    md5((n / 100)::text)::uuid, 'KN' || n, ''
) OFFSET 0) AS s (searched)
"""
#: What is gathered, what is walked in vain before, and the agencies' scans; never the whole history at once.
MOST_ROWS = 2 * case_listings.GATHERED + 10_000


@pytest.mark.slow
async def test_plan__of_any_page_and_count_reads_by_an_index(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await pool.execute("SELECT begin_source('test')")
        await pool.execute("UPDATE sources SET instant = $1", NOW)
        await pool.execute(FILL, MANY, msgspec.json.encode(CASES[0].row), timeout=100)
        await pool.execute("VACUUM ANALYZE", timeout=100)
        asked = [
            CaseFilter(**each, sort=sort)  # type: ignore[arg-type]
            for sort in ("due", "-received", "title", "agency", "-late")
            for each in (
                {},
                {"text": "duong"},
                {"text": "đường bản 77"},
                {"text": "kn 4711"},
                {"field": "field 3"},
                {"conference_id": UUID("cfcd2084-95d5-65ef-66e7-dff9f98764da")},
                {"received_from": date(2019, 1, 1), "received_to": date(2019, 1, 2)},
                {"due_to": date(2019, 9, 3)},
                {"jurisdiction": "H35.10.7", "ended": False},
                {"agency": "H35.10.3", "text": "nuoc"},
            )
        ]
        for scope in (Scope(), Scope("H35.10"), Scope("H35.10", "H35.10.5")):
            for wanted in asked:
                explained = Explained(pool)
                await Queries(explained).cases(scope, wanted, 25)  # type: ignore[arg-type]
                if wanted.sort == "due":
                    await Queries(explained).case_totals(scope, wanted)  # type: ignore[arg-type]
                for query, plan in explained.plans:
                    scans = [n for n in nodes(plan) if n.get("Relation Name") == "cases"]
                    assert [n for n in scans if n["Node Type"] == "Seq Scan"] == [], (scope, wanted, query)
                    read = sum(
                        (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"] for n in scans
                    )
                    assert read <= MOST_ROWS, (read, scope, wanted, query)


@pytest.mark.slow
async def test_plan__of_what_is_known_of_places_reads_few_of_many_facts(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await pool.execute("SELECT begin_source('test')")
        await pool.execute(FILL, MANY, msgspec.json.encode(CASES[0].row), timeout=100)
        await pool.execute(
            "INSERT INTO facts (source, position, event_id, originator_id, version, topic, is_petition, recorded_at, "
            "state) SELECT 'test', n, gen_random_uuid(), gen_random_uuid(), 1, 'SpeakerCalled', false, $2, $3 "
            "FROM generate_series(1, $1::int) AS n",
            MANY,
            NOW,
            b"{}",
            timeout=100,
        )
        await pool.execute("VACUUM ANALYZE", timeout=100)
        explained = Explained(pool)
        queries, scope = Queries(explained), Scope("H35.10")  # type: ignore[arg-type]
        await queries.places(scope)
        await RegulationLogs(explained).by_source()  # type: ignore[arg-type]
        fields = await queries.fields_without_code(scope, "H35.10.7", "test")
        assert fields == sorted(f"field {n}" for n in range(20) if n % 10 == 1)
        read = [
            (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"]
            for _, plan in explained.plans
            for n in nodes(plan)
            if n.get("Relation Name") in ("facts", "cases")
        ]
        assert len(read) > 3 and sum(read) < 1000, read


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


class Explained:
    """A pool that remembers how each statement was carried out."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.plans: list[tuple[str, dict[str, Any]]] = []

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator["Explaining"]:
        async with self._pool.acquire() as connection:
            yield Explaining(connection, self.plans)


class Explaining:
    """A connection of it."""

    def __init__(self, connection: Any, plans: list[tuple[str, dict[str, Any]]]) -> None:
        self._connection, self._plans = connection, plans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, query: str, *values: Any) -> Any:
        carried = await self._connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}", *values)
        self._plans.append((query, json.loads(carried)[0]["Plan"]))
        return await self._connection.fetch(query, *values)
